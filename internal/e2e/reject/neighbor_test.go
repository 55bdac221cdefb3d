package reject_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// contacts is a mapping with one record, so that calls can be counted.
const contacts = `
version: 1
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        fields: { LastName: name, Email: email, Phone: phone }
`

const crowd = 20 // contacts of one batch

// culpritCalls is the maximum number of calls for one culprit in the crowd: to isolate the row, and its field.
const culpritCalls = 2*5 + 3

// throwing makes a trigger throw for contacts that have a value in a field.
func throwing(w *e2e.World, field string, value any) {
	w.Salesforce.AddTrigger(sfsim.Trigger{Object: "Contact", Culprit: func(record map[string]any) bool { return record[field] == value }})
}

// people creates the crowd.
func people(w *e2e.World, values func(n int) (name string, columns map[string]any)) (items []int64) {
	for n := range crowd {
		name, columns := values(n)
		items = append(items, w.Monday.CreateItem(e2e.Contacts, name, columns))
	}
	return items
}

// TestTriggerThrowsForNewRecords: rows that fail because of another one are created; the culprit is created without the
// value for which the trigger throws, or not at all if that value is required.
func TestTriggerThrowsForNewRecords(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(contacts))
	throwing(w, "Email", "culprit@example.org")
	throwing(w, "LastName", "Culprit")
	var items []int64
	before := w.Writes()
	w.Together(e2e.Contacts, func() {
		items = people(w, func(n int) (string, map[string]any) {
			name, address := fmt.Sprint("Healthy ", n), fmt.Sprintf("healthy%d@example.org", n)
			switch n {
			case 7:
				address = "culprit@example.org"
			case 12:
				name = "Culprit"
			}
			return name, map[string]any{"email": e2e.Email(address)}
		})
	})
	for n, item := range items {
		if n == 12 {
			continue
		}
		want := any(fmt.Sprintf("healthy%d@example.org", n))
		if n == 7 {
			want = nil
		}
		w.Holds(w.Record("Contact", item), map[string]any{"LastName": fmt.Sprint("Healthy ", n), "Email": want})
	}
	if n := len(w.Records("Contact", e2e.Key, items[12])); n != 0 {
		t.Errorf("%d contacts for which the trigger throws, want none", n)
	}
	w.Expect(2, "SELECT count(*) FROM dead_letters")
	rejectedFor(w, items[7], "Contact.Email: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
	rejectedFor(w, items[12], "Contact.LastName: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY")
	if calls := w.Writes() - before; calls > 1+2*culpritCalls {
		t.Errorf("%d calls for two culprits, want at most %d", calls, 1+2*culpritCalls)
	}

	// It is only attempted again once it has another name.
	w.Monday.SetColumn(items[7], "phone", phone("+12125550107"))
	w.Quiet()
	w.Holds(w.Record("Contact", items[7]), map[string]any{"Phone": "+12125550107", "Email": nil})
	w.Monday.Rename(items[12], "Mended")
	w.Quiet()
	w.Holds(w.Record("Contact", items[12]), map[string]any{"LastName": "Mended", "Email": "healthy12@example.org"})
	w.Expect(2, "SELECT count(*) FROM dead_letters")
}

// TestTriggerThrowsForChanges: of twenty changes in one call, those of healthy records are written; if a trigger throws
// for a value, or for any change of a record, only that one is lost.
func TestTriggerThrowsForChanges(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(contacts))
	items := people(w, func(n int) (string, map[string]any) { return fmt.Sprint("Contact ", n), nil })
	w.Quiet()
	culprit := w.Record("Contact", items[3])["Id"].(string)
	for round, tt := range []struct {
		arm     func()
		address bool // the culprit's e-mail changes too
		reason  string
	}{
		{arm: func() { throwing(w, "Phone", "+12125550003") }, reason: "Contact.Phone: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"},
		{arm: func() {
			w.Salesforce.Update("Contact", culprit, map[string]any{"Title": "Cursed"})
			throwing(w, "Title", "Cursed")
		}, address: true, reason: "Contact: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"},
	} {
		tt.arm()
		letters, before := w.Count("SELECT count(*) FROM dead_letters"), w.Writes()
		w.Together(e2e.Contacts, func() {
			for n, item := range items {
				w.Monday.SetColumn(item, "phone", phone(fmt.Sprintf("+12125550%d%02d", round, n)))
			}
			if tt.address {
				w.Monday.SetColumn(items[3], "email", e2e.Email("ada@example.org"))
			}
		})
		for n, item := range items {
			if n != 3 {
				w.Holds(w.Record("Contact", item), map[string]any{"Phone": fmt.Sprintf("+12125550%d%02d", round, n)})
			}
		}
		want := letters + 1 // one for each event that is lost
		if tt.address {
			want++
		}
		w.Expect(want, "SELECT count(*) FROM dead_letters")
		rejectedFor(w, items[3], tt.reason)
		if calls := w.Writes() - before; calls > culpritCalls {
			t.Errorf("round %d: %d calls for a culprit among %d, want at most %d", round, calls, crowd, culpritCalls)
		}
	}
}

// rejectedFor checks that the item's last dead letter has the reason.
func rejectedFor(w *e2e.World, item int64, reason string) {
	w.T.Helper()
	letters := w.DeadLetters(item)
	if len(letters) == 0 || !strings.Contains(letters[len(letters)-1], reason) {
		w.T.Errorf("dead letters of item %d are %q, want the last one to contain %q", item, letters, reason)
	}
}

func phone(number string) map[string]any {
	return map[string]any{"phone": number, "countryShortName": "US"}
}

// TestTooManyRows: an org whose triggers can handle ten rows per call gets no larger calls for a while once that is
// known, and no dead letters occur.
func TestTooManyRows(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.LeadRecords(`
      opportunity:
        object: Opportunity
        fields:
          Name: name
          Amount: amount
          CloseDate: { from: close_date, default: +90d }
          StageName: { value: Prospecting }
`))
	w.Salesforce.LimitRows("Opportunity", 10)
	var mu sync.Mutex
	var refused, calls int
	w.Salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		mu.Lock()
		defer mu.Unlock()
		if c.Has("upsert", "Opportunity") || c.Has("update", "Opportunity") {
			calls++
			if len(c.Records) > 10 {
				refused++
			}
		}
		return nil
	})
	counted := func() (int, int) {
		mu.Lock()
		defer mu.Unlock()
		r, c := refused, calls
		refused, calls = 0, 0
		return r, c
	}
	var items []int64
	for round, most := range []int{2 * 7, 0} {
		w.Together(e2e.Leads, func() {
			for n := range 100 {
				items = append(items, w.Monday.CreateItem(e2e.Leads, fmt.Sprintf("Deal %d.%d", round, n), nil))
			}
		})
		tooLarge, all := counted()
		if tooLarge > most || all > 40 {
			t.Errorf("round %d: %d calls, %d of them too large, want at most 40 and %d", round, all, tooLarge, most)
		}
	}
	for _, item := range items {
		w.Record("Opportunity", item)
	}
	w.Together(e2e.Leads, func() {
		for n, item := range items {
			w.Monday.SetColumn(item, "amount", fmt.Sprint(n))
		}
	})
	for n, item := range items {
		w.Holds(w.Record("Opportunity", item), map[string]any{"Amount": float64(n)})
	}
	w.Healthy()
}
