package cli

import (
	"context"
	"flag"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/schema/schematest"
)

const (
	secret = "a-webhook-secret-of-32-characters"

	accounts, contacts, leads int64 = 1001, 1002, 1003 // boards of the example mapping

	key = "Monday_Item_Id__c" // field that holds the item's id

	patience = 90 * time.Second // for conditions; nothing is expected to take that long
)

// world is the program and all that is around it: Postgres, both systems, and the messengers.
type world struct {
	t          *testing.T
	db         *pgxpool.Pool
	env        map[string]string
	monday     *mondaysim.Sim
	salesforce *sfsim.Sim
	telegram   *telegram
	slack      *slack
	mail       mail
	ingest     string // URL of the ingest endpoint, once something serves it
	admin      string // base URL of the admin listener that was opened last
	logs       []*logBuffer
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
	w := &world{t: t, db: db, telegram: newTelegram(t), slack: newSlack(t)}
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
	t.Cleanup(func() {
		if n := w.salesforce.InFlightViolations(); n != 0 {
			t.Errorf("%d writes of a record while another one was in flight", n)
		}
	})
	return w
}

// with sets a variable of the environment.
func with(name, value string) option {
	return func(w *world, _ *mondaysim.Config, _ *sfsim.Config) { w.env[name] = value }
}

// mapped puts a mapping in the place of the example.
func mapped(text string) option {
	return func(w *world, _ *mondaysim.Config, _ *sfsim.Config) { w.env["MAPPING"] = w.file("mapping.yaml", text) }
}

// monday changes the account's configuration.
func monday(change func(*mondaysim.Config)) option {
	return func(_ *world, c *mondaysim.Config, _ *sfsim.Config) { change(c) }
}

// salesforce changes the org's configuration.
func salesforce(change func(*sfsim.Config)) option {
	return func(_ *world, _ *mondaysim.Config, c *sfsim.Config) { change(c) }
}

// byHand keeps Monday's deliveries back, for the test to post.
func byHand(w *world, c *mondaysim.Config, _ *sfsim.Config) { c.Deliver = w.mail.put }

// slacking sends alerts to Slack too.
func slacking(w *world, _ *mondaysim.Config, _ *sfsim.Config) {
	w.env["SLACK_WEBHOOK_URL"] = w.slack.URL
}

// ticking gives Monday a clock that never shows a millisecond twice: renames have no finer time.
func ticking(_ *world, c *mondaysim.Config, _ *sfsim.Config) {
	var last atomic.Int64
	c.Now = func() time.Time {
		for {
			before, now := last.Load(), time.Now().UnixMilli()
			now = max(now, before+1)
			if last.CompareAndSwap(before, now) {
				return time.UnixMilli(now)
			}
		}
	}
}

// file writes a file of the test's own.
func (w *world) file(name, text string) (path string) {
	w.t.Helper()
	path = filepath.Join(w.t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// start runs a command until the test ends or stop is called, which returns its exit code.
func (w *world) start(command string) (stop func() int) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &logBuffer{}
	w.logs = append(w.logs, log)
	code := make(chan int, 1)
	go func() {
		code <- Run(ctx, []string{command}, func(name string) string { return w.env[name] }, log, log)
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
			code <- got
			w.t.Fatalf("crmsync %s exited with %d:\n%s", command, got, log.tail(60))
		default:
		}
		return log.contains(`"msg":"started"`)
	})
	if addr := log.listener("ingest"); addr != "" {
		w.ingest = "http://" + addr + "/webhooks/monday/" + secret
	}
	w.admin = "http://" + log.listener("admin")
	return stop
}

// command runs a command that ends by itself.
func (w *world) command(args ...string) (code int, stdout, stderr string) {
	w.t.Helper()
	var out, errs logBuffer // what runs beside a command tells there too
	code = Run(w.t.Context(), args, func(name string) string { return w.env[name] }, &out, &errs)
	return code, out.String(), errs.String()
}

// subscribe lets Monday deliver all events of the boards; none named: of the example's.
func (w *world) subscribe(boards ...int64) {
	if len(boards) == 0 {
		boards = []int64{accounts, contacts, leads}
	}
	for _, board := range boards {
		for _, event := range []string{"change_column_value", "create_item", "change_name", "item_deleted", "item_archived", "item_restored"} {
			w.monday.AddWebhook(board, event, w.ingest)
		}
	}
}

// serving is a world in which one process does everything, and hears of all events.
func serving(t *testing.T, options ...option) *world {
	t.Helper()
	w := setup(t, options...)
	w.start("serve")
	w.subscribe()
	return w
}

// TestMain runs more tests at once than there are processors, unless -parallel says otherwise: they mostly wait.
func TestMain(m *testing.M) {
	flag.Parse()
	said := false
	flag.Visit(func(f *flag.Flag) { said = said || f.Name == "test.parallel" })
	if !said {
		if err := flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}
