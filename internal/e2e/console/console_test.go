package console_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
)

// TestRejectedThenReplayed follows a lead that Salesforce rejects: the console says why, the cause is corrected, the
// event is replayed from the page, and the page turns green.
func TestRejectedThenReplayed(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	const bad = "rejected@example.org"
	var mended atomic.Bool
	w.Salesforce.Reject("Lead", "Email", func(v any) string {
		if v == bad && !mended.Load() {
			return e2e.Rejection
		}
		return ""
	})
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email(bad)})
	w.Quiet()
	path, job := fmt.Sprintf("/items/%d", item), w.DeadLetter()
	w.Eventually("the cause is known", func() bool { return w.Count("SELECT count(*) FROM causes WHERE closed_at IS NULL") == 1 })
	cause := w.Text("SELECT cause_id FROM causes")

	p := operates.open(path)
	p.shows(t, "Email differs: Salesforce rejected it, INVALID_EMAIL_ADDRESS.", bad, "An event failed after 1 attempt",
		"Created in Monday")
	operates.open("/").shows(t, "Running; 1 event that failed waits for a person.", "Lead.Email: INVALID_EMAIL_ADDRESS")
	operates.open("/errors").shows(t, "Lead.Email: INVALID_EMAIL_ADDRESS", "1 open")
	operates.open("/errors/"+cause).shows(t, "1 dead letter of 1 item waits for a person.", "Ada Lovelace",
		fmt.Sprint(job), "Replay it")
	for _, path := range []string{fmt.Sprintf("/letters/%d/replay", job), path + "/resync"} {
		if !slices.Contains(p.forms(), path) {
			t.Errorf("no button for %s among %q", path, p.forms())
		}
	}

	mended.Store(true)
	p = operates.post(fmt.Sprintf("/letters/%d/replay", job), "item", fmt.Sprint(item))
	if !strings.HasPrefix(p.at, path+"?done=replayed") {
		t.Errorf("the button leads to %s", p.at)
	}
	p.shows(t, "1 event put back into the queue.")
	w.Quiet()
	p = operates.open(path)
	p.shows(t, "In sync since", "anna replayed job "+fmt.Sprint(job))
	w.Eventually("the cause is closed", func() bool { return w.Count("SELECT count(*) FROM causes WHERE closed_at IS NULL") == 0 })
	operates.open("/").shows(t, "All is well.")
	operates.open("/errors").shows(t, "Nothing is open.")
	if got := w.Text("SELECT string_agg(actor || ' ' || via || ' ' || act || ' ' || subject, ',') FROM operations"); got != fmt.Sprintf("anna console replay job %d", job) {
		t.Errorf("operations: %s", got)
	}
}

// TestActsOnItems: a resync writes what a lost event missed but does not overwrite drift; Monday's values overwrite
// drift; erase removes values.
func TestActsOnItems(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.ByHand)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Flush()
	path, id := fmt.Sprintf("/items/%d", item), w.Record("Lead", item)["Id"].(string)
	w.Salesforce.Update("Lead", id, map[string]any{"Email": "drifted@example.org"})
	w.Monday.SetColumn(item, "company", "Difference Engines")
	w.Mail.Take() // lost
	p := operates.open(path)
	p.shows(t, "Email differs: it was changed in Salesforce", "drifted@example.org", "A resync would write 5 fields", "Lead.Company: Analytical Engines → Difference Engines",
		"Account: another one is found or created, with the Name Difference Engines", "Contact.AccountId: ",
		"→ Id of the other Account")

	operates.post(path+"/resync", "board", fmt.Sprint(e2e.Leads)).shows(t, "The item is being compared again.")
	w.Flush()
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"Company": "Difference Engines", "Email": "drifted@example.org"})
	operates.open(path).shows(t, "Email differs: it was changed in Salesforce", "A resync would write nothing.")

	operates.post(path+"/send", "board", fmt.Sprint(e2e.Leads), "reason", "typo in Salesforce").shows(t,
		"Monday’s values are being sent.")
	w.Flush()
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"Email": "ada@example.org"})
	operates.open(path).shows(t, "In sync since",
		"anna took one side's value of item "+fmt.Sprint(item)+": Monday's values", "“typo in Salesforce”")

	if p := operates.post(path + "/erase"); p.status != http.StatusBadRequest {
		t.Errorf("erasing without being sure answered %d", p.status)
	}
	operates.post(path+"/erase", "sure", "yes").shows(t, "Values erased in ")
	if name := w.Text("SELECT name FROM items WHERE item_id = $1", item); name != "" {
		t.Errorf("the name is still %q", name)
	}
	if got := w.Text("SELECT string_agg(act, ' ' ORDER BY id) FROM operations WHERE items = ARRAY[$1::bigint]", item); got != "resync take erase" {
		t.Errorf("operations: %s", got)
	}
}

