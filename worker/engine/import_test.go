package engine

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"crmsync/schema/ledger"
)

// TestImportAssigns: an import links an item to the record that was found for it, fills its empty columns, and sends
// nothing but the item's id. An item keeps the record that it has, a record its item, and a record that another worker
// decides about is not taken. A dry comparison finds the same, and changes nothing.
func TestImportAssigns(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.config.Mapping = parse(t, strings.Replace(rules, "id_column: text_sfid", "id_column: text_sfid\n        items: {}", 1))
	e := w.engine()
	account := func(name string) string {
		return w.salesforce.Insert("Account", map[string]any{"Name": name, "Phone": "+12125550100"})
	}
	has := w.monday.CreateItem(companies, "Has", nil)
	w.must(e, w.event(companies, has, Event{Kind: Created, Name: "Has"}))
	own := ask[string](w, "SELECT salesforce_id FROM links WHERE item_id = $1", has)
	free, wants, waits := w.monday.CreateItem(companies, "Free", nil), w.monday.CreateItem(companies, "Wants", nil), w.monday.CreateItem(companies, "Waits", nil)
	found, other, busy := account("Found"), account("Other"), account("Busy")
	if got, err := w.store.Lease(t.Context(), uuid.New(), []string{ledger.IDLease(busy)}, time.Minute); err != nil || len(got) != 1 {
		t.Fatalf("leased %v, %v", got, err)
	}
	page := Page{
		BoardID: companies, Unread: []int64{has, free, wants, waits}, Import: w.config.Mapping.Board(companies).Migration, Dry: true,
		Assigned: map[int64]Assigned{has: {other, ledger.Shown}, free: {found, ledger.Shown}, wants: {own, ledger.Shown}},
	}
	calls := w.salesforce.Calls()
	before := w.state()
	planned := w.compare(e, page)
	if after := w.state(); after != before {
		t.Errorf("the dry comparison changed (-before +after):\n%s", cmp.Diff(before, after))
	}
	page.Dry = false
	if diff := cmp.Diff(planned, w.compare(e, page)); diff != "" {
		t.Errorf("found (-planned +actual):\n%s", diff)
	}
	page.Unread, page.Assigned = []int64{waits}, map[int64]Assigned{waits: {busy, ledger.Shown}}
	left, _, err := e.Compare(t.Context(), page)
	if err != nil || left[0].Err == nil {
		t.Errorf("the item of a leased record: error %v, %v, want one that asks to wait", left[0].Err, err)
	}
	links := ask[string](w, "SELECT string_agg(item_id || ' ' || salesforce_id, ', ' ORDER BY item_id) FROM links WHERE salesforce_id IS NOT NULL")
	if want := fmt.Sprintf("%d %s, %d %s", has, own, free, found); links != want {
		t.Errorf("links %s, want %s", links, want)
	}
	if item, _ := w.monday.Item(free); item.Text["phone"] != "+12125550100" || item.Text["text_sfid"] != found || item.Name != "Free" {
		t.Errorf("the item shows %v and is called %q", item.Text, item.Name)
	}
	want := map[string]any{"Name": "Found", "Phone": "+12125550100", "Monday_Item_Id__c": fmt.Sprint(free)}
	got := w.salesforce.Get("Account", found)
	maps.DeleteFunc(got, func(field string, _ any) bool { _, wanted := want[field]; return !wanted })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	if n := w.salesforce.Calls()["update"] - calls["update"]; n != 1 {
		t.Errorf("%d calls that update records, want 1: %v", n, w.salesforce.Calls())
	}
}
