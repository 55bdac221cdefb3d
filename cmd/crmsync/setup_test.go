package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/mondayclient/mondaysim"
	"crmsync/schema/schematest"
	"crmsync/sfclient/sfsim"
)

const (
	secret = "a-webhook-secret-of-32-characters"

	accounts, contacts, leads int64 = 1001, 1002, 1003 // boards of the example mapping

	patience = 90 * time.Second // for conditions; nothing is expected to take that long
)

// world is the program and all that is around it: Postgres, both systems, and a messenger.
type world struct {
	t          *testing.T
	db         *pgxpool.Pool
	env        map[string]string
	monday     *mondaysim.Sim
	salesforce *sfsim.Sim
	telegram   *telegram
	ingest     string // URL of the ingest endpoint, once something serves it
}

// option changes a world before it begins.
type option func(*world, *mondaysim.Config, *sfsim.Config)

// setup makes a world in which nothing runs yet.
func setup(t *testing.T, options ...option) *world {
	t.Helper()
	url := schematest.URL(t)
	db, err := pgxpool.New(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	w := &world{t: t, db: db, telegram: newTelegram(t)}
	mapping, err := filepath.Abs("../../deploy/mapping.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w.env = map[string]string{
		"DATABASE_URL": url, "MAPPING": mapping, "WEBHOOK_SECRET": secret,
		"INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "LOG_LEVEL": "debug",
		"MONDAY_API_TOKEN": "monday-token", "SALESFORCE_CLIENT_ID": "client-id", "SALESFORCE_CLIENT_SECRET": "client-secret",
		"TELEGRAM_BOT_TOKEN": "123:telegram-token", "TELEGRAM_CHAT_ID": "42", "TELEGRAM_API_URL": w.telegram.URL,
		"ALERT_INTERVAL": "200ms", "RETRY_BASE": "50ms", "RETRY_MAX": "1s",
	}
	mondayConfig := mondaysim.Config{Token: "monday-token", RetryEvery: 300 * time.Millisecond}
	salesforceConfig := sfsim.Config{ClientID: "client-id", ClientSecret: "client-secret"}
	for _, o := range options {
		o(w, &mondayConfig, &salesforceConfig)
	}
	w.monday, w.salesforce = mondaysim.New(mondayConfig), sfsim.New(salesforceConfig)
	t.Cleanup(w.monday.Close)
	mondayServer, salesforceServer := httptest.NewServer(w.monday), httptest.NewServer(w.salesforce)
	t.Cleanup(mondayServer.Close)
	t.Cleanup(salesforceServer.Close)
	w.env["MONDAY_API_URL"], w.env["SALESFORCE_LOGIN_URL"] = mondayServer.URL+"/v2", salesforceServer.URL
	return w
}

// with sets a variable of the environment.
func with(name, value string) option {
	return func(w *world, _ *mondaysim.Config, _ *sfsim.Config) { w.env[name] = value }
}

// start runs a command until the test ends or stop is called, which returns its exit code.
func (w *world) start(command string) (stop func() int) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &logBuffer{}
	code := make(chan int, 1)
	go func() {
		code <- run(ctx, []string{command}, func(name string) string { return w.env[name] }, log, log)
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	w.t.Cleanup(func() {
		if got := stop(); got != exitDone {
			w.t.Errorf("crmsync %s exited with %d", command, got)
		}
		if w.t.Failed() {
			w.t.Logf("log of crmsync %s:\n%s", command, log.tail(60))
		}
	})
	w.eventually("crmsync "+command+" has started", func() bool {
		select {
		case got := <-code:
			w.t.Fatalf("crmsync %s exited with %d:\n%s", command, got, log.tail(60))
		default:
		}
		return log.contains(`"msg":"started"`)
	})
	if addr := log.listener("ingest"); addr != "" {
		w.ingest = "http://" + addr + "/webhooks/monday/" + secret
	}
	return stop
}

// subscribe lets Monday deliver all events of the example's boards.
func (w *world) subscribe() {
	for _, board := range []int64{accounts, contacts, leads} {
		for _, event := range []string{"change_column_value", "create_item", "change_name", "item_deleted", "item_archived", "item_restored"} {
			w.monday.AddWebhook(board, event, w.ingest)
		}
	}
}

// eventually waits for a condition.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			w.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// quiet waits until Monday has delivered everything and no job is left to do.
func (w *world) quiet() {
	w.t.Helper()
	w.eventually("all is quiet", func() bool {
		return w.monday.Pending() == 0 &&
			w.count("SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')") == 0 &&
			w.monday.Pending() == 0
	})
}

// count is the answer to a question of one number.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
	return n
}

// records are the live records of an object that have a value in a field.
func (w *world) records(object, field string, value any) (found []map[string]any) {
	for _, record := range w.salesforce.Records(object) {
		if fmt.Sprint(record[field]) == fmt.Sprint(value) {
			found = append(found, record)
		}
	}
	return found
}

// record is the one record of an object that has the item's id in its key field.
func (w *world) record(object string, item int64) map[string]any {
	w.t.Helper()
	found := w.records(object, "Monday_Item_Id__c", item)
	if len(found) != 1 {
		w.t.Fatalf("item %d has %d records of %s, want 1", item, len(found), object)
	}
	return found[0]
}

// logBuffer takes the program's output.
type logBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

func (b *logBuffer) contains(text string) bool { return strings.Contains(b.String(), text) }

func (b *logBuffer) tail(lines int) string {
	all := strings.Split(strings.TrimSpace(b.String()), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// listener is the address that the log tells of a listener.
func (b *logBuffer) listener(name string) string {
	for line := range strings.Lines(b.String()) {
		var entry struct{ Msg, Listener, Addr string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" && entry.Listener == name {
			return entry.Addr
		}
	}
	return ""
}

func TestMain(m *testing.M) {
	os.Exit(m.Run())
}
