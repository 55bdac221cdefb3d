package engine

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

const contactID, accountID = "003000000000001AAA", "001000000000001AAA"

// planned is a work whose item has the columns and links, and the records of its board by name.
func planned(columns map[string]column.Value, links ...*ledger.Link) (*work, map[string]*mapping.Record) {
	w := &work{board: testBoard(), item: &ledger.Item{ID: 7, BoardID: people, Name: "Ada King", Known: true, Links: map[string]*ledger.Link{}}}
	w.item.Columns = map[string]ledger.Column{}
	for id, v := range columns {
		w.item.Columns[id] = ledger.Column{Value: v, At: 1}
	}
	for _, link := range links {
		w.item.Links[link.Record] = link
	}
	w.tasks = []*task{{Event: Event{JobID: 1, Kind: Created, ItemID: 7, BoardID: people}}}
	w.look()
	records := map[string]*mapping.Record{}
	for _, rec := range w.board.Records {
		records[rec.Name] = rec
	}
	return w, records
}

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

func TestPlan(t *testing.T) {
	t.Parallel()
	base := map[string]any{"Monday_Item_Id__c": "7", "FirstName": "Ada", "LastName": "King", "Birthdate": "2026-09-24"}
	wrote := func(more map[string]any) map[string]any {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	tests := map[string]struct {
		record  string
		columns map[string]column.Value
		links   []*ledger.Link
		touched string // a column that an event told
		fresh   bool
		owners  map[string]int64
		busy    bool // nothing can be leased
		want    string
		err     bool
	}{
		"new":                      {record: "contact", columns: map[string]column.Value{"email": text("a@b")}, want: `upsert {"Birthdate":"2026-09-24","Email":"a@b","FirstName":"Ada","LastName":"King"} empty [Title AccountId] match`},
		"as written":               {record: "contact", links: []*ledger.Link{link("contact", contactID, base)}},
		"changed":                  {record: "contact", columns: map[string]column.Value{"status": status("Boss")}, links: []*ledger.Link{link("contact", contactID, wrote(map[string]any{"Title": "Staff"}))}, want: `update {"Title":"Head"}`},
		"emptied":                  {record: "contact", links: []*ledger.Link{link("contact", contactID, wrote(map[string]any{"Title": "Staff"}))}, want: `update {"Title":null}`},
		"never had":                {record: "contact", links: []*ledger.Link{link("contact", contactID, map[string]any{})}, want: `update {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King","Monday_Item_Id__c":"7"}`},
		"never had, but told":      {record: "contact", links: []*ledger.Link{link("contact", contactID, base)}, touched: "status", want: `update {"Title":null}`},
		"key of another":           {record: "contact", links: []*ledger.Link{link("contact", contactID, wrote(map[string]any{"Monday_Item_Id__c": "8"}))}, want: `update {"Monday_Item_Id__c":"7"}`},
		"forced":                   {record: "contact", links: []*ledger.Link{link("contact", contactID, base)}, fresh: true, want: `update {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King"}`},
		"unmapped label":           {record: "contact", columns: map[string]column.Value{"status": status("Ghost")}, links: []*ledger.Link{link("contact", contactID, base)}, err: true},
		"shown Id":                 {record: "contact", columns: map[string]column.Value{"text_sfid": text(contactID)}, want: `update {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King","Monday_Item_Id__c":"7"}`},
		"shown Id of 15":           {record: "contact", columns: map[string]column.Value{"text_sfid": text(contactID[:15])}, want: `update {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King","Monday_Item_Id__c":"7"}`},
		"shown Id of another item": {record: "contact", columns: map[string]column.Value{"text_sfid": text(contactID)}, owners: map[string]int64{contactID: 8}, want: `upsert {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King"} empty [Email Title AccountId]`},
		"shown Id, ended":          {record: "contact", columns: map[string]column.Value{"text_sfid": text(contactID)}, links: []*ledger.Link{{ItemID: 7, Record: "contact", EndedIDs: []string{contactID}}}, want: `upsert {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King"} empty [Email Title AccountId]`},
		"shown Id, busy":           {record: "contact", columns: map[string]column.Value{"text_sfid": text(contactID)}, busy: true},
		"shared":                   {record: "account", columns: map[string]column.Value{"company": text("Acme")}, want: `create {"Name":"Acme"} empty [Phone] match`},
		"shared, as written":       {record: "account", columns: map[string]column.Value{"company": text(" ACME")}, links: []*ledger.Link{link("account", accountID, map[string]any{"Name": "Acme"})}},
		"shared, changed":          {record: "account", columns: map[string]column.Value{"company": text("Better")}, links: []*ledger.Link{link("account", accountID, map[string]any{"Name": "Acme"})}, want: `create {"Name":"Better"} empty [Phone] match`},
		"shared, empty":            {record: "account", columns: map[string]column.Value{"company": text(" ")}},
		"shared, forced":           {record: "account", columns: map[string]column.Value{"company": text("Acme")}, links: []*ledger.Link{link("account", accountID, map[string]any{"Name": "Acme"})}, fresh: true},
		"shared, refused": {record: "account", columns: map[string]column.Value{"company": text("Acme")},
			links: []*ledger.Link{{ItemID: 7, Record: "account", Rejected: map[string]ledger.Rejection{"Name": {Value: "Acme", Code: "X", JobID: 1}}}}, err: true},
		"refused, match": {record: "contact", columns: map[string]column.Value{"email": text("a@b")},
			links: []*ledger.Link{{ItemID: 7, Record: "contact", Rejected: map[string]ledger.Rejection{"Email": {Value: "a@b", Code: "X", JobID: 1}}}},
			want:  `upsert {"Birthdate":"2026-09-24","FirstName":"Ada","LastName":"King"} empty [Title AccountId]`, err: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, records := planned(tt.columns, tt.links...)
			w.fresh = tt.fresh
			if tt.touched != "" {
				w.touch(tt.touched)
			}
			refs := &references{works: map[int64]*work{7: w}, owners: tt.owners, leased: func(string) bool { return !tt.busy }}
			got := describe(w.plan(records[tt.record], "Monday_Item_Id__c", refs, noon))
			if got != tt.want || (w.tasks[0].err != nil) != tt.err || (w.err != nil) != tt.busy {
				t.Errorf("planned %s\nwant    %s\nerrors %v, %v", got, tt.want, w.tasks[0].err, w.err)
			}
		})
	}
}

