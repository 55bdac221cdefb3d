package engine

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// page returns all items of a board, as Monday shows them.
func (w *world) page(board int64, dry bool, choices plan.Choices) Page {
	w.t.Helper()
	p := Page{BoardID: board, Dry: dry, Choices: choices, Asked: w.config.Mapping.Board(board).Columns}
	cursor := ""
	for {
		items, next, err := w.pages.Page(w.t.Context(), board, cursor, p.Asked)
		if err != nil {
			w.t.Fatal(err)
		}
		p.ReadAt = time.Now()
		if p.Items, cursor = append(p.Items, items...), next; next == "" {
			return p
		}
	}
}

// compare compares all items of a board, and returns what was found in words.
func (w *world) compare(e *Engine, page Page) (found []string) {
	w.t.Helper()
	all, _, err := e.Compare(w.t.Context(), page)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range all {
		if f.Err != nil {
			w.t.Fatalf("item %d: %v", f.ItemID, f.Err)
		}
		for _, d := range f.Differences {
			found = append(found, fmt.Sprintf("%d %s %s.%s %v -> %v %v", f.ItemID, d.Kind, d.Record, d.Field, d.Salesforce, d.Monday, d.Sends))
		}
	}
	return found
}

// state is everything that both systems and the ledger hold.
func (w *world) state() string {
	w.t.Helper()
	ledgerText := ask[string](w, `SELECT coalesce((SELECT string_agg(to_jsonb(i)::text, ',' ORDER BY item_id) FROM items i), '')
		|| coalesce((SELECT string_agg(to_jsonb(l)::text, ',' ORDER BY item_id, record) FROM links l), '')
		|| (SELECT count(*) FROM leases) || (SELECT count(*) FROM waits)`)
	text := ledgerText
	for _, object := range []string{"Account", "Contact"} {
		text += fmt.Sprint(w.salesforce.Records(object))
	}
	for _, item := range w.monday.Items(people) {
		text += fmt.Sprint(item)
	}
	return text
}

// TestComparePlanEqualsApply edits items and records at random, without webhooks. The real comparison writes exactly
// the fields that a dry one lists, and another finds nothing to write.
func TestComparePlanEqualsApply(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	rapid.Check(t, func(rt *rapid.T) {
		w.clear()
		var items []int64
		for n := range rapid.IntRange(1, 6).Draw(rt, "items") {
			items = append(items, w.monday.CreateItem(people, fmt.Sprint("Ada King", n), map[string]any{"email": drawEmail(rt, n)}))
		}
		if rapid.Bool().Draw(rt, "records from before") {
			w.salesforce.Insert("Contact", map[string]any{"LastName": "Before", "Email": "ada0@example.org", "Title": "Queen"})
		}
		for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
			w.edit(rt, items)
			choices := plan.Choices{Adopt: rapid.SampledFrom([]mapping.Side{"", mapping.Monday}).Draw(rt, "adopt"), Enforce: rapid.Bool().Draw(rt, "enforce")}
			before := w.state()
			planned := w.compare(e, w.page(people, true, choices))
			if after := w.state(); after != before {
				rt.Fatalf("planning changed something:\n%s\n%s", before, after)
			}
			applied := w.compare(e, w.page(people, false, choices))
			if diff := cmp.Diff(planned, applied); diff != "" {
				rt.Fatalf("applied (-planned +applied):\n%s", diff)
			}
			for _, left := range w.compare(e, w.page(people, true, choices)) {
				if strings.HasSuffix(left, "true") {
					rt.Fatalf("left to do: %s\nafter %v", left, applied)
				}
			}
		}
	})
}

// clear removes everything from both systems and the database.
func (w *world) clear() {
	for _, item := range w.monday.Items(people) {
		if item.State == "active" {
			w.monday.DeleteItem(item.ID)
		}
		w.monday.PurgeItem(item.ID)
	}
	for _, object := range []string{"Contact", "Account"} {
		for _, record := range w.salesforce.Records(object) {
			w.salesforce.Delete(object, record["Id"].(string))
		}
	}
	w.exec("TRUNCATE items, links, waits, leases, deletions")
}

func drawEmail(t *rapid.T, n int) any {
	text := rapid.SampledFrom([]string{"", fmt.Sprintf("ada%d@example.org", n)}).Draw(t, "email")
	if text == "" {
		return nil
	}
	return map[string]any{"email": text, "text": text}
}

