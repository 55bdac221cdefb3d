package sfclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	root   = "/services/data/v67.0"
	secret = "client-secret-value"
	stale  = `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`
)

// bundle is a client and the org it talks to, whose sessions are named session-1, session-2 and so on.
type bundle struct {
	*Client
	mux    *http.ServeMux
	server *httptest.Server
	url    string
	logins atomic.Int64
}

func setup(t testing.TB, change ...func(*Config)) *bundle {
	t.Helper()
	b := &bundle{mux: http.NewServeMux()}
	b.server = httptest.NewServer(b.mux)
	t.Cleanup(b.server.Close)
	b.url = b.server.URL
	b.mux.HandleFunc("POST /services/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		if r.FormValue("client_secret") != secret || r.FormValue("grant_type") != "client_credentials" {
			t.Errorf("login with %q", r.Form)
		}
		reply(w, 200, fmt.Sprintf(`{"access_token":"session-%d","instance_url":"http://%s"}`, b.logins.Add(1), r.Host))
	})
	config := Config{LoginURL: b.url, ClientID: "consumer", ClientSecret: secret, HTTPClient: &http.Client{Timeout: 10 * time.Second}}
	for _, f := range change {
		f(&config)
	}
	client, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	b.Client = client
	return b
}

// answers makes the org answer all calls of a pattern with the same status and body.
func (b *bundle) answers(pattern string, status int, body string) {
	b.mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { reply(w, status, body) })
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func TestSessionIsRenewedOnceForAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const callers = 40
	var waiting sync.WaitGroup
	waiting.Add(callers)
	b.mux.HandleFunc("GET "+root+"/limits", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer session-1" {
			waiting.Done()
			waiting.Wait() // until all of them have sent the old session
			reply(w, 401, stale)
			return
		}
		reply(w, 200, `{"DailyApiRequests":{"Max":10,"Remaining":7}}`)
	})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			limits, err := b.Limits(t.Context())
			if err != nil || limits["DailyApiRequests"] != (Limit{Max: 10, Remaining: 7}) {
				t.Errorf("Limits() = %v, %v", limits, err)
			}
		})
	}
	all.Wait()
	if got := b.logins.Load(); got != 2 {
		t.Errorf("%d logins, want 2", got)
	}
}

func TestSecondRefusalIsOutage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var calls atomic.Int64
	b.mux.HandleFunc("GET "+root+"/limits", func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		reply(w, 401, stale)
	})
	_, err := b.Limits(t.Context())
	if e := asError(t, err); !e.Outage() || e.RetryAfter() != 30*time.Second || e.Code != "INVALID_SESSION_ID" {
		t.Errorf("error = %v, wait %v, want an outage with a wait", e, e.RetryAfter())
	}
	if calls.Load() != 2 || b.logins.Load() != 2 {
		t.Errorf("%d calls and %d logins, want 2 and 2", calls.Load(), b.logins.Load())
	}
}

func TestLoginOutlivesItsFirstCaller(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	var logins atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			logins.Add(1)
			close(arrived)
			<-release
			reply(w, 200, `{"access_token":"s","instance_url":"http://`+r.Host+`"}`)
			return
		}
		reply(w, 200, `{}`)
	}))
	t.Cleanup(server.Close)
	c, err := New(Config{LoginURL: server.URL, ClientID: "c", ClientSecret: "s"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	first, second := make(chan error, 1), make(chan error, 1)
	go func() { _, err := c.Limits(ctx); first <- err }()
	<-arrived
	go func() { _, err := c.Limits(t.Context()); second <- err }()
	cancel()
	var classified *Error
	if err := <-first; !errors.Is(err, context.Canceled) || errors.As(err, &classified) {
		t.Errorf("the canceled caller got %v, want a bare context.Canceled", err)
	}
	close(release)
	if err := <-second; err != nil {
		t.Errorf("the other caller got %v, want no error", err)
	}
	if logins.Load() != 1 {
		t.Errorf("%d logins", logins.Load())
	}
}

func TestLoginErrors(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		body   string
		code   string
		wait   time.Duration
	}{
		"refused":       {400, `{"error":"invalid_grant","error_description":"x ` + secret + `"}`, "invalid_grant", 30 * time.Second},
		"client":        {401, `{"error":"invalid_client"}`, "invalid_client", 30 * time.Second},
		"page":          {503, `<html>` + secret + `</html>`, "", 5 * time.Second},
		"500":           {500, `{}`, "", 5 * time.Second},
		"other host":    {200, `{"access_token":"tok","instance_url":"https://salesforce.com.evil.example"}`, codeForeignHost, 30 * time.Second},
		"no token":      {200, `{"instance_url":"https://a.my.salesforce.com"}`, codeUnreachable, 5 * time.Second},
		"redirect away": {302, ``, "", 30 * time.Second},
	}
	for name, tt := range tests {
		for _, key := range []string{"", testKey(t)} {
			t.Run(fmt.Sprint(name, " by key ", key != ""), func(t *testing.T) {
				t.Parallel()
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Location", "https://evil.example/")
					reply(w, tt.status, tt.body)
				}))
				t.Cleanup(server.Close)
				c, err := New(Config{LoginURL: server.URL, ClientID: "c", ClientSecret: secret, Username: "u", PrivateKey: key})
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Limits(t.Context())
				e := asError(t, err)
				if name == "redirect away" && !strings.Contains(e.Advice(), "SALESFORCE_LOGIN_URL") {
					t.Errorf("advice on %v: %q", e, e.Advice())
				}
				if name != "no token" && e.Code != tt.code || !e.Outage() || name != "no token" && e.RetryAfter() != tt.wait {
					t.Errorf("error = %v, class %v, wait %v; want %s, outage, %v", e, e.Class(), e.RetryAfter(), tt.code, tt.wait)
				}
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error contains the secret: %v", err)
				}
				if !e.Unsent() {
					t.Errorf("Unsent() = false for %v, want true", e)
				}
			})
		}
	}
}

