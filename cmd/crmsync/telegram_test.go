package main

import (
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
	g.messages = append(g.messages, r.FormValue("text"))
	fmt.Fprintf(w, `{"ok":true,"result":{"message_id":%d,"date":1,"chat":{"id":42,"type":"private"},"text":"x"}}`, len(g.messages))
}

// texts are the messages that arrived.
func (g *telegram) texts() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.messages...)
}
