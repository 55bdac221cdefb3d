package operate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

const signing = "a-signing-secret-of-some-length"

// signed returns a JWT like Monday's, with changes.
func signed(t *testing.T, method jwt.SigningMethod, secret string, claims jwt.MapClaims) string {
	t.Helper()
	token, err := jwt.NewWithClaims(method, claims).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("MONDAY_SIGNING_SECRET", "the-secret-before-this-one,"+signing))
	w.Start("ingest")
	later, earlier := time.Now().Add(5*time.Minute).Unix(), time.Now().Add(-5*time.Minute).Unix()
	valid := signed(t, jwt.SigningMethodHS256, signing, jwt.MapClaims{"exp": later, "aud": "https://elsewhere.example", "nbf": later})
	event := func(n string) string {
		return `{"event":{"type":"create_pulse","boardId":1001,"pulseId":77,"pulseName":"Zyxwv","triggerUuid":"` + n + `","triggerTime":"2026-09-23T12:03:55.044Z"}}`
	}
	challenge := `{"challenge":"abc <i>", "token":"Zyxwv"}`
	tests := map[string]struct {
		method, path, body, auth string
		status, jobs             int
		answer                   string
	}{
		"challenge":             {path: e2e.Secret, body: challenge, status: 200, answer: `{"challenge":"abc <i>"}`},
		"event":                 {path: e2e.Secret, body: event("a"), auth: valid, status: 200, jobs: 1},
		"with Bearer":           {path: e2e.Secret, body: event("b"), auth: "Bearer " + valid, status: 200, jobs: 1},
		"of the secret before":  {path: e2e.Secret, body: event("c"), auth: signed(t, jwt.SigningMethodHS256, "the-secret-before-this-one", jwt.MapClaims{"exp": later}), status: 200, jobs: 1},
		"expired a moment ago":  {path: e2e.Secret, body: event("d"), auth: signed(t, jwt.SigningMethodHS256, signing, jwt.MapClaims{"exp": time.Now().Add(-30 * time.Second).Unix()}), status: 200, jobs: 1},
		"unreadable":            {path: e2e.Secret, body: "Zyxwv", auth: valid, status: 200, jobs: 1},
		"wrong secret":          {path: "another-secret-of-the-same-length", body: event("e"), auth: valid, status: 404},
		"challenge, wrong path": {path: "another-secret-of-the-same-length", body: challenge, status: 404},
		"no secret":             {body: event("f"), auth: valid, status: 404},
		"more after it":         {path: e2e.Secret + "/more", body: event("g"), auth: valid, status: 404},
		"no JWT":                {path: e2e.Secret, body: event("h"), status: 401},
		"unreadable, no JWT":    {path: e2e.Secret, body: "Zyxwv", status: 401},
		"expired":               {path: e2e.Secret, body: event("i"), auth: signed(t, jwt.SigningMethodHS256, signing, jwt.MapClaims{"exp": earlier}), status: 401},
		"never expires":         {path: e2e.Secret, body: event("j"), auth: signed(t, jwt.SigningMethodHS256, signing, jwt.MapClaims{}), status: 401},
		"another key":           {path: e2e.Secret, body: event("k"), auth: signed(t, jwt.SigningMethodHS256, "another-secret", jwt.MapClaims{"exp": later}), status: 401},
		"an empty key":          {path: e2e.Secret, body: event("l"), auth: signed(t, jwt.SigningMethodHS256, "", jwt.MapClaims{"exp": later}), status: 401},
		"both keys as one":      {path: e2e.Secret, body: event("m"), auth: signed(t, jwt.SigningMethodHS256, "the-secret-before-this-one,"+signing, jwt.MapClaims{"exp": later}), status: 401},
		"another algorithm":     {path: e2e.Secret, body: event("n"), auth: signed(t, jwt.SigningMethodHS512, signing, jwt.MapClaims{"exp": later}), status: 401},
		"too large":             {path: e2e.Secret, body: strings.Repeat("x", 1<<20+1), auth: valid, status: 413},
		"another method":        {method: http.MethodGet, path: e2e.Secret, status: 405},
		"wrong secret, GET":     {method: http.MethodGet, path: "another-secret-of-the-same-length", status: 404},
		"wrong secret, OPTIONS": {method: http.MethodOptions, path: "another-secret-of-the-same-length", status: 404},
		"no secret, GET":        {method: http.MethodGet, status: 404},
		"another path":          {path: "../../elsewhere", status: 404},
	}
	// Not in parallel: the jobs are counted.
	for name, tt := range tests {
		before := w.Count("SELECT count(*) FROM river_job")
		if tt.method == "" {
			tt.method = http.MethodPost
		}
		var status int
		var body []byte
		w.Eventually(name+" is answered", func() bool { // as Monday does, again after a 503
			req, err := http.NewRequestWithContext(t.Context(), tt.method, strings.TrimSuffix(origin(w.Ingest)+"/webhooks/monday/"+tt.path, "/"), strings.NewReader(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", tt.auth)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			status = resp.StatusCode
			if body, err = io.ReadAll(resp.Body); err != nil {
				t.Fatal(err)
			}
			return status != http.StatusServiceUnavailable
		})
		if status != tt.status {
			t.Errorf("%s: answered %d, want %d: %s", name, status, tt.status, body)
		}
		var answer map[string]string
		if err := json.Unmarshal(body, &answer); err != nil || tt.status != 200 && (len(answer) != 1 || answer["error"] == "") {
			t.Errorf("%s: answered %s, want JSON with an error", name, body)
		}
		if want := strings.TrimPrefix(strings.TrimSuffix(tt.answer, `"}`), `{"challenge":"`); tt.answer != "" && (len(answer) != 1 || answer["challenge"] != want) {
			t.Errorf("%s: answered %s, want %s", name, body, tt.answer)
		}
		if bytes.Contains(body, []byte("Zyxwv")) {
			t.Errorf("%s: the body is echoed: %s", name, body)
		}
		if n := w.Count("SELECT count(*) FROM river_job") - before; n != tt.jobs {
			t.Errorf("%s: %d jobs, want %d", name, n, tt.jobs)
		}
	}
}

// TestJWTAlone: without a secret in the URL, Monday's signature is sufficient.
func TestJWTAlone(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("MONDAY_SIGNING_SECRET", signing), e2e.With("WEBHOOK_SECRET", ""), e2e.Monday(func(c *mondaysim.Config) { c.SigningSecret = signing }))
	w.Start("serve")
	w.Ingest = strings.TrimSuffix(w.Ingest, "/"+e2e.Secret)
	w.Subscribe()
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Record("Lead", lead)
	if status := w.Post(`{"event":{"type":"create_pulse","boardId":1001,"pulseId":77}}`); status != http.StatusUnauthorized {
		t.Errorf("an event without a JWT was answered with %d, want 401", status)
	}
	w.Healthy()
}