// TestHeld: the pages list what the brake holds, and a person decides about it.
func TestHeld(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	var items []int64
	for n := range 3 {
		items = append(items, w.Lead(fmt.Sprint("Ada ", n), "Analytical Engines"))
	}
	w.Quiet()
	for _, item := range items {
		w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1003, 'held')", item)
	}
	operates.open("/").shows(t, "3 held deletions wait for a person.")
	operates.open("/held").shows(t, "leads 3 items, since", "Ada 0", "Keep the records…", "Delete the records…")
	operates.open("/held").shows(t, "3 items deleted in Monday: the records in Salesforce are still there.")
	w.Exec("UPDATE deletions SET archive = true")
	p := operates.open("/held")
	p.shows(t, "3 items to be archived, because the record was deleted in Salesforce", "Keep the items…", "Archive the items…")
	if strings.Contains(p.body, "records in Salesforce are still there") {
		t.Errorf("the page says that records are there that were deleted:\n%s", p.body)
	}
	w.Exec("UPDATE deletions SET archive = false")
	operates.post("/held/1003/drop", "reason", "a mistake").shows(t, "The records of 3 items are kept.",
		"The delete brake holds nothing.")
	if got := w.Text("SELECT actor || ' ' || act || ' ' || reason FROM operations"); got != "anna drop a mistake" {
		t.Errorf("operations: %s", got)
	}
}

// TestConflictTaken: both sides change a field. The console shows both values, and the one that lost is restored
// there.
func TestConflictTaken(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.BothWays)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	id := w.Record("Contact", item)["Id"].(string)
	w.Together(e2e.Contacts, func() {
		w.Salesforce.Update("Contact", id, map[string]any{"Email": "salesforce@example.org"})
		w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	})
	w.Eventually("the conflict is decided", func() bool { return w.Count("SELECT count(*) FROM conflicts") == 1 })
	w.Quiet()
	w.Holds(w.Salesforce.Get("Contact", id), map[string]any{"Email": "monday@example.org"})
	operates.open("/").shows(t, "Conflict of the last 7 days")
	operates.open("/conflicts").shows(t, "Ada King", "contact.Email", "monday@example.org", "salesforce@example.org",
		"ada@example.org", "By rule: Monday wins")
	path := fmt.Sprintf("/items/%d", item)
	operates.open(path).shows(t, "In sync since", "Conflict contact.Email", "Take Salesforce’s")
	if strings.Contains(operates.open(path).text(), "Take Monday’s") {
		t.Error("the value that stands is offered, too")
	}
	take := fmt.Sprintf("/conflicts/%s/take", w.Text("SELECT id::text FROM conflicts"))
	operates.post(take, "side", "salesforce", "item", fmt.Sprint(item)).shows(t,
		"The value is being written to both sides.")
	w.Eventually("the value stands on both sides", func() bool {
		return w.Salesforce.Get("Contact", id)["Email"] == "salesforce@example.org" && w.Shown(item, "email") == "salesforce@example.org"
	})
	w.Quiet()
	operates.open(path).shows(t, "In sync since", "Salesforce’s value was taken",
		"anna took one side's value of conflict")
	if p := operates.post(take, "side", "nobody"); p.status != http.StatusNotFound {
		t.Errorf("a side that does not exist: %d", p.status)
	}

	operates.post(path+"/erase", "sure", "yes").shows(t, "Values erased in ")
	operates.open("/conflicts").shows(t, "Its values were erased.")
	if strings.Contains(operates.open("/conflicts").text(), "Take ") {
		t.Error("a value that was erased is offered")
	}
}
