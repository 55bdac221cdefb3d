package ingest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"crmsync/ingest"
	"crmsync/schema/schematest"
)

// silent accepts connections and never answers.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

func TestServerTimeouts(t *testing.T) {
	t.Parallel()
	s := ingest.Server("127.0.0.1:1", http.NotFoundHandler())
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 10*time.Second || s.WriteTimeout != 15*time.Second || s.IdleTimeout != time.Minute {
		t.Errorf("timeouts = %v, %v, %v, %v", s.ReadHeaderTimeout, s.ReadTimeout, s.WriteTimeout, s.IdleTimeout)
	}
}

// TestSlowClients runs the server with a twentieth of its timeouts, and waits until it closes the connection.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	s := ingest.Server("", b)
	for _, d := range []*time.Duration{&s.ReadHeaderTimeout, &s.ReadTimeout, &s.WriteTimeout, &s.IdleTimeout} {
		*d /= 20
	}
	server := httptest.NewUnstartedServer(b)
	server.Config = s
	server.Listener = ingest.Listener(server.Listener)
	server.Start()
	t.Cleanup(server.Close)
	tests := map[string]struct{ sent, want string }{
		"says nothing":       {"", ""},
		"half a header":      {"POST / HTTP/1.1\r\nHost: a\r\n", ""},
		"half a body":        {"POST /webhooks/monday/" + secret + " HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{", ""},
		"idle after answers": {"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 "},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := io.WriteString(conn, tt.sent); err != nil {
				t.Fatal(err)
			}
			if err := conn.SetReadDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(conn) // ends when the server hangs up
			if err != nil || !strings.HasPrefix(string(got), tt.want) {
				t.Errorf("answer = %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestWrongSecretLeavesTheBody(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	r := httptest.NewRequest(http.MethodPost, "/webhooks/monday/wrong", untouchable{t})
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if w.Code != http.StatusNotFound {
		t.Errorf("answer = %d", w.Code)
	}
}

type untouchable struct{ t *testing.T }

func (u untouchable) Read([]byte) (int, error) {
	u.t.Error("the body was read")
	return 0, io.EOF
}

func TestBodyOfUnknownLength(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	body := io.MultiReader(strings.NewReader(strings.Repeat(" ", 1<<20)), strings.NewReader("{}")) // sent in chunks
	resp, err := http.Post(server.URL+"/webhooks/monday/"+secret, "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("answer = %d", resp.StatusCode)
	}
}

// TestTokenFirst sends bodies that must not be read, or not far, since the token is invalid.
func TestTokenFirst(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Verifier: verifier(t)})
	tests := map[string]struct {
		authorization string
		length        int64 // as declared; -1 if undeclared
		most          int64 // that may be read
	}{
		"missing":             {"", 1 << 20, 0},
		"expired":             {token(t, -time.Hour), 1 << 20, 0},
		"forged":              {token(t, time.Hour) + "A", 1 << 20, 0},
		"no length":           {"", -1, 4<<10 + 1},
		"expired, no length":  {token(t, -time.Hour), -1, 4<<10 + 1},
		"as long as an event": {token(t, -time.Hour), 5 << 10, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var read counter
			r := httptest.NewRequest(http.MethodPost, "/webhooks/monday", io.LimitReader(&read, 1<<20))
			r.Header.Set("Authorization", tt.authorization)
			r.ContentLength = tt.length
			w := httptest.NewRecorder()
			b.ServeHTTP(w, r)
			if w.Code != http.StatusUnauthorized || int64(read) > tt.most {
				t.Errorf("answer = %d after %d bytes, want 401 after %d at most", w.Code, read, tt.most)
			}
		})
	}
}

// counter is an endless body that counts what is read of it.
type counter int64

func (c *counter) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	*c += counter(len(p))
	return len(p), nil
}

// TestBodiesAreLimited starts more large bodies than there is memory for. The excess is refused, small ones go through
// meanwhile, and when the first have ended there is room again.
func TestBodiesAreLimited(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	target := server.URL + "/webhooks/monday/" + secret
	const all, fit = 12, 8 // of 1,000,000 bytes in 8 MiB
	large := event("create_pulse", `,"pulseName":"ACME"`)
	large = strings.Repeat(" ", 1_000_000-len(large)) + large
	answers := make(chan int, all)
	end := make(chan struct{})
	for range all {
		go func() {
			body := io.MultiReader(strings.NewReader(large[:len(large)-1]), ender(func() { <-end }), strings.NewReader("}"))
			r, err := http.NewRequest(http.MethodPost, target, body)
			if err != nil {
				t.Error(err)
			}
			r.ContentLength = int64(len(large))
			resp, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Error(err)
				answers <- 0
				return
			}
			_ = resp.Body.Close()
			answers <- resp.StatusCode
		}()
	}
	for range all - fit {
		if got := <-answers; got != http.StatusServiceUnavailable {
			t.Errorf("answer beyond the limit = %d, want 503", got)
		}
	}
	for name, body := range map[string]string{"a small body": event("create_pulse", `,"triggerUuid":"small"`), "a challenge": `{"challenge":"c"}`} {
		if w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", body); w.Code != http.StatusOK {
			t.Errorf("answer to %s meanwhile = %d", name, w.Code)
		}
	}
	close(end)
	for range fit {
		if got := <-answers; got != http.StatusOK {
			t.Errorf("answer within the limit = %d, want 200", got)
		}
	}
	if got := b.counted(t)["other busy"]; got != all-fit {
		t.Errorf("counted %v as busy, want %d", got, all-fit)
	}
	if w := b.send(http.MethodPost, "/webhooks/monday/"+secret, "", large); w.Code != http.StatusOK {
		t.Errorf("answer once there is room again = %d", w.Code)
	}
}

func TestNotReady(t *testing.T) {
	t.Parallel()
	h, err := ingest.New(ingest.Config{Secrets: []string{secret}, Ping: func(context.Context) error { return errors.New("away") }})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || strings.TrimSpace(w.Body.String()) != `{"error":"service unavailable"}` {
		t.Errorf("answer = %d %s", w.Code, w.Body)
	}
}
