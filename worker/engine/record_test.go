package engine

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

const contactID, accountID = "003000000000001AAA", "001000000000001AAA"

func text(s string) column.Value { return column.Value{Type: column.Text, Text: s} }

func status(s string) column.Value { return column.Value{Type: column.Status, Text: s} }

func link(record, id string, written map[string]any) *ledger.Link {
	objects := map[string]string{"account": "Account", "contact": "Contact"}
	l := &ledger.Link{ItemID: 7, Record: record, Object: objects[record], SalesforceID: id}
	for field, value := range written {
		l.Agree(field, value)
	}
	return l
}

// bundle is a pass over one item, without a store and systems.
type bundle struct {
	*pass
	work *work
}

func newBundle(item *ledger.Item, events ...Event) *bundle {
	m := testMapping()
	p := &pass{tools: &tools{Config: Config{Mapping: m, Now: func() time.Time { return noon }}}, byItem: map[int64]*work{}}
	p.refs = plan.References{Linked: map[ledger.RecordRef]string{{ItemID: 1, Record: "account"}: accountID}, Shown: map[string]plan.Shown{}}
	w := &work{mapping: m, board: testBoard(), item: item, now: noon}
	for n, ev := range events {
		ev.JobID, ev.BoardID, ev.ItemID = int64(n+1), people, item.ID
		w.tasks = append(w.tasks, &task{Event: &ev})
	}
	p.works, p.byItem[item.ID] = []*work{w}, w
	w.look()
	return &bundle{p, w}
}

func newItem(columns map[string]column.Value, links ...*ledger.Link) *ledger.Item {
	item := &ledger.Item{ID: 7, BoardID: people, Name: "Ada King", Known: true, Links: map[string]*ledger.Link{}, Columns: map[string]ledger.Column{}}
	for id, v := range columns {
		item.Columns[id] = ledger.Column{Value: v, At: 1}
	}
	for _, l := range links {
		item.Links[l.Record] = l
	}
	return item
}

// applyAll reports success for every write, as Salesforce would, until nothing is left to do.
func (b *bundle) applyAll(t *rapid.T, found bool) {
	ids := map[string]string{"Contact": contactID, "Account": "001000000000002AAA"}
	for stage := range b.Mapping.Stages() {
		plans := b.plan(stage)
		for n := 0; len(plans) > 0; n++ {
			if n == 10 {
				t.Fatalf("no end of planning %s", plans[0].plan.Record.Name)
			}
			var writes []write
			var outcomes []send.Outcome
			for _, d := range plans {
				if b.recordPlan(d) {
					isNew := d.plan.Write.Op == plan.Create || d.plan.Write.Op == plan.Upsert && !found
					id := d.plan.Write.ID
					if id == "" {
						id = ids[d.plan.Record.Object]
					}
					writes, outcomes = append(writes, write{planned: d}), append(outcomes, send.Done{ID: id, Created: isNew})
				}
			}
			plans = b.record(t.Context(), writes, outcomes)
		}
	}
}

// pending returns what is still to be written.
func (b *bundle) pending() (writes []plan.Write) {
	for stage := range b.Mapping.Stages() {
		for _, d := range b.plan(stage) {
			if d.plan.Write != nil {
				writes = append(writes, *d.plan.Write)
			}
		}
	}
	return writes
}

// TestPlanAfterApplying changes an item step by step: each plan is applied, and then nothing is left to do, whether in
// the same batch or after Postgres has stored the item.
func TestPlanAfterApplying(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		item := newItem(nil)
		for range rapid.IntRange(1, 5).Draw(t, "batches") {
			change := drawColumns(t)
			item.Name = rapid.SampledFrom([]string{"", "Ada", "Ada King", "Ada Byron King"}).Draw(t, "name")
			b := newBundle(item, Event{})
			for id, v := range change {
				item.SetColumn(id, ledger.Column{Value: v, At: 1})
				b.work.touch(id)
			}
			b.work.fresh = rapid.Bool().Draw(t, "fresh")
			b.work.look()
			b.applyAll(t, rapid.Bool().Draw(t, "found"))
			if writes := b.pending(); len(writes) > 0 && !b.work.fresh {
				t.Fatalf("after %v in the same batch, planned %+v", change, writes)
			}
			item = stored(t, item)
			later := newBundle(item, Event{})
			later.Now = func() time.Time { return noon.AddDate(0, 0, 3) }
			if writes := later.pending(); len(writes) > 0 {
				t.Fatalf("after %v, planned %+v", change, writes)
			}
		}
	})
}

