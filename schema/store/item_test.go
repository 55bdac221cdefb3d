package store_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

func ids(items map[int64]*ledger.Item) (all []int64) {
	for id := range items {
		all = append(all, id)
	}
	slices.Sort(all)
	return all
}

func TestClaim(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := uuid.New(), uuid.New()
	if diff := cmp.Diff([]int64{1, 2}, ids(w.claim(first, 2, 1))); diff != "" {
		t.Errorf("the first gets (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{3}, ids(w.claim(second, 1, 2, 3))); diff != "" {
		t.Errorf("the second gets (-want +got):\n%s", diff)
	}
	if got := w.claim(first, 1); len(got) != 0 {
		t.Error("one holder gets an item twice")
	}
	w.save(first, store.Commit{Items: items(&ledger.Item{ID: 1})})
	if got := w.claim(second, 1, 2); len(got) != 1 || got[1] == nil || got[1].Abandoned {
		t.Errorf("the second gets %v of the freed items", ids(got))
	}
	w.exec("UPDATE items SET lease_until = now() - interval '1 millisecond' WHERE item_id = 2")
	if got := w.claim(second, 2); got[2] == nil || !got[2].Abandoned {
		t.Error("an expired lease is not taken over, or counts as released")
	}
	if lost := w.save(first, store.Commit{Items: items(&ledger.Item{ID: 2, Name: "late"})}); !slices.Equal(lost, []int64{2}) {
		t.Errorf("lost %v, want the item that the second took over", lost)
	}
	if err := w.Release(t.Context(), first, []int64{2}); err != nil {
		t.Fatal(err)
	}
	if got := w.claim(first, 2); len(got) != 0 {
		t.Error("an item was released by somebody who does not hold it")
	}
	if err := w.Release(t.Context(), second, []int64{2, 3}); err != nil {
		t.Fatal(err)
	}
	if got := w.claim(first, 2, 3); len(got) != 2 || !got[2].Abandoned {
		t.Errorf("got %v after the release", ids(got))
	}
}

// TestClaimAtOnce: many holders claim the same items in different orders. Each item gets one holder, and nobody hangs.
func TestClaimAtOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	var all []int64
	for id := range int64(500) {
		all = append(all, id)
	}
	var mu sync.Mutex
	var got []int64
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			want := slices.Clone(all)
			if n%2 == 0 {
				slices.Reverse(want)
			}
			claimed := ids(w.claim(uuid.New(), want...))
			mu.Lock()
			defer mu.Unlock()
			got = append(got, claimed...)
		})
	}
	wait.Wait()
	slices.Sort(got)
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("claimed by all together (-want +got):\n%s", diff)
	}
}

// asLoaded ignores what only loaded links know.
var asLoaded = cmpopts.IgnoreFields(ledger.Link{}, "Loaded")

