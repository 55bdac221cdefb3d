package engine

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// once fails the first call of an operation.
func once(operation string, f sfsim.Fault) func(sfsim.Call) *sfsim.Fault {
	done := false
	return func(c sfsim.Call) *sfsim.Fault {
		if done || c.Operation != operation {
			return nil
		}
		done = true
		return &f
	}
}

// labelled is a status column's new value, as of now.
func labelled(label string) Event {
	value := `{"label":{"index":1,"text":"` + label + `"}}`
	return Event{Kind: Updated, ColumnID: "status", ColumnType: "color", Value: []byte(value), ChangedAt: float64(time.Now().UnixMicro()) / 1e6}
}

// lost processes an event whose call took effect but got no answer.
func (w *world) lost(e *Engine, operation string, ev Event) {
	w.t.Helper()
	w.salesforce.OnCall(once(operation, sfsim.Fault{After: true, Cut: true}))
	if _, errs := w.do(e, ev); errs[0] == nil {
		w.t.Fatal("the event ended without an answer from Salesforce")
	}
	w.salesforce.OnCall(nil)
}

// TestLostAnswer: the answer to a write was lost, and the next event restores the value from before.
func TestLostAnswer(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.person(e, "Ada King", map[string]any{"status": map[string]any{"label": "Boss"}})
	w.lost(e, "update", w.event(people, item, later(labelled("Clerk"))))
	if got := w.contact(item)["Title"]; got != "Staff" {
		t.Fatalf("title %v, want the write to take effect", got)
	}
	w.must(e, w.event(people, item, later(labelled("Boss"))))
	if got := w.contact(item)["Title"]; got != "Head" {
		t.Errorf("title %v, want Head", got)
	}
}

// TestLostAnswerOfCreation: the answer to a create was lost, and by the next event the item wants no record.
func TestLostAnswerOfCreation(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.config.Mapping = parse(t, `
version: 1
boards:
  people:
    board: 1002
    create_when: { status: [Boss] }
    records:
      contact:
        object: Contact
        fields:
          LastName: { from: name, as: last_name }
          Title: { from: status, labels: { Boss: Head, Clerk: Staff } }
          Email: email
`)
	e := w.engine()
	item := w.monday.CreateItem(people, "Ada King", map[string]any{"email": email("ada@example.org")})
	w.lost(e, "upsert", w.event(people, item, later(labelled("Boss"))))
	w.must(e, w.event(people, item, later(labelled("Clerk"))))
	w.must(e, w.event(people, item, Event{Kind: Updated, ColumnID: "email", ColumnType: "email", Value: []byte("null"), ChangedAt: float64(time.Now().UnixMicro())/1e6 + 1}))
	if got := w.contact(item); got["Title"] != "Staff" || got["Email"] != nil {
		t.Errorf("contact %v, want Staff without an address", got)
	}
}

// TestTakenOverInVain: a worker takes over from a dead one but cannot reach Monday. The record stays in doubt.
func TestTakenOverInVain(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.person(e, "Ada King", map[string]any{"status": map[string]any{"label": "Boss"}})
	w.salesforce.Update("Contact", w.contact(item)["Id"].(string), map[string]any{"Title": "Ghost"})
	w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() - interval '1 second'")
	w.monday.SetDown(true)
	if _, errs := w.do(e, w.event(people, item, Event{Kind: Renamed, Name: "Ada King", Redelivered: true})); errs[0] == nil {
		t.Fatal("the event ended without an answer from Monday")
	}
	w.monday.SetDown(false)
	w.must(e, w.event(people, item, Event{Kind: Renamed, Name: "Ada King"}))
	if got := w.contact(item)["Title"]; got != "Head" {
		t.Errorf("title %v, as the dead worker left it", got)
	}
}

// TestEndedTwice: an item is restored while it still shows the Id of an earlier record than its last one.
func TestEndedTwice(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.person(e, "Ada King", nil)
	for range 2 {
		w.monday.DeleteItem(item)
		w.must(e, w.event(people, item, Event{Kind: Deleted}))
		w.monday.RestoreItem(item)
		w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
			if c.Operation == "items" || c.Operation == "complexity+items" {
				return nil
			}
			return &mondaysim.Fault{Status: http.StatusInternalServerError, Body: `{"data":null}`}
		})
		restored := w.event(people, item, Event{Kind: Restored})
		if _, errs := w.do(e, restored); errs[0] == nil || permanent(errs[0]) {
			t.Fatalf("restored: %v, want another attempt, because Monday rejects the Id", errs[0])
		}
		w.monday.OnCall(nil)
	}
	w.must(e, w.event(people, item, Event{Kind: Resync}))
	got, _ := w.monday.Item(item)
	if id := w.contact(item)["Id"]; got.Text["text_sfid"] != id {
		t.Errorf("the item shows %q, want %v", got.Text["text_sfid"], id)
	}
}

// TestRecreatedUnseen: a worker creates a deleted record again and dies before it stores that. When the item ends, the
// new record is deleted.
func TestRecreatedUnseen(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	item := w.person(e, "Ada King", nil)
	w.salesforce.Delete("Contact", w.contact(item)["Id"].(string))
	w.salesforce.Insert("Contact", map[string]any{"LastName": "King", "Monday_Item_Id__c": fmt.Sprint(item)})
	w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() - interval '1 second' WHERE item_id = $1", item)
	w.monday.ArchiveItem(item)
	w.must(e, w.event(people, item, Event{Kind: Deleted}))
	if left := len(w.salesforce.Records("Contact")); left != 0 {
		t.Errorf("%d contacts are left of an item that ended", left)
	}
}