func drawColumns(t *rapid.T) map[string]column.Value {
	all := map[string][]column.Value{
		"company":         {text(""), text("Acme"), text("ACME "), text("Better")},
		"email":           {{Type: column.Email}, {Type: column.Email, Text: "a@b.example"}, {Type: column.Email, Text: "B@b.example"}},
		"status":          {status(""), status("Boss"), status("Clerk"), status("Ghost")},
		"day":             {{Type: column.Date}, {Type: column.Date, Text: "2000-01-01"}},
		"connect_account": {{Type: column.BoardRelation}, {Type: column.BoardRelation, IDs: []int64{1}}, {Type: column.BoardRelation, IDs: []int64{2}}},
		"text_sfid":       {text(""), text(contactID), text("n/a")},
	}
	drawn := map[string]column.Value{}
	for _, id := range rapid.SliceOfDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(all))), rapid.ID).Draw(t, "columns") {
		drawn[id] = rapid.SampledFrom(all[id]).Draw(t, id)
	}
	return drawn
}

// stored returns the item as it is read back from Postgres.
func stored(t *rapid.T, item *ledger.Item) *ledger.Item {
	text, err := json.Marshal(item)
	kept := &ledger.Item{}
	if err != nil || json.Unmarshal(text, kept) != nil {
		t.Fatalf("keeping the item: %v", err)
	}
	if diff := cmp.Diff(item.Columns, kept.Columns); diff != "" {
		t.Fatalf("columns that Postgres keeps (-want +got):\n%s", diff)
	}
	return kept
}

