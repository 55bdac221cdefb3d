package match_test

import (
	"fmt"
	"slices"
	"testing"

	"crmsync/internal/e2e"
)

// TestSharedRecord: twenty leads of one company, on several workers at once, share one Account.
func TestSharedRecord(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("BATCH_SIZE", "3"))
	w.Start("ingest")
	w.Subscribe()
	for range 3 {
		w.Start("worker")
	}
	var items []int64
	for n := range 20 {
		company := []string{"Analytical Engines", "ANALYTICAL engines", " Analytical Engines "}[n%3]
		items = append(items, w.Lead(fmt.Sprint("Lead ", n), company))
	}
	w.Quiet()
	made := w.Salesforce.Records("Account")
	if len(made) != 1 {
		t.Fatalf("%d accounts, want 1", len(made))
	}
	for _, item := range items {
		w.Holds(w.Record("Opportunity", item), map[string]any{"AccountId": made[0]["Id"]})
		w.Holds(w.Record("Contact", item), map[string]any{"AccountId": made[0]["Id"]})
		w.Record("Lead", item)
	}
	w.Expect(20, "SELECT count(*) FROM links WHERE record = 'account' AND salesforce_id = $1", made[0]["Id"])
	w.Healthy()
}

// TestSharedRecordIsFound: the shared record is the oldest that matches, whoever created it, and is not overwritten.
func TestSharedRecordIsFound(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	oldest := w.Salesforce.Insert("Account", map[string]any{"Name": "ANALYTICAL ENGINES", "Phone": "1", e2e.Key: "77"})
	w.Salesforce.Insert("Account", map[string]any{"Name": "Analytical Engines"})
	other := w.Salesforce.Insert("Account", map[string]any{"Name": "Difference Engines"})
	lead := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"AccountId": oldest})
	w.Holds(w.Salesforce.Get("Account", oldest), map[string]any{"Name": "ANALYTICAL ENGINES", "Phone": "1", e2e.Key: "77"})

	w.Monday.SetColumn(lead, "company", "Difference Engines")
	w.Quiet()
	w.Holds(w.Record("Opportunity", lead), map[string]any{"AccountId": other})
	w.Holds(w.Record("Contact", lead), map[string]any{"AccountId": other})
	if n := len(w.Salesforce.Records("Account")); n != 3 {
		t.Errorf("%d accounts, want 3", n)
	}
	w.Healthy()
}

// TestMatch: an existing record is adopted if the match is unique and the record does not belong to another item.
func TestMatch(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	insert := func(name, address, owner string) string {
		fields := map[string]any{"LastName": name, "Title": "Was there"}
		if address != "" {
			fields["Email"] = address
		}
		if owner != "" {
			fields[e2e.Key] = owner
		}
		return w.Salesforce.Insert("Contact", fields)
	}
	one := insert("One", "one@example.org", "")
	insert("First", "several@example.org", "")
	insert("Second", "several@example.org", "")
	held := insert("Held", "held@example.org", "77")
	insert("Nobody", "", "")
	item := func(name, address string) int64 {
		if address == "" {
			return w.Monday.CreateItem(e2e.Contacts, name, nil)
		}
		return w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"email": e2e.Email(address)})
	}

	adopted, several, taken, empty := item("Ada One", "ONE@example.org"), item("Ada Several", "several@example.org"), item("Ada Held", "held@example.org"), item("Ada Empty", "")
	w.Quiet()
	w.Holds(w.Record("Contact", adopted), map[string]any{"Id": one, "FirstName": "Ada", "LastName": "One", "Title": "Was there"})
	if w.Shown(adopted, "text_sfid") != one {
		t.Errorf("the item shows %q, want the Id of the existing record", w.Shown(adopted, "text_sfid"))
	}
	if n := len(w.Records("Contact", e2e.Key, several)); n != 0 {
		t.Errorf("%d contacts of an item that matches several, want none", n)
	}
	job := w.DeadLetter()
	w.Expect(1, "SELECT count(*) FROM dead_letters WHERE (args->>'item_id')::bigint = $1 AND reason LIKE '%MULTIPLE_MATCHES%2 records have the same Email%'", several)
	w.Message(fmt.Sprint("job ", job), "MULTIPLE_MATCHES", "Contact", fmt.Sprint("item ", several))

	w.Holds(w.Salesforce.Get("Contact", held), map[string]any{"LastName": "Held", e2e.Key: "77"})
	w.Holds(w.Record("Contact", taken), map[string]any{"LastName": "Held", "Title": nil})
	w.Holds(w.Record("Contact", empty), map[string]any{"LastName": "Empty", "Title": nil})

	// Once the match is unique, the item's next event adopts the record.
	w.Salesforce.Delete("Contact", w.Records("Contact", "LastName", "First")[0]["Id"].(string))
	w.Monday.Rename(several, "Ada Sole")
	w.Quiet()
	w.Holds(w.Record("Contact", several), map[string]any{"LastName": "Sole", "Title": "Was there"})
}

// TestTwoItemsOneMatch: of two new items with the same address, only one adopts the existing record.
func TestTwoItemsOneMatch(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("ingest")
	w.Subscribe()
	there := w.Salesforce.Insert("Contact", map[string]any{"LastName": "There", "Email": "ada@example.org"})
	first := w.Monday.CreateItem(e2e.Contacts, "Ada First", map[string]any{"email": e2e.Email("ada@example.org")})
	second := w.Monday.CreateItem(e2e.Contacts, "Ada Second", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Start("worker")
	w.Start("worker")
	w.Quiet()
	ids := []any{w.Record("Contact", first)["Id"], w.Record("Contact", second)["Id"]}
	if !slices.Contains(ids, any(there)) || ids[0] == ids[1] {
		t.Errorf("the items have %v, want one of them %s", ids, there)
	}
	w.Healthy()
}

// TestCallsAreShared: a backlog is processed in few calls; the simulators reject calls that are too large.
func TestCallsAreShared(t *testing.T) {
	t.Parallel()
	const items = 250
	w := e2e.Setup(t)
	w.Start("ingest")
	w.Subscribe()
	w.Items(e2e.Accounts, items, "Account ")
	w.Eventually("all is queued", func() bool { return w.Count("SELECT count(*) FROM river_job") == items })
	w.Start("worker")
	w.Quiet()
	if n := len(w.Salesforce.Records("Account")); n != items {
		t.Fatalf("%d accounts, want %d", n, items)
	}
	reads, upserts := w.Monday.Calls()["items"], w.Salesforce.Calls()["upsert"]
	t.Logf("%d reads, %d upserts", reads, upserts)
	if reads > 8 || upserts > 6 {
		t.Errorf("%d reads and %d upserts of %d items, want few", reads, upserts, items)
	}
	w.Healthy()
}