func TestItemRoundTrip(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	at := time.Date(2026, 9, 23, 12, 0, 0, 630_000_000, time.UTC)
	item := &ledger.Item{
		ID: 7_000_000_000, BoardID: board, Name: "Ada 👩", NameAt: at, NameOwn: true, Known: true, DeletedAt: at, ExistenceAt: at.Add(time.Microsecond),
		NameUntil: 6, NamePast: ledger.Past{Was: []column.Value{{Type: column.Text, Text: "Ada"}}, Since: 5},
		Columns: map[string]ledger.Column{
			"status": {Value: column.Value{Type: column.Status, Text: "Go"}, At: at.UnixMicro()},
			"people": {Value: column.Value{Type: column.People, IDs: []int64{1 << 60}}, At: 1, Own: true},
		},
		Links: map[string]*ledger.Link{"contact": {
			ItemID: 7_000_000_000, Record: "contact", Object: "Contact", SalesforceID: "003000000000001AAA", EndedIDs: []string{"003000000000002AAA"},
			Written: map[string]ledger.Written{
				"Email": {Value: "a@b", Mapping: "a1b2"}, "Amount": {Value: 12.5}, "Open": {Value: true}, "Title": {LeftOut: true}, "Phone": {Unsure: true, Mapping: "-", Value: "+1"},
			},
			Rejected: map[string]ledger.Rejection{"Phone": {Value: "x", Code: "BAD", JobID: 9}},
			Since:    map[string]string{"CloseDate": "2026-09-23"},
			Held:     map[string]ledger.Held{"Email": {Value: "A@b", Unsaid: true}, "Amount": {Apart: true}},
			Turns:    map[string]ledger.Turns{"Email": {N: 3, Since: 1_700_000_000}},
			Doubts: map[string]ledger.Doubt{
				"Email": {Sent: []ledger.Sending{{New: true}, {Value: "b@b", Over: "B@b"}}, Shown: []ledger.Showing{{Value: column.Value{Type: column.Email, Text: "c@b"}, Holds: "C@b", At: 7}}},
			},
		}, "empty": {ItemID: 7_000_000_000, Record: "empty", Object: "Lead", Written: map[string]ledger.Written{}, Rejected: map[string]ledger.Rejection{}, EndedIDs: []string{}, Since: map[string]string{}, Held: map[string]ledger.Held{}, Turns: map[string]ledger.Turns{}, Doubts: map[string]ledger.Doubt{}}},
	}
	w.claim(holder, item.ID)
	commit := store.Commit{Items: items(item), Links: []*ledger.Link{item.Links["contact"], item.Links["empty"]}}
	for range 2 { // the answer to the first may be lost
		w.save(holder, commit)
		w.exec("UPDATE items SET lease_holder = $1, lease_until = now() + interval '1 minute'", holder)
	}
	if err := w.Release(t.Context(), holder, []int64{item.ID}); err != nil {
		t.Fatal(err)
	}
	item.Abandoned = true
	got := w.claim(holder, item.ID)[item.ID]
	if since := time.Since(got.SeenAt); since < 0 || since > time.Hour {
		t.Errorf("seen at %s", got.SeenAt)
	}
	item.SeenAt = got.SeenAt
	if diff := cmp.Diff(item, got, cmpopts.EquateEmpty(), asLoaded); diff != "" {
		t.Errorf("item (-want +got):\n%s", diff)
	}
	// An item that did not change is only freed.
	same := &ledger.Item{ID: item.ID, Name: "no", Known: true, DeletedAt: at, ExistenceAt: item.ExistenceAt}
	w.save(holder, store.Commit{Items: []store.ItemChange{{Item: same}}})
	item.Abandoned = false
	if diff := cmp.Diff(item, w.claim(holder, item.ID)[item.ID], cmpopts.EquateEmpty(), asLoaded); diff != "" {
		t.Errorf("item that did not change (-want +got):\n%s", diff)
	}
}

// TestSaveZero: what a batch says nothing of is replaced by nothing, whether other items of the batch have it or not.
func TestSaveZero(t *testing.T) {
	t.Parallel()
	w := setup(t)
	full := func(id int64) *ledger.Item {
		at := time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)
		return &ledger.Item{
			ID: id, BoardID: board, Name: "Ada", NameAt: at, NameOwn: true, Known: true, DeletedAt: at, ExistenceAt: at,
			Columns: map[string]ledger.Column{"a": {Value: column.Value{Type: column.Text, Text: "b"}, At: 1}},
			Links: map[string]*ledger.Link{"r": {
				ItemID: id, Record: "r", Object: "Lead", SalesforceID: "00Q000000000001AAA", EndedIDs: []string{"00Q000000000002AAA"},
				Written:  map[string]ledger.Written{"A": {Value: "b", Mapping: "c"}},
				Rejected: map[string]ledger.Rejection{"A": {Value: "x", Code: "BAD"}},
				Closed:   ledger.Merged, Origin: ledger.Created, Since: map[string]string{"A": "2026-09-23"},
				Held:   map[string]ledger.Held{"A": {Value: "d"}},
				Turns:  map[string]ledger.Turns{"A": {N: 1, Since: 1}},
				Doubts: map[string]ledger.Doubt{"A": {Sent: []ledger.Sending{{New: true}}}},
			}},
		}
	}
	zero := func(id int64) *ledger.Item {
		return &ledger.Item{ID: id, BoardID: board, Links: map[string]*ledger.Link{"r": {ItemID: id, Record: "r", Object: "Lead"}}}
	}
	save := func(want ...*ledger.Item) {
		t.Helper()
		holder, c := uuid.New(), store.Commit{Items: items(want...)}
		for _, item := range want {
			c.Links = append(c.Links, item.Links["r"])
		}
		w.claim(holder, 1, 2)
		if lost := w.save(holder, c); len(lost) > 0 {
			t.Fatalf("lost %v", lost)
		}
		got := must[map[int64]*ledger.Item](t)(w.Known(t.Context(), []ledger.Ref{{ItemID: 1}, {ItemID: 2}}))
		for _, item := range want {
			if diff := cmp.Diff(item, got[item.ID], cmpopts.EquateEmpty(), asLoaded, cmpopts.IgnoreFields(ledger.Item{}, "SeenAt", "Keys")); diff != "" {
				t.Errorf("item %d (-want +got):\n%s", item.ID, diff)
			}
		}
	}
	save(full(1), full(2))
	save(full(1), zero(2))
	save(zero(1), zero(2))
}