// TestRecord checks what each outcome of a change does to the item's link and its events.
func TestRecord(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"FirstName": "Ada", "Title": "Head"}
	rejected := func(code string, dependent bool, names ...string) send.Rejection {
		return send.Rejection{Code: code, Fields: names, Dependent: dependent}
	}
	tests := map[string]struct {
		op       plan.Op
		outcome  send.Outcome
		want     ledger.Link
		retried  bool
		failed   string // why the event failed
		planned  bool   // it is planned again
		notFresh bool
	}{
		"done": {outcome: send.Done{}, want: ledger.Link{SalesforceID: contactID, Written: written("FirstName", "Ada", "Title", "Head", "LastName", "x")}},
		"done without a field": {outcome: send.Done{Left: []send.Rejection{rejected("STRING_TOO_LONG", false, "Title")}}, failed: "Contact.Title: STRING_TOO_LONG", want: ledger.Link{
			SalesforceID: contactID, Written: written("FirstName", "Ada", "LastName", "x"),
			Rejected: map[string]ledger.Rejection{"Title": {Value: "Head", Code: "STRING_TOO_LONG", JobID: 1}},
		}},
		"created": {op: plan.Upsert, outcome: send.Done{ID: contactID, Created: true}, want: ledger.Link{
			SalesforceID: contactID, Origin: ledger.Created, Written: map[string]ledger.Written{
				"FirstName": {Value: "Ada"}, "Title": {Value: "Head"}, "Email": {LeftOut: true}, "Monday_Item_Id__c": {Value: "7"},
			},
		}},
		"came upon": {op: plan.Upsert, outcome: send.Done{ID: contactID}, planned: true, want: ledger.Link{
			SalesforceID: contactID, Origin: ledger.Matched,
			Written: map[string]ledger.Written{"FirstName": {Value: "Ada"}, "Title": {Value: "Head"}, "Email": {Unsure: true}, "Monday_Item_Id__c": {Value: "7"}},
		}},
		"rejected for others": {outcome: send.Rejected{Rejections: []send.Rejection{rejected("ENTITY_IS_LOCKED", true)}}, failed: "Contact: ENTITY_IS_LOCKED", want: ledger.Link{
			SalesforceID: contactID, Written: written("FirstName", "x", "LastName", "x"), Rejected: map[string]ledger.Rejection{
				"FirstName": {Value: "Ada", Code: "ENTITY_IS_LOCKED", JobID: 1, Dependent: true}, "Title": {Value: "Head", Code: "ENTITY_IS_LOCKED", JobID: 1, Dependent: true},
			},
		}},
		"rejected, new": {op: plan.Upsert, outcome: send.Rejected{Rejections: []send.Rejection{rejected("FIELD_CUSTOM_VALIDATION_EXCEPTION", true)}}, failed: "Contact: FIELD_CUSTOM_VALIDATION_EXCEPTION", want: ledger.Link{
			Rejected: map[string]ledger.Rejection{"": {Value: plan.Digest(fields), Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", JobID: 1}},
		}},
		"gone":      {outcome: send.Gone{Code: "ENTITY_IS_DELETED"}, planned: true, want: ledger.Link{EndedIDs: []string{contactID}, Lost: true}},
		"converted": {outcome: send.Gone{Code: "CANNOT_UPDATE_CONVERTED_LEAD", Converted: &send.Conversion{}}, want: ledger.Link{EndedIDs: []string{contactID}, Closed: ledger.Converted}},
		"retry":     {outcome: send.Retry{Err: errLocked}, retried: true, want: ledger.Link{SalesforceID: contactID, Written: written("FirstName", "x", "LastName", "x")}},
		"unknown": {outcome: send.Unknown{Err: io.ErrUnexpectedEOF}, retried: true, want: ledger.Link{
			SalesforceID: contactID, Written: map[string]ledger.Written{
				"FirstName": {Unsure: true, Value: "x"}, "Title": {Unsure: true}, "LastName": {Value: "x"},
			},
			Doubts: map[string]ledger.Doubt{"FirstName": {Sent: []ledger.Sending{{Value: "Ada"}}}, "Title": {Sent: []ledger.Sending{{Value: "Head"}}}},
		}},
		"unknown, new": {op: plan.Upsert, outcome: send.Unknown{Err: io.ErrUnexpectedEOF}, retried: true, want: ledger.Link{
			Written: map[string]ledger.Written{"Monday_Item_Id__c": {Unsure: true}, "Email": {Unsure: true}},
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			id := contactID
			before := link("contact", id, map[string]any{"FirstName": "x", "LastName": "x"})
			if tt.op == plan.Upsert {
				before, id = link("contact", "", nil), ""
			}
			b := newBundle(newItem(nil, before), Event{ColumnID: "status"})
			rec := b.work.board.Named("contact")
			w := write{planned: planned{b.work, plan.Plan{Record: rec, Write: &plan.Write{Op: tt.op, ID: id, Fields: maps.Clone(fields), Empty: []string{"Email"}}}}}
			again := b.record(t.Context(), []write{w}, []send.Outcome{tt.outcome})
			tt.want.ItemID, tt.want.Record, tt.want.Object = 7, "contact", "Contact"
			if diff := cmp.Diff(&tt.want, b.work.item.Links["contact"], emptyIsNil); diff != "" {
				t.Errorf("link (-want +got):\n%s", diff)
			}
			if (len(again) > 0) != tt.planned || (b.work.err != nil) != tt.retried || errorText(b.work.tasks[0].err) != tt.failed {
				t.Errorf("planned again %v, item's error %v, event's error %v", len(again) > 0, b.work.err, b.work.tasks[0].err)
			}
		})
	}
}

var errLocked = errors.New("locked")

// emptyIsNil treats an empty map and a nil map as equal.
var emptyIsNil = cmp.FilterValues(func(a, b map[string]ledger.Rejection) bool { return len(a) == 0 && len(b) == 0 }, cmp.Ignore())

func written(pairs ...any) map[string]ledger.Written {
	all := map[string]ledger.Written{}
	for n := 0; n < len(pairs); n += 2 {
		all[pairs[n].(string)] = ledger.Written{Value: pairs[n+1]}
	}
	return all
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestBlame checks which events fail because of a rejected field: those that carried its current value, else the first
// that counts.
func TestBlame(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events  []Event
		stale   int // position of an event that is older than what is known; -1: none
		deleted bool
		field   string
		want    []bool
	}{
		"the carrier":            {events: []Event{{Kind: Renamed}, {ColumnID: "status"}, {ColumnID: "email"}}, stale: -1, field: "Title", want: []bool{false, true, false}},
		"both carriers":          {events: []Event{{ColumnID: "status"}, {Kind: Renamed}, {ColumnID: "status"}}, stale: -1, field: "Title", want: []bool{true, false, true}},
		"not the stale one":      {events: []Event{{ColumnID: "status"}, {ColumnID: "status"}}, stale: 0, field: "Title", want: []bool{false, true}},
		"name, by create":        {events: []Event{{ColumnID: "status"}, {Kind: Created}}, stale: -1, field: "LastName", want: []bool{false, true}},
		"none carried it":        {events: []Event{{ColumnID: "email"}, {Kind: Renamed}}, stale: -1, field: "Title", want: []bool{true, false}},
		"none carried it, stale": {events: []Event{{ColumnID: "email"}, {Kind: Renamed}}, stale: 0, field: "Title", want: []bool{false, true}},
		"the delete, of a whole": {events: []Event{{ColumnID: "email"}, {Kind: Deleted}}, stale: -1, deleted: true, want: []bool{false, true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBundle(newItem(nil), tt.events...)
			for n, task := range b.work.tasks {
				task.stale = n == tt.stale
			}
			if tt.deleted {
				b.work.item.DeletedAt = noon
			}
			d := planned{b.work, plan.Plan{Record: b.work.board.Named("contact")}}
			b.reject(d, tt.field, ledger.Rejection{Value: "x"}, d.columns([]string{tt.field}), &RejectedError{Code: "X"})
			var got []bool
			for _, task := range b.work.tasks {
				got = append(got, task.err != nil)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("failed events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBySize(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var conditions []string
		for range rapid.IntRange(0, 40).Draw(t, "conditions") {
			conditions = append(conditions, strings.Repeat("'", rapid.IntRange(1, 3000).Draw(t, "length")))
		}
		n := 0
		for _, set := range bySize(conditions) {
			for _, at := range set {
				if at != n {
					t.Fatalf("condition %d comes where %d should", at, n)
				}
				n++
			}
			if size := len(url.QueryEscape(strings.Join(pick(conditions, set), " OR "))); size > querySize && len(set) > 1 {
				t.Fatalf("a query of %d bytes", size)
			}
		}
		if n != len(conditions) {
			t.Fatalf("%d of %d conditions are asked for", n, len(conditions))
		}
	})
}
