package e2e

import (
	"encoding/json"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	mondaysim "crmsync/internal/sim/monday"
)

// Mail holds back Monday's deliveries for the test to post.
type Mail struct {
	mu   sync.Mutex
	kept []mondaysim.Delivery
}

func (m *Mail) put(d mondaysim.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.kept = append(m.kept, d)
}

// Take removes all deliveries and returns them in the order of events.
func (m *Mail) Take() (deliveries []mondaysim.Delivery) {
	m.mu.Lock()
	defer m.mu.Unlock()
	deliveries, m.kept = m.kept, nil
	return deliveries
}

func (m *Mail) isEmpty() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.kept) == 0
}

// Post sends a body to the webhook's URL, and returns the answer's status.
func (w *World) Post(body string) int {
	w.T.Helper()
	resp, err := http.Post(w.Ingest, "application/json", strings.NewReader(body))
	if err != nil {
		w.T.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// Deliver posts a body as Monday does, repeating it while the answer is 503, and expects 200.
func (w *World) Deliver(body string) {
	w.T.Helper()
	w.Eventually("the webhook is accepted", func() bool {
		status := w.Post(body)
		if status != http.StatusOK && status != http.StatusServiceUnavailable {
			w.T.Fatalf("answered %d, want 200: %s", status, body)
		}
		return status == http.StatusOK
	})
}

// Send delivers an event with some of its members changed.
func (w *World) Send(d mondaysim.Delivery, changes ...map[string]any) {
	w.T.Helper()
	event := maps.Clone(d.Event)
	for _, change := range changes {
		maps.Copy(event, change)
	}
	body, err := json.Marshal(map[string]any{"event": event})
	if err != nil {
		w.T.Fatal(err)
	}
	w.Deliver(string(body))
}

// Flush posts the held deliveries until none is left. The program's own writes cause events too.
func (w *World) Flush() {
	w.T.Helper()
	for {
		for _, d := range w.Mail.Take() {
			w.Send(d)
		}
		w.Quiet()
		if w.Mail.isEmpty() {
			return
		}
	}
}

// Redelivered changes an event into a repeated delivery, whose trigger time is its own.
func Redelivered() map[string]any {
	return map[string]any{"isRetry": true, "triggerTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z")}
}

// Label returns the value of a status column in the form of Monday's API.
func Label(text string) map[string]any { return map[string]any{"label": text} }

// Labels returns the value of a dropdown column.
func Labels(texts ...string) map[string]any { return map[string]any{"labels": texts} }

// Email returns the value of an e-mail column.
func Email(address string) map[string]any { return map[string]any{"email": address, "text": address} }

// Phone returns the value of a phone column.
func Phone(number string) map[string]any {
	return map[string]any{"phone": number, "countryShortName": "US"}
}

// Connected returns the value of a column that connects boards.
func Connected(items ...int64) map[string]any { return map[string]any{"item_ids": items} }

// Person returns the value of a people column.
func Person(id int64) map[string]any {
	return map[string]any{"personsAndTeams": []map[string]any{{"id": id, "kind": "person"}}}
}
