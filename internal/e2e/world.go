package e2e

import (
	"fmt"
	"maps"
	"strings"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/schema/schematest"
)

// Eventually waits for a condition.
func (w *World) Eventually(what string, ok func() bool) {
	w.T.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			w.T.Fatalf("waited too long until %s", what)
		case <-tick.C:
		}
	}
}

// NextSecond waits until the present second is over. Monday says only in which second an item was last changed, so that
// a change in the second of an earlier one may cause the item to be read.
func (w *World) NextSecond() {
	w.T.Helper()
	now := time.Now().Unix()
	w.Eventually("the second is over", func() bool { return time.Now().Unix() > now })
}

// open counts the jobs that have not ended. A failed job ends when its dead letter is written.
const open = `
	SELECT count(*) FROM river_job j
	WHERE  state NOT IN ('completed', 'cancelled', 'discarded')
	OR     state IN ('cancelled', 'discarded') AND NOT EXISTS (
		SELECT FROM dead_letters d WHERE d.job_id = j.id AND d.replayed_at IS NULL)`

// unaccounted counts the jobs that did not end in one of the promised ways: success, unchanged, skipped with a reason,
// or dead letter.
const unaccounted = `
	SELECT count(*) FROM river_job j LEFT JOIN sync_logs s ON s.job_id = j.id LEFT JOIN dead_letters d ON d.job_id = j.id
	WHERE  CASE WHEN j.state = 'completed' THEN
	            s.status IN ('success', 'unchanged') OR (s.status = 'skipped' AND s.response_data->>'reason' <> '')
	       ELSE s.status = 'failed' AND d.reason <> '' END IS NOT TRUE`

// Quiet waits until Monday has delivered everything and every job has ended. A job that was running may have caused
// an event that was delivered while the jobs were counted, so that the number of deliveries must stay the same.
func (w *World) Quiet() {
	w.T.Helper()
	w.Eventually("all is quiet", func() bool {
		_, before := w.Monday.DeliveryCounts()
		if w.Monday.Pending() != 0 || w.Count(open) != 0 || w.Monday.Pending() != 0 {
			return false
		}
		_, after := w.Monday.DeliveryCounts()
		return after == before
	})
	if n := w.Count(unaccounted); n != 0 {
		w.T.Errorf("%d jobs did not end in one of the promised ways", n)
	}
}

// Count returns the number that a query returns.
func (w *World) Count(query string, args ...any) int {
	w.T.Helper()
	return schematest.Ask[int](w.T, w.DB, query, args...)
}

// Text returns the text that a query returns.
func (w *World) Text(query string, args ...any) string {
	w.T.Helper()
	return schematest.Ask[string](w.T, w.DB, query, args...)
}

// Exec changes the database without the program.
func (w *World) Exec(statement string, args ...any) {
	w.T.Helper()
	schematest.Exec(w.T, w.DB, statement, args...)
}

// Expect checks the number that a query returns.
func (w *World) Expect(want int, query string, args ...any) {
	w.T.Helper()
	if got := w.Count(query, args...); got != want {
		w.T.Errorf("%s %v: got %d, want %d", query, args, got, want)
	}
}

// Healthy checks that nothing failed.
func (w *World) Healthy() {
	w.T.Helper()
	w.Expect(0, "SELECT count(*) FROM dead_letters")
	w.Expect(0, "SELECT count(*) FROM error_logs")
}

// Ending returns how an item's last event of a type ended.
func (w *World) Ending(event string, item int64) (status, reason string) {
	w.T.Helper()
	query := `SELECT %s FROM sync_logs WHERE event = $1 AND item_id = $2 ORDER BY job_id DESC LIMIT 1`
	return w.Text(fmt.Sprintf(query, "status"), event, item),
		w.Text(fmt.Sprintf(query, "coalesce(response_data->>'reason', '')"), event, item)
}

// Records returns the live records of an object that have a value in a field.
func (w *World) Records(object, field string, value any) (found []map[string]any) {
	for _, record := range w.Salesforce.Records(object) {
		if fmt.Sprint(record[field]) == fmt.Sprint(value) {
			found = append(found, record)
		}
	}
	return found
}

