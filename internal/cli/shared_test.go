package cli

import (
	"fmt"
	"slices"
	"testing"
)

// TestSharedRecord: twenty leads of one company, on several workers at once, have one Account.
func TestSharedRecord(t *testing.T) {
	t.Parallel()
	w := setup(t, with("BATCH_SIZE", "3"))
	w.start("ingest")
	w.subscribe()
	for range 3 {
		w.start("worker")
	}
	var items []int64
	for n := range 20 {
		company := []string{"Analytical Engines", "ANALYTICAL engines", " Analytical Engines "}[n%3]
		items = append(items, w.lead(fmt.Sprint("Lead ", n), company))
	}
	w.quiet()
	made := w.salesforce.Records("Account")
	if len(made) != 1 {
		t.Fatalf("%d accounts, want 1", len(made))
	}
	for _, item := range items {
		w.holds(w.record("Opportunity", item), map[string]any{"AccountId": made[0]["Id"]})
		w.holds(w.record("Contact", item), map[string]any{"AccountId": made[0]["Id"]})
		w.record("Lead", item)
	}
	w.expect(20, "SELECT count(*) FROM links WHERE record = 'account' AND salesforce_id = $1", made[0]["Id"])
	w.healthy()
}

// TestSharedRecordIsFound: a shared record is the oldest of those that match, whoever made it, and is not overwritten.
func TestSharedRecordIsFound(t *testing.T) {
	t.Parallel()
	w := serving(t)
	oldest := w.salesforce.Insert("Account", map[string]any{"Name": "ANALYTICAL ENGINES", "Phone": "1", key: "77"})
	w.salesforce.Insert("Account", map[string]any{"Name": "Analytical Engines"})
	other := w.salesforce.Insert("Account", map[string]any{"Name": "Difference Engines"})
	lead := w.lead("Ada Lovelace", "Analytical Engines")
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"AccountId": oldest})
	w.holds(w.salesforce.Get("Account", oldest), map[string]any{"Name": "ANALYTICAL ENGINES", "Phone": "1", key: "77"})

	w.monday.SetColumn(lead, "company", "Difference Engines")
	w.quiet()
	w.holds(w.record("Opportunity", lead), map[string]any{"AccountId": other})
	w.holds(w.record("Contact", lead), map[string]any{"AccountId": other})
	if n := len(w.salesforce.Records("Account")); n != 3 {
		t.Errorf("%d accounts, want 3", n)
	}
	w.healthy()
}

// TestMatch: a record that is there is taken over, if it is clear which, and nobody else's.
func TestMatch(t *testing.T) {
	t.Parallel()
	w := serving(t)
	insert := func(name, address, owner string) string {
		fields := map[string]any{"LastName": name, "Title": "Was there"}
		if address != "" {
			fields["Email"] = address
		}
		if owner != "" {
			fields[key] = owner
		}
		return w.salesforce.Insert("Contact", fields)
	}
	one := insert("One", "one@example.org", "")
	insert("First", "several@example.org", "")
	insert("Second", "several@example.org", "")
	held := insert("Held", "held@example.org", "77")
	insert("Nobody", "", "")
	item := func(name, address string) int64 {
		if address == "" {
			return w.monday.CreateItem(contacts, name, nil)
		}
		return w.monday.CreateItem(contacts, name, map[string]any{"email": email(address)})
	}

	adopted, several, taken, empty := item("Ada One", "ONE@example.org"), item("Ada Several", "several@example.org"), item("Ada Held", "held@example.org"), item("Ada Empty", "")
	w.quiet()
	w.holds(w.record("Contact", adopted), map[string]any{"Id": one, "FirstName": "Ada", "LastName": "One", "Title": "Was there"})
	if w.shown(adopted, "text_sfid") != one {
		t.Errorf("the item shows %q, want the Id of the record that was there", w.shown(adopted, "text_sfid"))
	}
	if n := len(w.records("Contact", key, several)); n != 0 {
		t.Errorf("%d contacts of an item that matches several, want none", n)
	}
	job := w.letter()
	w.expect(1, "SELECT count(*) FROM dead_letters WHERE (args->>'item_id')::bigint = $1 AND reason LIKE '%MULTIPLE_MATCHES%2 records have the same Email%'", several)
	w.told(fmt.Sprint("job ", job), "MULTIPLE_MATCHES", "Contact", fmt.Sprint("item ", several))

	w.holds(w.salesforce.Get("Contact", held), map[string]any{"LastName": "Held", key: "77"})
	w.holds(w.record("Contact", taken), map[string]any{"LastName": "Held", "Title": nil})
	w.holds(w.record("Contact", empty), map[string]any{"LastName": "Empty", "Title": nil})

	// Once it is clear which, the item's next event takes it over.
	w.salesforce.Delete("Contact", w.records("Contact", "LastName", "First")[0]["Id"].(string))
	w.monday.Rename(several, "Ada Sole")
	w.quiet()
	w.holds(w.record("Contact", several), map[string]any{"LastName": "Sole", "Title": "Was there"})
}

// TestTwoItemsOneMatch: of two new items with one address, only one takes over the record that is there.
func TestTwoItemsOneMatch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.start("ingest")
	w.subscribe()
	there := w.salesforce.Insert("Contact", map[string]any{"LastName": "There", "Email": "ada@example.org"})
	first := w.monday.CreateItem(contacts, "Ada First", map[string]any{"email": email("ada@example.org")})
	second := w.monday.CreateItem(contacts, "Ada Second", map[string]any{"email": email("ada@example.org")})
	w.start("worker")
	w.start("worker")
	w.quiet()
	ids := []any{w.record("Contact", first)["Id"], w.record("Contact", second)["Id"]}
	if !slices.Contains(ids, any(there)) || ids[0] == ids[1] {
		t.Errorf("the items have %v, want one of them %s", ids, there)
	}
	w.healthy()
}

// TestCallsAreShared: what has piled up goes out in few calls; the simulators refuse those that are too large.
func TestCallsAreShared(t *testing.T) {
	t.Parallel()
	const items = 250
	w := setup(t)
	w.start("ingest")
	w.subscribe()
	for n := range items {
		w.monday.CreateItem(accounts, fmt.Sprint("Account ", n), nil)
	}
	w.eventually("all is queued", func() bool { return w.count("SELECT count(*) FROM river_job") == items })
	w.start("worker")
	w.quiet()
	if n := len(w.salesforce.Records("Account")); n != items {
		t.Fatalf("%d accounts, want %d", n, items)
	}
	reads, upserts := w.monday.Calls()["items"], w.salesforce.Calls()["upsert"]
	t.Logf("%d reads, %d upserts", reads, upserts)
	if reads > 8 || upserts > 6 {
		t.Errorf("%d reads and %d upserts of %d items, want few", reads, upserts, items)
	}
	w.healthy()
}