func describe(r *row) string {
	if r == nil {
		return ""
	}
	fields, _ := json.Marshal(r.fields)
	text := []string{"update", "upsert", "create", "delete"}[r.op] + " " + string(fields)
	if len(r.empty) > 0 {
		text += fmt.Sprintf(" empty %v", r.empty)
	}
	if r.match != "" {
		text += " match"
	}
	return text
}

// TestEmptied says what is emptied on a record that an upsert came upon.
func TestEmptied(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		touched string // a column that an event told
		want    string
	}{
		"its match":             {"", `update {"Email":null}`},
		"and what an event did": {"connect_account", `update {"AccountId":null,"Email":null}`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, records := planned(nil)
			w.touch(tt.touched)
			r := &row{work: w, record: records["contact"], link: link("contact", contactID, nil), empty: []string{"Email", "Title", "AccountId"}}
			if got := describe(r.emptied()[0]); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestPlanAfterApplying brings an item through changes: each plan is applied, and then nothing is left to do, be it in the
// same batch or after Postgres kept it.
func TestPlanAfterApplying(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		item := &ledger.Item{ID: 7, BoardID: people, Links: map[string]*ledger.Link{}, Columns: map[string]ledger.Column{}}
		for range rapid.IntRange(1, 5).Draw(t, "batches") {
			change := drawColumns(t)
			item.Name = rapid.SampledFrom([]string{"", "Ada", "Ada King", "Ada Byron King"}).Draw(t, "name")
			w := &work{board: testBoard(), item: item, fresh: rapid.Bool().Draw(t, "fresh")}
			w.tasks = []*task{{Event: Event{JobID: 1}}}
			for id, v := range change {
				w.set(id, ledger.Column{Value: v, At: 1})
				w.touch(id)
			}
			w.look()
			found := rapid.Bool().Draw(t, "found")
			p := applied(w)
			for _, rec := range w.board.Records {
				applyAll(p, w.plan(rec, "Monday_Item_Id__c", &p.refs, noon), found)
			}
			for _, rec := range w.board.Records {
				if r := w.plan(rec, "Monday_Item_Id__c", &p.refs, noon); r != nil && !w.fresh {
					t.Fatalf("after %v of %s in the same batch, planned %s", change, rec.Name, describe(r))
				}
			}
			item = again(t, item)
			w = &work{board: testBoard(), item: item, tasks: w.tasks}
			w.look()
			for _, rec := range w.board.Records {
				if r := w.plan(rec, "Monday_Item_Id__c", &p.refs, noon.AddDate(0, 0, 3)); r != nil {
					t.Fatalf("after %v of %s, planned %s", change, rec.Name, describe(r))
				}
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

// applied is a pass that has found what the item refers to.
func applied(w *work) *pass {
	p := &pass{Engine: &Engine{Config: Config{Mapping: &mapping.Mapping{Key: "Monday_Item_Id__c"}, Now: time.Now}}}
	p.refs = references{
		works: map[int64]*work{7: w}, linked: map[ledger.RecordRef]string{{ItemID: 1, Record: "account"}: accountID},
		leased: func(string) bool { return true },
	}
	return p
}

// applyAll takes a row as Salesforce's yes to it, and those that follow from it.
func applyAll(p *pass, r *row, found bool) {
	for rows := []*row{r}; len(rows) > 0 && rows[0] != nil; rows = rows[1:] {
		r := rows[0]
		id := r.link.SalesforceID
		if id == "" {
			id = map[string]string{"Contact": contactID, "Account": "001000000000002AAA"}[r.record.Object]
		}
		rows = append(rows, p.settle(r, sfclient.Result{ID: id, Success: true, Created: r.op == opCreate || r.op == opUpsert && !found})...)
	}
}

// again is the item as it comes back from Postgres.
func again(t *rapid.T, item *ledger.Item) *ledger.Item {
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