// TestSecretRotation: while the secret of the URL is replaced, webhooks with either secret are accepted, and no others.
func TestSecretRotation(t *testing.T) {
	t.Parallel()
	const next = "the-secret-that-replaces-it"
	w := e2e.Setup(t, e2e.With("WEBHOOK_SECRET", next+", "+e2e.Secret))
	w.Start("serve")
	before := w.Ingest
	w.Subscribe(1003)
	w.Ingest = strings.TrimSuffix(before, e2e.Secret) + next
	w.Subscribe(1001)
	lead, account := w.Lead("Ada Lovelace", "Analytical Engines"), w.Monday.CreateItem(1001, "Difference Engines", nil)
	w.Quiet()
	w.Record("Lead", lead)
	w.Record("Account", account)
	w.Ingest = before + "," + next
	if status := w.Post(`{"challenge":"c"}`); status != http.StatusNotFound {
		t.Errorf("both secrets as one were answered with %d, want 404", status)
	}
	w.Healthy()
}

// TestUnreadableLimited: unreadable bodies are kept up to a limit and refused beyond it, which is counted and logged.
// Events are accepted meanwhile.
func TestUnreadableLimited(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	bad := strings.Repeat("x", 1<<20-10)
	kept, refused := 0, false
	for n := 0; !refused && n < 200; n++ {
		switch status := w.Post(fmt.Sprint(n, bad)); status {
		case http.StatusOK:
			kept++
		case http.StatusServiceUnavailable: // as a slow Postgres is answered too
			refused = strings.Contains(w.Scrape(), `crmsync_webhooks_total{outcome="over_quota",type="other"} 1`)
		default:
			t.Fatalf("a bad body was answered with %d", status)
		}
	}
	if !refused {
		t.Fatalf("%d bad bodies of 1 MiB were kept, and none was refused", kept)
	}
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Record("Lead", lead)
	if n := w.Count("SELECT count(*) FROM dead_letters WHERE kind = 'unreadable'"); n < kept {
		t.Errorf("%d dead letters of %d bad bodies that were kept", n, kept)
	}
}

