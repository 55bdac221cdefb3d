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

// silent listens, and leaves everyone who comes without an answer.
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

// TestSlowClients runs the server twenty times as fast, and waits until it has had enough.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secret: secret})
	s := ingest.Server("", b)
	for _, d := range []*time.Duration{&s.ReadHeaderTimeout, &s.ReadTimeout, &s.WriteTimeout, &s.IdleTimeout} {
		*d /= 20
	}
	server := httptest.NewUnstartedServer(b)
	server.Config = s
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
	b := setup(t, schematest.New(t), ingest.Config{Secret: secret})
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
	b := setup(t, schematest.New(t), ingest.Config{Secret: secret})
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

func TestNotReady(t *testing.T) {
	t.Parallel()
	h, err := ingest.New(ingest.Config{Secret: secret, Ping: func(context.Context) error { return errors.New("away") }})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || strings.TrimSpace(w.Body.String()) != `{"error":"service unavailable"}` {
		t.Errorf("answer = %d %s", w.Code, w.Body)
	}
}
