package stage

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Message is a message that the messenger received.
type Message struct {
	Text string
	At   time.Time
	Lost bool // its sender got no answer
}

// Telegram simulates the part of Telegram's API that a bot needs to send messages.
type Telegram struct {
	mu       sync.Mutex
	messages []Message
	refuse   int     // number of messages still to be answered with 429
	loss     float64 // share of answers that are lost
	random   *rand.Rand
}

// ServeHTTP receives a message.
func (g *Telegram) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !strings.HasPrefix(r.URL.Path, "/bot") || !strings.HasSuffix(r.URL.Path, "/sendMessage") {
		http.NotFound(w, r)
		return
	}
	text := r.FormValue("text")
	g.mu.Lock()
	defer g.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if g.refuse > 0 {
		g.refuse--
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprint(w, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 1","parameters":{"retry_after":1}}`)
		return
	}
	if text == "" { // as if the caller had left in the middle of the request
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"ok":false,"error_code":400,"description":"Bad Request: message text is empty"}`)
		return
	}
	lost := g.random != nil && g.random.Float64() < g.loss
	g.messages = append(g.messages, Message{Text: text, At: time.Now(), Lost: lost})
	if lost {
		panic(http.ErrAbortHandler)
	}
	fmt.Fprintf(w, `{"ok":true,"result":{"message_id":%d,"date":1,"chat":{"id":-1001,"type":"group"},"text":"x"}}`,
		len(g.messages))
}

// Messages returns the messages that arrived.
func (g *Telegram) Messages() []Message {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.messages)
}

// Texts returns the texts of the messages that arrived.
func (g *Telegram) Texts() (texts []string) {
	for _, m := range g.Messages() {
		texts = append(texts, m.Text)
	}
	return texts
}

// RefuseNext answers the next n messages with 429, asking for a wait of one second each.
func (g *Telegram) RefuseNext(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.refuse = n
}

// Refusals returns how many messages are still to be refused.
func (g *Telegram) Refusals() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.refuse
}

// LoseAnswers loses a share of the answers, chosen by a seed; 0: none.
func (g *Telegram) LoseAnswers(share float64, seed uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loss, g.random = share, rand.New(rand.NewPCG(seed, 2))
}

// Slack simulates an incoming webhook of Slack.
type Slack struct {
	mu       sync.Mutex
	messages []string
}

// ServeHTTP receives a message.
func (s *Slack) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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

// Texts returns the messages that arrived.
func (s *Slack) Texts() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}