// expiring is a context whose deadline passes when a channel is closed.
type expiring struct {
	context.Context

	over chan struct{}
}

func (e expiring) Done() <-chan struct{} { return e.over }

func (e expiring) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestNetworkErrors(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	deadline := expiring{t.Context(), make(chan struct{})}
	b.mux.HandleFunc("GET "+root+"/query", func(w http.ResponseWriter, r *http.Request) {
		switch r.FormValue("q") {
		case "hang":
			close(deadline.over)
			<-r.Context().Done()
		case "cancel":
			cancel()
			<-r.Context().Done()
		case "short":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"done"`)
		case "break private":
			panic(http.ErrAbortHandler)
		}
	})
	if _, err := b.Limits(t.Context()); err == nil { // logs in
		t.Fatal("Limits() succeeded on a server without them")
	}
	_, err := b.Select(deadline, "hang")
	if e := asError(t, err); e.Code != codeTimeout || !e.Outage() || !errors.Is(err, context.DeadlineExceeded) || e.Unsent() {
		t.Errorf("timeout = %v", err)
	}
	for _, soql := range []string{"short", "break private"} {
		_, err := b.Select(t.Context(), soql)
		if e := asError(t, err); e.Code != codeUnreachable || e.RetryAfter() != 5*time.Second || strings.Contains(err.Error(), "private") || e.Unsent() {
			t.Errorf("%s = %v", soql, err)
		}
	}
	_, err = b.Select(ctx, "cancel")
	var classified *Error
	if !errors.Is(err, context.Canceled) || errors.As(err, &classified) {
		t.Errorf("canceled = %v", err)
	}
	b.server.Close()
	_, err = b.Select(t.Context(), "no server")
	if e := asError(t, err); e.Code != codeUnreachable || !e.Unsent() {
		t.Errorf("Select() without a server = %v", err)
	}
}

func TestTokenStaysWithItsHost(t *testing.T) {
	t.Parallel()
	evil := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s was requested with Authorization %q", r.URL, r.Header.Get("Authorization"))
	}))
	t.Cleanup(evil.Close)
	b := setup(t)
	b.mux.HandleFunc("GET "+root+"/limits", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, evil.URL, http.StatusFound) })
	b.answers("GET "+root+"/query", 200, `{"done":false,"nextRecordsUrl":"//`+strings.TrimPrefix(evil.URL, "http://")+`/next","records":[]}`)
	if _, err := b.Limits(t.Context()); !asError(t, err).Outage() {
		t.Errorf("redirect = %v", err)
	}
	if _, err := b.Select(t.Context(), "SELECT Id FROM Lead"); asError(t, err).Code != codeForeignHost {
		t.Errorf("Select() = %v, want FOREIGN_HOST", err)
	}
}

func TestObserveAndUsage(t *testing.T) {
	t.Parallel()
	var told []string
	b := setup(t, func(c *Config) {
		c.Observe = func(operation, code string, _ time.Duration, succeeded, failed int) {
			told = append(told, fmt.Sprint(operation, " ", code, " ", succeeded, " ", failed))
		}
		c.Usage = func(used, limit int) { told = append(told, fmt.Sprint("usage ", used, "/", limit)) }
	})
	b.mux.HandleFunc("PATCH "+root+"/composite/sobjects", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Sforce-Limit-Info", "api-usage=18/5000; per-app-api-usage=17/250(appName=x)")
		reply(w, 200, `[{"success":true},{"success":false,"errors":[{"statusCode":"X"}]}]`)
	})
	if _, err := b.Update(t.Context(), "Lead", make([]Record, 2), WriteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(told, ", "), "token 200 0 0, usage 18/5000, update 200 1 1"; got != want {
		t.Errorf("reported %q, want %q", got, want)
	}
}

func asError(t testing.TB, err error) *Error {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Fatalf("error = %v, want an *Error", err)
	}
	return e
}

// offline returns a client of an org that needs no network.
func offline(t testing.TB, org http.HandlerFunc) *Client {
	t.Helper()
	answer := transport(func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		if strings.HasSuffix(r.URL.Path, "/token") {
			reply(w, 200, `{"access_token":"s","instance_url":"https://acme.my.salesforce.com"}`)
		} else {
			org(w, r)
		}
		resp := w.Result()
		resp.Request = r
		return resp
	})
	c, err := New(Config{LoginURL: "https://acme.my.salesforce.com", ClientID: "c", ClientSecret: "s", HTTPClient: &http.Client{Transport: answer}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOrgThatMoved(t *testing.T) {
	t.Parallel()
	moved := func(status int) func(w http.ResponseWriter, r *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "https://evil.example/", status) }
	}
	tests := map[string]func(w http.ResponseWriter, r *http.Request){
		"301":     moved(http.StatusMovedPermanently),
		"302":     moved(http.StatusFound),
		"308":     moved(http.StatusPermanentRedirect),
		"404":     func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) },
		"page":    func(w http.ResponseWriter, r *http.Request) { reply(w, 200, "<html>This domain is parked") },
		"refused": nil,
	}
	for name, old := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var moved atomic.Bool
			var logins, afterwards atomic.Int64
			before := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if !moved.Load() {
					reply(w, 200, `{}`)
					return
				}
				afterwards.Add(1)
				old(w, r)
			}))
			t.Cleanup(before.Close)
			now := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "Bearer session-2" {
					t.Errorf("the new host received Authorization %q, want session-2", r.Header.Get("Authorization"))
				}
				reply(w, 200, `{"DailyApiRequests":{"Max":10,"Remaining":7}}`)
			}))
			t.Cleanup(now.Close)
			login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				host := before.URL
				if n := logins.Add(1); moved.Load() {
					host = now.URL
					if n != 2 {
						t.Errorf("unexpected login %d after the move", n)
					}
				}
				reply(w, 200, fmt.Sprintf(`{"access_token":"session-%d","instance_url":"%s"}`, logins.Load(), host))
			}))
			t.Cleanup(login.Close)
			c, err := New(Config{LoginURL: login.URL, ClientID: "c", ClientSecret: "s", InstanceHosts: []string{"127.0.0.1"}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.Limits(t.Context()); err != nil {
				t.Fatal(err)
			}
			moved.Store(true)
			if old == nil {
				before.Close()
			}
			_, err = c.Limits(t.Context())
			if e := asError(t, err); !e.Outage() || e.RetryAfter() != 5*time.Second || e.Advice() == "" {
				t.Errorf("the first call after the move: %v, wait %v, advice %q", e, e.RetryAfter(), e.Advice())
			}
			limits, err := c.Limits(t.Context())
			if err != nil || limits["DailyApiRequests"].Remaining != 7 {
				t.Errorf("the next call: %v, %v", limits, err)
			}
			if afterwards.Load() > 1 {
				t.Errorf("%d calls to the old host, want none", afterwards.Load())
			}
		})
	}
}

func TestOutageKeepsTheSession(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"API's 404": 404, "503": 503, "500": 500} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.answers("GET "+root+"/limits", status, `[{"errorCode":"NOT_FOUND"}]`)
			for range 2 {
				if _, err := b.Limits(t.Context()); err == nil {
					t.Error("the call succeeded, want an error")
				}
			}
			if b.logins.Load() != 1 {
				t.Errorf("%d logins, want 1", b.logins.Load())
			}
		})
	}
}