// TestPostgresAway: what cannot be stored is answered with 503 at once, and Monday delivers it again; running events
// continue when Postgres is back, without using attempts.
func TestPostgresAway(t *testing.T) {
	t.Parallel()
	// An event whose fetch was cut off after its commit has no worker until the queue's rescuer finds it.
	w := e2e.Setup(t, e2e.With("JOB_TIMEOUT", "15s"), e2e.With("RESCUE_AFTER", "20s"))
	relay := e2e.NewRelay(t, w.Env["DATABASE_URL"])
	w.Env["DATABASE_URL"] = relay.URL
	w.Start("serve")
	w.Subscribe()
	var items []int64
	for range 5 {
		items = append(items, w.Lead("Ada Lovelace", "Analytical Engines"))
	}
	first := make(chan struct{}, 100)
	w.Salesforce.OnCall(func(sfsim.Call) *sfsim.Fault {
		first <- struct{}{}
		return nil
	})
	<-first // in the middle of the batch
	relay.Cut()
	items = append(items, w.Lead("Charles Babbage", "Difference Engines"))
	if status := w.Post(`{"event":{"type":"create_pulse","boardId":1001,"pulseId":77,"triggerUuid":"x"}}`); status != http.StatusServiceUnavailable {
		t.Errorf("without Postgres an event was answered with %d, want 503", status)
	}
	for url, want := range map[string]int{w.Admin + "/readyz": 503, w.Admin + "/healthz": 200, origin(w.Ingest) + "/readyz": 503, origin(w.Ingest) + "/healthz": 200} {
		if status, _, _ := w.Get(url); status != want {
			t.Errorf("%s answered %d without Postgres, want %d", url, status, want)
		}
	}
	relay.Mend()
	w.Quiet()
	for _, item := range items {
		w.Record("Lead", item)
		w.Record("Opportunity", item)
	}
	if n := len(w.Salesforce.Records("Account")); n != 2 {
		t.Errorf("%d accounts, want 2", n)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
	if status, _, _ := w.Get(w.Admin + "/readyz"); status != http.StatusOK {
		t.Errorf("ready answered %d with Postgres back", status)
	}
}

// TestAddressTaken: a process that cannot listen names the variable with the address.
func TestAddressTaken(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"ADMIN_ADDR", "INGEST_ADDR"} {
		w := e2e.Setup(t)
		taken, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
		w.Env["ADMIN_ADDR"], w.Env["INGEST_ADDR"] = "127.0.0.1:0", "127.0.0.1:0"
		w.Env[name] = taken.Addr().String()
		code, _, stderr := w.Command("serve")
		if code != cli.ExitFailed || !strings.Contains(stderr, "listening at "+name+": ") {
			t.Errorf("%s is taken: exit code %d, %s", name, code, stderr)
		}
	}
}