// Record returns the only record of an object whose key field has the item's id.
func (w *World) Record(object string, item int64) map[string]any {
	w.T.Helper()
	found := w.Records(object, Key, item)
	if len(found) != 1 {
		w.T.Fatalf("item %d has %d records of %s, want 1", item, len(found), object)
	}
	return found[0]
}

// Holds checks fields of a record; nil means an empty one.
func (w *World) Holds(record map[string]any, want map[string]any) {
	w.T.Helper()
	for field, value := range want {
		if got := record[field]; got != value {
			w.T.Errorf("%s: got %v, want %v", field, got, value)
		}
	}
}

// None checks that there are no live records of the objects.
func (w *World) None(objects ...string) {
	w.T.Helper()
	for _, object := range objects {
		if n := len(w.Salesforce.Records(object)); n != 0 {
			w.T.Errorf("%d records of %s, want none", n, object)
		}
	}
}

// Shown returns the text of an item's column in Monday.
func (w *World) Shown(item int64, column string) string {
	w.T.Helper()
	it, ok := w.Monday.Item(item)
	if !ok {
		w.T.Fatalf("no item %d", item)
	}
	return it.Text[column]
}

// Lead creates an item of the leads board that gets all its records.
func (w *World) Lead(name, company string, values ...map[string]any) int64 {
	all := map[string]any{"status": Label("Qualified"), "company": company}
	for _, more := range values {
		maps.Copy(all, more)
	}
	return w.Monday.CreateItem(Leads, name, all)
}

// Items creates items of a board, with a name and their numbers from 0.
func (w *World) Items(board int64, count int, name string) (items []int64) {
	for n := range count {
		items = append(items, w.Monday.CreateItem(board, fmt.Sprint(name, n), nil))
	}
	return items
}

// Message waits for a message to Telegram that contains all the texts, and returns it.
func (w *World) Message(texts ...string) (message string) {
	w.T.Helper()
	w.Eventually(fmt.Sprintf("a message contains %q", texts), func() bool {
		for _, m := range w.Telegram.Texts() {
			if hasAll(m, texts) {
				message = m
				return true
			}
		}
		return false
	})
	return message
}

// Alerted waits until all dead letters have been alerted.
func (w *World) Alerted() {
	w.T.Helper()
	w.Eventually("all dead letters are alerted", func() bool {
		return w.Count("SELECT count(*) FROM dead_letters WHERE alerted_at IS NULL") == 0
	})
}

// DeadLetter returns the job id of the only dead letter.
func (w *World) DeadLetter() int64 {
	w.T.Helper()
	w.Expect(1, "SELECT count(*) FROM dead_letters")
	return schematest.Ask[int64](w.T, w.DB, "SELECT job_id FROM dead_letters")
}

// Calls returns how often Salesforce and Monday were called.
func (w *World) Calls() [2]int {
	w.T.Helper()
	w.Eventually("running workers have logged in", w.loggedIn)
	return [2]int{w.Salesforce.TotalCalls(), w.Monday.TotalCalls()}
}

// loggedIn reports whether all workers have finished their initial logins to both systems, which count as calls.
func (w *World) loggedIn() bool {
	for _, log := range w.Logs {
		text := log.String()
		runs := strings.Contains(text, `"msg":"started"`) && strings.Contains(text, `"worker":true`) &&
			!strings.Contains(text, `"msg":"stopping"`)
		if runs && strings.Count(text, `"msg":"logged in"`)+strings.Count(text, `"msg":"could not log in`) < 2 {
			return false
		}
	}
	return true
}

// Failing makes the calls fail for which on returns true.
func (w *World) Failing(fault sfsim.Fault, on func(sfsim.Call) bool) {
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if !on(c) {
			return nil
		}
		return &fault
	})
}

func hasAll(text string, parts []string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

// Rejection is the error code of a value that Reject makes Salesforce reject.
const Rejection = "INVALID_EMAIL_ADDRESS"

// Reject makes Salesforce reject a value of a field.
func (w *World) Reject(object, field string, value any) {
	w.Salesforce.Reject(object, field, func(v any) string {
		if v == value {
			return Rejection
		}
		return ""
	})
}
