package cli

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

// eventually waits for a condition.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline.C:
			w.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// open are the jobs that have not come to their end: a dead letter has only once it is written.
const open = `
	SELECT count(*) FROM river_job j
	WHERE  state NOT IN ('completed', 'cancelled', 'discarded')
	OR     state IN ('cancelled', 'discarded') AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.job_id = j.id AND d.replayed_at IS NULL)`

// unaccounted are the jobs that ended in any way but one of those that are promised: applied, unchanged, skipped with a
// reason, or dead letter.
const unaccounted = `
	SELECT count(*) FROM river_job j LEFT JOIN sync_logs s ON s.job_id = j.id LEFT JOIN dead_letters d ON d.job_id = j.id
	WHERE  CASE WHEN j.state = 'completed' THEN
	            s.status IN ('success', 'unchanged') OR (s.status = 'skipped' AND s.response_data->>'reason' <> '')
	       ELSE s.status = 'failed' AND d.reason <> '' END IS NOT TRUE`

// quiet waits until Monday has delivered everything and every event has come to its end.
func (w *world) quiet() {
	w.t.Helper()
	w.eventually("all is quiet", func() bool {
		return w.monday.Pending() == 0 && w.count(open) == 0 && w.monday.Pending() == 0
	})
	if n := w.count(unaccounted); n != 0 {
		w.t.Errorf("%d jobs ended in none of the ways that are promised", n)
	}
}

// count is the answer to a question of one number.
func (w *world) count(query string, args ...any) (n int) {
	w.t.Helper()
	w.ask(&n, query, args...)
	return n
}

// text is the answer to a question of one text.
func (w *world) text(query string, args ...any) (s string) {
	w.t.Helper()
	w.ask(&s, query, args...)
	return s
}

func (w *world) ask(into any, query string, args ...any) {
	w.t.Helper()
	if err := w.db.QueryRow(context.Background(), query, args...).Scan(into); err != nil {
		w.t.Fatalf("%s: %v", query, err)
	}
}

// exec changes the database behind the program's back.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	if _, err := w.db.Exec(context.Background(), statement, args...); err != nil {
		w.t.Fatalf("%s: %v", statement, err)
	}
}

// expect holds a number from the database against what it should be.
func (w *world) expect(want int, query string, args ...any) {
	w.t.Helper()
	if got := w.count(query, args...); got != want {
		w.t.Errorf("%s %v: got %d, want %d", query, args, got, want)
	}
}

// healthy holds that nothing failed.
func (w *world) healthy() {
	w.t.Helper()
	w.expect(0, "SELECT count(*) FROM dead_letters")
	w.expect(0, "SELECT count(*) FROM error_logs")
}

// ending is how the last event of a kind ended, for an item.
func (w *world) ending(event string, item int64) (status, reason string) {
	w.t.Helper()
	query := `SELECT %s FROM sync_logs WHERE event = $1 AND item_id = $2 ORDER BY job_id DESC LIMIT 1`
	return w.text(fmt.Sprintf(query, "status"), event, item),
		w.text(fmt.Sprintf(query, "coalesce(response_data->>'reason', '')"), event, item)
}

// records are the live records of an object that have a value in a field.
func (w *world) records(object, field string, value any) (found []map[string]any) {
	for _, record := range w.salesforce.Records(object) {
		if fmt.Sprint(record[field]) == fmt.Sprint(value) {
			found = append(found, record)
		}
	}
	return found
}

// record is the one record of an object that has the item's id in its key field.
func (w *world) record(object string, item int64) map[string]any {
	w.t.Helper()
	found := w.records(object, key, item)
	if len(found) != 1 {
		w.t.Fatalf("item %d has %d records of %s, want 1", item, len(found), object)
	}
	return found[0]
}

// holds checks fields of a record; nil stands for an empty one.
func (w *world) holds(record map[string]any, want map[string]any) {
	w.t.Helper()
	for field, value := range want {
		if got := record[field]; got != value {
			w.t.Errorf("%s: got %v, want %v", field, got, value)
		}
	}
}

// none holds that there are no live records of the objects.
func (w *world) none(objects ...string) {
	w.t.Helper()
	for _, object := range objects {
		if n := len(w.salesforce.Records(object)); n != 0 {
			w.t.Errorf("%d records of %s, want none", n, object)
		}
	}
}

// shown is the text of an item's column in Monday.
func (w *world) shown(item int64, column string) string {
	w.t.Helper()
	it, ok := w.monday.Item(item)
	if !ok {
		w.t.Fatalf("no item %d", item)
	}
	return it.Text[column]
}

// lead makes an item of the leads board that has all its records.
func (w *world) lead(name, company string, values ...map[string]any) int64 {
	all := map[string]any{"status": label("Qualified"), "company": company}
	for _, more := range values {
		maps.Copy(all, more)
	}
	return w.monday.CreateItem(leads, name, all)
}

// told waits for a message that has all the texts, and returns it.
func (w *world) told(texts ...string) (message string) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("somebody is told of %q", texts), func() bool {
		for _, m := range w.telegram.texts() {
			if hasAll(m, texts) {
				message = m
				return true
			}
		}
		return false
	})
	return message
}

// alerted waits until everybody was told of all dead letters.
func (w *world) alerted() {
	w.t.Helper()
	w.eventually("all dead letters are alerted", func() bool {
		return w.count("SELECT count(*) FROM dead_letters WHERE alerted_at IS NULL") == 0
	})
}

// letter is the job id of the one dead letter.
func (w *world) letter() (job int64) {
	w.t.Helper()
	w.expect(1, "SELECT count(*) FROM dead_letters")
	w.ask(&job, "SELECT job_id FROM dead_letters")
	return job
}

// calls is how often both systems were called.
func (w *world) calls() [2]int {
	return [2]int{w.salesforce.TotalCalls(), w.monday.TotalCalls()}
}

// failing makes calls fail for as long as on says so.
func (w *world) failing(fault sfsim.Fault, on func(sfsim.Call) bool) {
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
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
