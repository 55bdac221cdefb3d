package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// telegram is Telegram's API as far as a bot that sends messages sees it.
type telegram struct {
	*httptest.Server

	mu       sync.Mutex
	messages []string
	refuse   int // so many messages are answered with 429
}

func newTelegram(t *testing.T) *telegram {
	g := &telegram{}
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *telegram) serve(w http.ResponseWriter, r *http.Request) {
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !strings.HasSuffix(r.URL.Path, "/sendMessage") {
		http.NotFound(w, r)
		return
	}
	if g.refuse > 0 {
		g.refuse--
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`)
		return
	}
	text := r.FormValue("text")
	if text == "" { // as when the caller left before it had said all
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"ok":false,"error_code":400,"description":"Bad Request: message text is empty"}`)
		return
	}
	g.messages = append(g.messages, text)
	fmt.Fprintf(w, `{"ok":true,"result":{"message_id":%d,"date":1,"chat":{"id":42,"type":"private"},"text":"x"}}`, len(g.messages))
}

// Texts are the messages that arrived.
func (g *telegram) Texts() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.messages...)
}

// RefuseNext answers the next messages with 429, for a second each.
func (g *telegram) RefuseNext(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = n
}

// Refusals is how many messages are still to be refused.
func (g *telegram) Refusals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuse
}

// slack is an incoming webhook of Slack's.
type slack struct {
	*httptest.Server

	mu       sync.Mutex
	messages []string
}

func newSlack(t *testing.T) *slack {
	s := &slack{}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

func (s *slack) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var message struct{ Text string }
	if err := json.NewDecoder(r.Body).Decode(&message); err != nil || r.Header.Get("Content-Type") != "application/json" {
		http.Error(w, "invalid_payload", http.StatusBadRequest)
		return
	}
	s.messages = append(s.messages, message.Text)
	fmt.Fprint(w, "ok")
}

// Texts are the messages that arrived.
func (s *slack) Texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.messages...)
}
