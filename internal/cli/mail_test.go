package cli

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	mondaysim "crmsync/internal/sim/monday"
)

// mail is what Monday would deliver, kept back for the test to post.
type mail struct {
	mu   sync.Mutex
	kept []mondaysim.Delivery
}

func (m *mail) put(d mondaysim.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = append(m.kept, d)
}

// take empties the mail, in the order in which things happened.
func (m *mail) take() (deliveries []mondaysim.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	deliveries, m.kept = m.kept, nil
	return deliveries
}

// post sends a body to the webhook's URL, and returns the answer's status.
func (w *world) post(body string) int {
	w.t.Helper()
	resp, err := http.Post(w.ingest, "application/json", strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// deliver posts a body as Monday does, again for as long as it is answered with 503, and wants 200.
func (w *world) deliver(body string) {
	w.t.Helper()
	w.eventually("the webhook is taken", func() bool {
		status := w.post(body)
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			w.t.Fatalf("answered %d, want 200: %s", status, body)
		}
		return status == http.StatusOK
	})
}

// send delivers an event, with some of its members changed.
func (w *world) send(d mondaysim.Delivery, changes ...map[string]any) {
	w.t.Helper()
	event := maps.Clone(d.Event)
	for _, change := range changes {
		maps.Copy(event, change)
	}
	body, err := json.Marshal(map[string]any{"event": event})
	if err != nil {
		w.t.Fatal(err)
	}
	w.deliver(string(body))
}

// flush posts what was kept back until nothing more comes of it: the program's own writes cause events too.
func (w *world) flush() {
	w.t.Helper()
	for {
		kept := w.mail.take()
		for _, d := range kept {
			w.send(d)
		}
		w.quiet()
		if len(kept) == 0 {
			return
		}
	}
}

// redelivered marks an event as one that Monday delivers again: its trigger time is that of the delivery.
func redelivered() map[string]any {
	return map[string]any{"isRetry": true, "triggerTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z")}
}

// label, email, labels, connected and person are values in the form in which Monday takes them.
func label(text string) map[string]any { return map[string]any{"label": text} }

func labels(texts ...string) map[string]any { return map[string]any{"labels": texts} }

func email(address string) map[string]any { return map[string]any{"email": address, "text": address} }

func connected(items ...int64) map[string]any { return map[string]any{"item_ids": items} }

func person(id int64) map[string]any {
	return map[string]any{"personsAndTeams": []map[string]any{{"id": id, "kind": "person"}}}
}