// edit changes some values on either side.
func (w *world) edit(t *rapid.T, items []int64) {
	for range rapid.IntRange(0, 5).Draw(t, "edits") {
		n := rapid.IntRange(0, len(items)-1).Draw(t, "item")
		item, what := items[n], rapid.SampledFrom([]string{"name", "email", "status", "company", "title", "gone"}).Draw(t, "what")
		i := slices.IndexFunc(w.salesforce.Records("Contact"), func(r map[string]any) bool { return r["Monday_Item_Id__c"] == fmt.Sprint(item) })
		switch {
		case what == "name":
			w.monday.Rename(item, rapid.SampledFrom([]string{"Ada King", "Ada Byron"}).Draw(t, "name"))
		case what == "email":
			w.monday.SetColumn(item, "email", drawEmail(t, n))
		case what == "status":
			w.monday.SetColumn(item, "status", map[string]any{"label": rapid.SampledFrom([]string{"Boss", "Clerk", "Ghost"}).Draw(t, "status")})
		case what == "company":
			w.monday.SetColumn(item, "company", rapid.SampledFrom([]string{"", "Acme", "Better"}).Draw(t, "company"))
		case what == "title" && i >= 0:
			w.salesforce.Update("Contact", w.salesforce.Records("Contact")[i]["Id"].(string), map[string]any{"Title": rapid.SampledFrom([]string{"Head", "Queen"}).Draw(t, "title")})
		}
	}
}

// TestCompareKinds checks how each kind of difference is named, and what is done about it.
func TestCompareKinds(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	value := func(s string) any { return map[string]any{"email": s, "text": s} }
	known := w.monday.CreateItem(people, "Ada King", map[string]any{"email": value("ada@example.org")})
	w.must(e, w.event(people, known, Event{Kind: Created, Name: "Ada King", TriggeredAt: time.Now().Add(-2 * time.Minute)}))
	id := w.contact(known)["Id"].(string)

	w.salesforce.Update("Contact", id, map[string]any{"FirstName": "Augusta", "LastName": "Lovelace"})
	w.monday.SetColumn(known, "status", map[string]any{"label": "Boss"})
	w.monday.Rename(known, "Ada Byron")
	fresh := w.monday.CreateItem(people, "Charles Babbage", nil)
	w.salesforce.Insert("Contact", map[string]any{"LastName": "Turing", "Email": "alan@example.org"})
	met := w.monday.CreateItem(people, "Alan Mathison", map[string]any{"email": value("alan@example.org"), "status": map[string]any{"label": "Ghost"}})
	got := w.compare(e, w.page(people, true, plan.Choices{}))
	want := []string{
		fmt.Sprintf("%d drift contact.FirstName Augusta -> Ada false", known),
		fmt.Sprintf("%d both_changed contact.LastName Lovelace -> Byron true", known),
		fmt.Sprintf("%d monday_changed contact.Title <nil> -> Head true", known),
		fmt.Sprintf("%d new_record contact. <nil> -> <nil> true", fresh),
		fmt.Sprintf("%d new_record contact.FirstName <nil> -> Charles true", fresh),
		fmt.Sprintf("%d new_record contact.LastName <nil> -> Babbage true", fresh),
		fmt.Sprintf("%d cannot_be_sent contact.Title <nil> -> Ghost false", met),
		fmt.Sprintf("%d missing contact.FirstName <nil> -> Alan true", met),
		fmt.Sprintf("%d first_meeting contact.LastName Turing -> Mathison false", met),
		fmt.Sprintf("%d wrong_key contact.Monday_Item_Id__c <nil> -> %d true", met, met),
	}
	got = slices.DeleteFunc(got, func(s string) bool {
		return slices.ContainsFunc([]string{"Birthdate", "id_column"}, func(part string) bool { return strings.Contains(s, part) })
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if n := ask[int](w, "SELECT count(*) FROM items"); n != 1 {
		t.Errorf("%d items are known after a dry comparison, want 1", n)
	}
}

// TestCompareSameSecond: Monday's time of an item has whole seconds. An edit within the second of the last known change,
// whose webhook was lost, is found by its value.
func TestCompareSameSecond(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	value := func(s string) any { return map[string]any{"email": s, "text": s} }
	item := w.monday.CreateItem(people, "Ada King", map[string]any{"email": value("first@example.org")})
	w.compare(e, w.page(people, false, plan.Choices{}))
	w.monday.SetColumn(item, "email", value("second@example.org"))
	page := w.page(people, true, plan.Choices{})
	w.exec("UPDATE items SET columns = jsonb_set(columns, '{email,at}', to_jsonb($1::bigint))", page.Items[0].UpdatedAt.Unix()*1e6+999_999)
	want := fmt.Sprintf("%d monday_changed contact.Email first@example.org -> second@example.org true", item)
	if got := w.compare(e, page); !slices.Contains(got, want) {
		t.Errorf("found %q, want %s", got, want)
	}
}
