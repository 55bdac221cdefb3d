package ingest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/ingest"
	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/queue"
	"crmsync/schema/schematest"
)

const (
	secret  = "a-secret-of-some-length"
	signing = "the signing secret of the app"
	board   = 18421858736 // exceeds 2^31
)

// bundle is a handler with its surroundings.
type bundle struct {
	*ingest.Handler
	pool     *pgxpool.Pool
	registry *prometheus.Registry
	log      *bytes.Buffer
}

// setup completes a Config that may set guards, a queue and time limits. By default a commit may take long: a slow
// machine is not a fault.
func setup(t *testing.T, pool *pgxpool.Pool, c ingest.Config) *bundle {
	t.Helper()
	b := &bundle{pool: pool, registry: prometheus.NewRegistry(), log: &bytes.Buffer{}}
	if c.Queue == nil {
		c.Queue = queued(b.pool)
	}
	if c.MaxAttempts == 0 {
		c.MaxAttempts = 12
	}
	if c.AnswerWithin == 0 {
		c.AnswerWithin = time.Minute
	}
	c.Ping, c.Version = b.pool.Ping, "1.2.3"
	c.Mapped = func(id int64) bool { return id == board }
	c.Registerer = b.registry
	c.Log = slog.New(slog.NewJSONHandler(&locked{w: b.log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if b.Handler, err = ingest.New(c); err != nil {
		t.Fatalf("New() = %v", err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.Background()); err != nil {
			t.Errorf("Close() = %v", err)
		}
	})
	return b
}

type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// queued is the queue of a database.
func queued(pool *pgxpool.Pool) *queue.Queue {
	return queue.New(pool, queue.Names{Events: jobs.QueueEvents})
}

func verifier(t *testing.T) *mondayclient.Verifier {
	t.Helper()
	v, err := mondayclient.NewVerifier([]string{signing}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func token(t *testing.T, life time.Duration) string {
	t.Helper()
	s, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"exp": time.Now().Add(life).Unix()}).SignedString([]byte(signing))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (b *bundle) send(method, path, authorization, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", authorization)
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	return w
}

// jobs returns the kind and the args of every job.
func (b *bundle) jobs(t *testing.T) (kinds []string, args []map[string]any) {
	t.Helper()
	rows, err := b.pool.Query(context.Background(), "SELECT kind, args FROM river_job ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	var kind string
	var arg map[string]any
	if _, err := pgx.ForEachRow(rows, []any{&kind, &arg}, func() error {
		kinds, args = append(kinds, kind), append(args, arg)
		arg = nil
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return kinds, args
}

// counted returns webhooks_total by "type outcome".
func (b *bundle) counted(t *testing.T) map[string]float64 {
	t.Helper()
	families, err := b.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "crmsync_webhooks_total" {
			continue
		}
		for _, m := range f.GetMetric() { // labels come sorted: outcome, type
			counts[m.GetLabel()[1].GetValue()+" "+m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
		}
	}
	return counts
}

// event returns a payload of the type with additional members, each starting with a comma.
func event(eventType, more string) string {
	return fmt.Sprintf(`{"event":{"type":%q,"boardId":%d,"pulseId":12736724196,"triggerTime":"2026-09-23T12:03:55.044Z"%s}}`, eventType, board, more)
}

func TestContract(t *testing.T) {
	t.Parallel()
	const post, withSecret, bare = http.MethodPost, "/webhooks/monday/" + secret, "/webhooks/monday"
	column := event("update_column_value", `,"columnId":"text","columnType":"text","value":{"value":"ACME"},"triggerUuid":"u1"`)
	v, good := verifier(t), token(t, time.Minute)
	onlySecret, onlyJWT := ingest.Config{Secrets: []string{secret}}, ingest.Config{Verifier: v}
	const next = "the secret that replaces it"
	rotation := ingest.Config{Secrets: []string{secret, next}}
	both := ingest.Config{Secrets: []string{secret}, Verifier: v}
	tests := map[string]struct {
		config        ingest.Config
		method, path  string
		authorization string
		body          string
		status        int
		answer        string
		counted       string
		kinds         []string
	}{
		"challenge":                  {onlySecret, post, withSecret, "", `{"challenge":"a\"<b>","extra":1}`, 200, `{"challenge":"a\"<b>"}`, "other challenge", nil},
		"challenge needs no JWT":     {both, post, withSecret, "", `{"challenge":"abc"}`, 200, `{"challenge":"abc"}`, "other challenge", nil},
		"challenge, only JWT":        {onlyJWT, post, bare, "", `{"challenge":"abc"}`, 200, `{"challenge":"abc"}`, "other challenge", nil},
		"challenge needs the secret": {both, post, "/webhooks/monday/" + secret + "x", good, `{"challenge":"abc"}`, 404, `{"error":"not found"}`, "other unauthorized", nil},
		"column update":              {onlySecret, post, withSecret, "", column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"create":                     {onlySecret, post, withSecret, "", event("create_pulse", `,"pulseName":"ACME"`), 200, `{"status":"accepted"}`, "create_pulse accepted", []string{"item_create"}},
		"rename":                     {onlySecret, post, withSecret, "", event("update_name", `,"value":{"name":"B"}`), 200, `{"status":"accepted"}`, "update_name accepted", []string{"item_rename"}},
		"delete":                     {onlySecret, post, withSecret, "", event("delete_pulse", ""), 200, `{"status":"accepted"}`, "delete_pulse accepted", []string{"item_delete"}},
		"archive":                    {onlySecret, post, withSecret, "", event("archive_pulse", ""), 200, `{"status":"accepted"}`, "archive_pulse accepted", []string{"item_delete"}},
		"restore":                    {onlySecret, post, withSecret, "", event("item_restored", ""), 200, `{"status":"accepted"}`, "restore_pulse accepted", []string{"item_restore"}},
		"JWT":                        {onlyJWT, post, bare, good, column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"JWT with Bearer":            {onlyJWT, post, bare, "Bearer " + good, column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"both":                       {both, post, withSecret, good, column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"other board":                {onlySecret, post, withSecret, "", strings.Replace(column, fmt.Sprint(board), "7", 1), 200, `{"status":"ignored"}`, "update_column_value ignored", nil},
		"other type":                 {onlySecret, post, withSecret, "", event("create_update", ""), 200, `{"status":"ignored"}`, "other ignored", nil},
		"broken JSON":                {onlySecret, post, withSecret, "", `{"event":`, 200, `{"status":"unreadable"}`, "other unreadable", []string{"unreadable"}},
		"empty body":                 {onlySecret, post, withSecret, "", ``, 200, `{"status":"unreadable"}`, "other unreadable", []string{"unreadable"}},
		"NUL":                        {onlySecret, post, withSecret, "", event("create_pulse", `,"pulseName":"\u0000"`), 200, `{"status":"unreadable"}`, "other unreadable", []string{"unreadable"}},
		"wrong type":                 {onlySecret, post, withSecret, "", event("create_pulse", `,"pulseName":7`), 200, `{"status":"unreadable"}`, "other unreadable", []string{"unreadable"}},
		"invalid UTF-8":              {onlySecret, post, withSecret, "", event("create_pulse", ",\"pulseName\":\"\xff\""), 200, `{"status":"unreadable"}`, "other unreadable", []string{"unreadable"}},
		"unreadable without JWT":     {both, post, withSecret, "", `{"event":`, 401, `{"error":"unauthorized"}`, "other unauthorized", nil},
		"wrong secret":               {onlySecret, post, "/webhooks/monday/wrong", "", column, 404, `{"error":"not found"}`, "other unauthorized", nil},
		"missing secret":             {onlySecret, post, bare, "", column, 404, `{"error":"not found"}`, "", nil},
		"empty secret":               {onlySecret, post, bare + "/", "", column, 404, `{"error":"not found"}`, "", nil},
		"secret and more":            {onlySecret, post, withSecret + "/more", "", column, 404, `{"error":"not found"}`, "other unauthorized", nil},
		"unexpected secret":          {onlyJWT, post, withSecret, good, column, 404, `{"error":"not found"}`, "", nil},
		"wrong secret, good JWT":     {both, post, "/webhooks/monday/wrong", good, column, 404, `{"error":"not found"}`, "other unauthorized", nil},
		"good secret, missing JWT":   {both, post, withSecret, "", column, 401, `{"error":"unauthorized"}`, "other unauthorized", nil},
		"secret in rotation":         {rotation, post, withSecret, "", column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"next secret in rotation":    {rotation, post, "/webhooks/monday/" + url.PathEscape(next), "", column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"both secrets as one":        {rotation, post, withSecret + "," + url.PathEscape(next), "", column, 404, `{"error":"not found"}`, "other unauthorized", nil},
		"expired JWT, large body":    {onlyJWT, post, bare, token(t, -2*time.Minute), strings.Repeat(" ", 8<<10) + column, 401, `{"error":"unauthorized"}`, "other unauthorized", nil},
		"large challenge, no JWT":    {onlyJWT, post, bare, "", `{"challenge":"` + strings.Repeat("a", 8<<10) + `"}`, 401, `{"error":"unauthorized"}`, "other unauthorized", nil},
		"wrong JWT":                  {onlyJWT, post, bare, good[:len(good)-4] + "AAAA", column, 401, `{"error":"unauthorized"}`, "other unauthorized", nil},
		"expired JWT":                {onlyJWT, post, bare, token(t, -2*time.Minute), column, 401, `{"error":"unauthorized"}`, "other unauthorized", nil},
		"1 MiB":                      {onlySecret, post, withSecret, "", strings.Repeat(" ", 1<<20-len(column)) + column, 200, `{"status":"accepted"}`, "update_column_value accepted", []string{"column_update"}},
		"over 1 MiB":                 {onlySecret, post, withSecret, "", strings.Repeat(" ", 1<<20) + column, 413, `{"error":"request entity too large"}`, "other too_large", nil},
		"GET":                        {onlySecret, http.MethodGet, withSecret, "", column, 405, `{"error":"method not allowed"}`, "", nil},
		"OPTIONS":                    {onlySecret, http.MethodOptions, withSecret, "", "", 405, `{"error":"method not allowed"}`, "", nil},
		"PUT, only JWT":              {onlyJWT, http.MethodPut, bare, good, column, 405, `{"error":"method not allowed"}`, "", nil},
		"alive":                      {onlySecret, http.MethodGet, "/healthz", "", "", 200, `{"status":"ok","version":"1.2.3"}`, "", nil},
		"ready":                      {onlySecret, http.MethodGet, "/readyz", "", "", 200, `{"status":"ok"}`, "", nil},
		"unknown path":               {onlySecret, http.MethodGet, "/metrics", "", "", 404, `{"error":"not found"}`, "", nil},
	}
	pool := schematest.New(t)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) { // one at a time: they share the database
			if _, err := pool.Exec(t.Context(), "TRUNCATE river_job"); err != nil {
				t.Fatal(err)
			}
			b := setup(t, pool, tt.config)
			w := b.send(tt.method, tt.path, tt.authorization, tt.body)
			var got, want any
			if json.Unmarshal(w.Body.Bytes(), &got) != nil || json.Unmarshal([]byte(tt.answer), &want) != nil || w.Code != tt.status || !cmp.Equal(got, want) {
				t.Errorf("answer = %d %s, want %d %s", w.Code, w.Body, tt.status, tt.answer)
			}
			if got := w.Header().Get("Allow"); tt.status == 405 && got != "POST" {
				t.Errorf("Allow = %q", got)
			}
			kinds, _ := b.jobs(t)
			if diff := cmp.Diff(tt.kinds, kinds); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
			counted := map[string]float64{}
			if tt.counted != "" {
				counted[tt.counted] = 1
			}
			if diff := cmp.Diff(counted, b.counted(t)); diff != "" {
				t.Errorf("webhooks_total (-want +got):\n%s", diff)
			}
			for _, hidden := range []string{secret, signing, good, "ACME"} {
				if strings.Contains(b.log.String(), hidden) {
					t.Errorf("the log contains %q: %s", hidden, b.log)
				}
			}
		})
	}
}

func TestNewRejectsOpenEndpoint(t *testing.T) {
	t.Parallel()
	tests := map[string]ingest.Config{
		"nothing":                      {},
		"short secret":                 {Secrets: []string{"fifteen-charact"}},
		"short secret beside verifier": {Secrets: []string{"0123456789"}, Verifier: verifier(t)},
		"short second secret":          {Secrets: []string{secret, "0123456789"}},
		"empty second secret":          {Secrets: []string{secret, ""}},
		"three secrets":                {Secrets: []string{secret, secret + "2", secret + "3"}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ingest.New(c)
			if err == nil {
				t.Fatal("New() = nil, want an error")
			}
			for _, s := range c.Secrets {
				if s != "" && strings.Contains(err.Error(), s) {
					t.Errorf("New() = %v, want an error without the secret", err)
				}
			}
		})
	}
}

func bodyKey(body string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(body))) }

func TestArgs(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	bodies := []string{
		event("update_column_value", `,"columnId":"status","columnType":"color","value":{"label":{"index":3,"text":"Go"}},"changedAt":1790165018.6281064,"isRetry":true,"triggerUuid":"u1"`),
		event("create_pulse", `,"pulseName":"ACME"`),
		event("create_pulse", `,"pulseName":"ACME","triggerUuid":"u2"`),
		`{"event":`,
	}
	for _, body := range bodies {
		if w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body); w.Code != http.StatusOK {
			t.Fatalf("answer = %d %s", w.Code, w.Body)
		}
	}
	_, got := b.jobs(t)
	for _, args := range got {
		received, err := time.Parse(time.RFC3339Nano, fmt.Sprint(args["received_at"]))
		if err != nil || received.IsZero() || time.Since(received) > time.Minute {
			t.Errorf("received_at = %v", args["received_at"])
		}
		delete(args, "received_at")
	}
	want := []map[string]any{
		{
			"key": "u1:12736724196:status", "type": "update_column_value", "board_id": float64(board), "item_id": 12736724196.0, "triggered_at": "2026-09-23T12:03:55.044Z",
			"redelivered": true, "column_id": "status", "column_type": "color", "changed_at": 1790165018.6281064,
			"value": map[string]any{"label": map[string]any{"index": 3.0, "text": "Go"}},
		},
		{
			"key": bodyKey(bodies[1]), "type": "create_pulse", "board_id": float64(board),
			"item_id": 12736724196.0, "triggered_at": "2026-09-23T12:03:55.044Z", "name": "ACME",
		},
		{
			"key": "u2:12736724196", "type": "create_pulse", "board_id": float64(board),
			"item_id": 12736724196.0, "triggered_at": "2026-09-23T12:03:55.044Z", "name": "ACME",
		},
		{"key": bodyKey(bodies[3]), "body": "eyJldmVudCI6", "reason": "body: not a JSON object"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("args (-want +got):\n%s", diff)
	}
}