// TestSaveMappings: a loaded link's mappings are stored when they change, and stay as they are otherwise.
func TestSaveMappings(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	stored := func() map[string]string {
		return ask[map[string]string](w, "SELECT coalesce((SELECT mapped FROM links WHERE item_id = 1), '{}')")
	}
	steps := []struct {
		what   string
		change func(*ledger.Item)
		want   map[string]string
	}{
		{"a new link", func(item *ledger.Item) {
			item.Links["r"] = &ledger.Link{ItemID: 1, Record: "r", Object: "Lead"}
			item.Links["r"].Agree("A", "a")
			item.Links["r"].Stamp(map[string]string{"A": "1"})
		}, map[string]string{"A": "1"}},
		{"another value", func(item *ledger.Item) {
			item.Links["r"].Agree("A", "b")
			item.Links["r"].Stamp(map[string]string{"A": "1"})
		}, map[string]string{"A": "1"}},
		{"another mapping", func(item *ledger.Item) {
			item.Links["r"].Agree("A", "b")
			item.Links["r"].Stamp(map[string]string{"A": "2"})
		}, map[string]string{"A": "2"}},
		{"lost", func(item *ledger.Item) { item.Links["r"].Lose() }, map[string]string{"@lost": ""}},
		{"ended", func(item *ledger.Item) { item.Links["r"].End() }, map[string]string{}},
		{"linked again", func(item *ledger.Item) {
			item.Links["r"].Agree("A", "c")
			item.Links["r"].Stamp(map[string]string{"A": "3"})
		}, map[string]string{"A": "3"}},
		{"another object", func(item *ledger.Item) { item.Links["r"] = item.Links["r"].Replace("Contact") }, map[string]string{}},
	}
	for _, step := range steps {
		item := w.claim(holder, 1)[1]
		step.change(item)
		w.save(holder, store.Commit{Items: items(item), Links: []*ledger.Link{item.Links["r"]}})
		if diff := cmp.Diff(step.want, stored()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
	}
}

func TestLease(t *testing.T) {
	t.Parallel()
	w := setup(t)
	first, second := uuid.New(), uuid.New()
	lease := func(holder uuid.UUID, d time.Duration, keys ...string) []string {
		got := must[[]string](t)(w.Lease(t.Context(), holder, keys, d))
		slices.Sort(got)
		return got
	}
	steps := []struct {
		what string
		got  []string
		want []string
	}{
		{"new, one of them named twice", lease(first, time.Minute, "b", "a", "b"), []string{"a", "b"}},
		{"held by another", lease(second, time.Minute, "a", "c"), []string{"c"}},
		{"its own once more", lease(first, time.Hour, "a"), []string{"a"}},
		{"its own, shortened", lease(first, -time.Second, "b"), []string{"b"}},
		{"over", lease(second, time.Minute, "b"), []string{"b"}},
	}
	for _, step := range steps {
		if diff := cmp.Diff(step.want, step.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.what, diff)
		}
	}
	if err := w.Free(t.Context(), second, []string{"a", "b", "c"}); err != nil {
		t.Fatal(err)
	}
	if left := ask[string](w, "SELECT string_agg(key, ' ') FROM leases"); left != "a" {
		t.Errorf("left are %q: only a holder's own are freed", left)
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	w.claim(holder, 1, 2, 3)
	w.save(holder, store.Commit{Items: items(&ledger.Item{ID: 1}, &ledger.Item{ID: 2}, &ledger.Item{ID: 3}), Links: []*ledger.Link{
		{ItemID: 2, Record: "contact", Object: "Contact", SalesforceID: "A"}, {ItemID: 1, Record: "contact", Object: "Contact", SalesforceID: "A"},
		{ItemID: 3, Record: "contact", Object: "Contact"},
	}})
	asked := []ledger.RecordRef{{ItemID: 1, Record: "contact"}, {ItemID: 1, Record: "lead"}, {ItemID: 3, Record: "contact"}, {ItemID: 9, Record: "contact"}}
	linked := must[map[ledger.RecordRef]string](t)(w.LinkedIDs(t.Context(), asked))
	if diff := cmp.Diff(map[ledger.RecordRef]string{{ItemID: 1, Record: "contact"}: "A"}, linked); diff != "" {
		t.Errorf("linked (-want +got):\n%s", diff)
	}
	var items []int64
	for _, l := range must[map[string][]store.Linked](t)(w.LinksOf(t.Context(), []string{"A", "B"}))["A"] {
		items = append(items, l.ItemID)
	}
	if diff := cmp.Diff([]int64{1, 2}, items); diff != "" {
		t.Errorf("linked to A (-want +got):\n%s", diff)
	}
}
