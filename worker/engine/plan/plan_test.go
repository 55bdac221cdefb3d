package plan

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

const (
	key       = "Monday_Item_Id__c"
	contactID = "003000000000001AAA"
	otherID   = "003000000000002AAA"
	accountID = "001000000000001AAA"
)

var noon = time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)

// people is a board with a shared and an own record, which links to another board's.
var people = sync.OnceValue(func() *mapping.Board {
	m, err := mapping.Parse("test.yaml", []byte(`
version: 1
boards:
  companies:
    board: 1001
    records:
      account:
        object: Account
        fields: { Name: name }
  people:
    board: 1002
    records:
      account:
        object: Account
        shared: true
        match: [Name]
        fields: { Name: company, Phone: phone }
      contact:
        object: Contact
        id_column: text_sfid
        match: [Email]
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Title: { from: status, labels: { Boss: Head, Clerk: Staff } }
          AccountId: { from: connect_account, link: companies.account }
          Birthdate: { from: day, default: +1d }
`))
	if err != nil {
		panic(err)
	}
	return m.Board(1002)
})

func text(s string) column.Value { return column.Value{Type: column.Text, Text: s} }

func status(s string) column.Value { return column.Value{Type: column.Status, Text: s} }

// link is a link to a record that holds fields.
func link(record, id string, written map[string]any) *ledger.Link {
	l := &ledger.Link{ItemID: 7, Record: record, SalesforceID: id}
	for field, value := range written {
		l.Agree(field, value)
	}
	return l
}

// rejecting adds rejections to a link.
func rejecting(l *ledger.Link, rejections map[string]ledger.Rejection) *ledger.Link {
	for field, r := range rejections {
		l.Reject(field, r)
	}
	return l
}

// remapped gives fields of a link another source than the mapping has now.
func remapped(l *ledger.Link, fields ...string) *ledger.Link {
	l.Stamp(people().Named(l.Record).Made())
	for _, field := range fields {
		l.Outdate(field)
	}
	return l
}

func item(columns map[string]column.Value, links ...*ledger.Link) Item {
	it := Item{View: mapping.Item{ID: 7, Name: "Ada King", Columns: columns}, Links: map[string]*ledger.Link{}, Shown: map[string]string{}}
	for _, l := range links {
		it.Links[l.Record] = l
	}
	if id := columns["text_sfid"].Text; len(id) == 18 {
		it.Shown["contact"] = id
	}
	return it
}

// sameRecord compares records by name.
var sameRecord = cmp.Comparer(func(a, b *mapping.Record) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Name == b.Name
})

type fields = map[string]any

func TestMake(t *testing.T) {
	t.Parallel()
	base := fields{key: "7", "FirstName": "Ada", "LastName": "King", "Birthdate": "2026-09-24"}
	there := fields{key: "7", "FirstName": "Ada", "LastName": "King"} // of an existing record, to which no default is sent
	with := func(more fields) fields {
		all := maps.Clone(base)
		maps.Copy(all, more)
		return all
	}
	begun := func(l *ledger.Link) *ledger.Link { // its relative default has begun
		l.Apply("Birthdate", "2026-09-23")
		return l
	}
	synced := func(more fields) *ledger.Link { return begun(link("contact", contactID, with(more))) }
	first := map[string]string{"Birthdate": "2026-09-23"}
	created := fields{"FirstName": "Ada", "LastName": "King", "Birthdate": "2026-09-24"}
	email := map[string]column.Value{"email": {Type: column.Email, Text: "a@b"}}
	shown := map[string]column.Value{"text_sfid": text(contactID)}
	ghost := `UNMAPPED_LABEL: field Title: column status has the label "Ghost", which is not mapped`
	tests := map[string]struct {
		record string
		item   Item
		adopt  string
		refs   References
		touch  string // a column that an event carried
		fresh  bool
		want   Plan
	}{
		"new": {record: "contact", item: item(email), want: Plan{
			Write: &Write{Op: Upsert, Fields: fields{"Birthdate": "2026-09-24", "Email": "a@b", "FirstName": "Ada", "LastName": "King"}, Empty: []string{"Title", "AccountId"}},
			Match: "Contact\x1fEmail=a@b", Since: first,
		}},
		"as written":                         {record: "contact", item: item(nil, synced(nil))},
		"changed":                            {record: "contact", item: item(map[string]column.Value{"status": status("Boss")}, synced(fields{"Title": "Staff"})), want: Plan{Write: &Write{ID: contactID, Fields: fields{"Title": "Head"}}}},
		"emptied":                            {record: "contact", item: item(nil, synced(fields{"Title": "Staff"})), want: Plan{Write: &Write{ID: contactID, Fields: fields{"Title": nil}}}},
		"never had":                          {record: "contact", item: item(nil, begun(link("contact", contactID, nil))), want: Plan{Write: &Write{ID: contactID, Fields: there}}},
		"never had, but emptied by an event": {record: "contact", item: item(nil, synced(nil)), touch: "status", want: Plan{Write: &Write{ID: contactID, Fields: fields{"Title": nil}}}},
		"remapped, the same value": {record: "contact", item: item(map[string]column.Value{"status": status("Boss")}, remapped(synced(fields{"Title": "Head"}), "Title")),
			want: Plan{Agrees: fields{"Title": "Head"}}},
		"remapped, another value": {record: "contact", item: item(map[string]column.Value{"status": status("Boss")}, remapped(synced(fields{"Title": "Staff"}), "Title")),
			want: Plan{Write: &Write{ID: contactID, Fields: fields{"Title": "Head"}}}},
		"remapped, empty":           {record: "contact", item: item(nil, remapped(synced(fields{"Title": "Staff"}), "Title"))},
		"remapped, default":         {record: "contact", item: item(nil, remapped(synced(fields{"Birthdate": "1815-12-10"}), "Birthdate"))},
		"remapped, emptied by hand": {record: "contact", item: item(nil, remapped(synced(fields{"Title": "Staff"}), "Title")), touch: "status", want: Plan{Write: &Write{ID: contactID, Fields: fields{"Title": nil}}}},
		"key of another":            {record: "contact", item: item(nil, synced(fields{key: "8"})), want: Plan{Write: &Write{ID: contactID, Fields: fields{key: "7"}}}},
		"forced":                    {record: "contact", item: item(nil, synced(nil)), fresh: true, want: Plan{Write: &Write{ID: contactID, Fields: created}}},
		"closed":                    {record: "contact", item: item(email, &ledger.Link{Record: "contact", Closed: ledger.Merged})},
		"unmapped label": {record: "contact", item: item(map[string]column.Value{"status": status("Ghost")}, synced(nil)), want: Plan{
			Rejected: []Rejection{{Field: "Title", Value: ghost, Code: mapping.UnmappedLabel, Detail: ghost, Columns: []string{"status"}}},
		}},
		"unmapped label, rejected before": {record: "contact",
			item: item(map[string]column.Value{"status": status("Ghost")}, rejecting(synced(nil), map[string]ledger.Rejection{"Title": {Value: ghost}})),
			want: Plan{Repeated: []string{"Title"}}},
		"found": {record: "contact", item: item(email), adopt: otherID, want: Plan{
			Write: &Write{ID: otherID, Fields: fields{key: "7", "FirstName": "Ada", "LastName": "King", "Email": "a@b"}}, Adopts: otherID,
		}},
		"shown Id": {record: "contact", item: item(shown), want: Plan{Write: &Write{ID: contactID, Fields: there}, Adopts: contactID}},
		"shown Id of another item": {record: "contact", item: item(shown), refs: References{Shown: map[string]Shown{contactID: {Item: 8}}}, want: Plan{
			Write: &Write{Op: Upsert, Fields: created, Empty: []string{"Email", "Title", "AccountId"}}, Since: first,
			Notes: []string{"the Id that the item shows belongs to another item"},
		}},
		"shown Id, ended": {record: "contact", item: item(shown, &ledger.Link{Record: "contact", EndedIDs: []string{contactID}}), want: Plan{
			Write: &Write{Op: Upsert, Fields: created, Empty: []string{"Email", "Title", "AccountId"}}, Since: first,
		}},
		"shown Id, busy":  {record: "contact", item: item(shown), refs: References{Shown: map[string]Shown{contactID: {Busy: true}}}, want: Plan{Busy: "the record that the item shows"}},
		"shown Id, wrong": {record: "contact", item: item(shown), refs: References{Shown: map[string]Shown{contactID: {Fault: "WRONG_OBJECT"}}}, want: Plan{Rejected: []Rejection{{Field: ShownID, Value: contactID, Code: "WRONG_OBJECT", Detail: "shown in column text_sfid", Columns: []string{"text_sfid"}}}}},
		"shown Id, wrong, rejected before": {record: "contact",
			item: item(shown, rejecting(&ledger.Link{Record: "contact"}, map[string]ledger.Rejection{ShownID: {Value: contactID}})),
			refs: References{Shown: map[string]Shown{contactID: {Fault: "WRONG_OBJECT"}}}, want: Plan{Repeated: []string{ShownID}}},
		"reference": {record: "contact", item: item(map[string]column.Value{"connect_account": {Type: column.BoardRelation, IDs: []int64{1}}}, synced(nil)),
			refs: References{Linked: map[ledger.RecordRef]string{{ItemID: 1, Record: "account"}: accountID}}, want: Plan{Write: &Write{ID: contactID, Fields: fields{"AccountId": accountID}}}},
		"reference to a missing record": {record: "contact", item: item(map[string]column.Value{"connect_account": {Type: column.BoardRelation, IDs: []int64{1}}}, synced(nil)),
			want: Plan{Waits: []ledger.RecordRef{{ItemID: 1, Record: "account"}}}},
		"rejected": {record: "contact", item: item(email, rejecting(synced(nil), map[string]ledger.Rejection{"Email": {Value: "a@b"}})), want: Plan{Repeated: []string{"Email"}}},
		"rejected because of others": {record: "contact", item: item(email, rejecting(synced(nil), map[string]ledger.Rejection{"Email": {Value: "a@b", Dependent: true}})),
			want: Plan{Repeated: []string{"Email"}}},
		"rejected because of others, one of which changed": {record: "contact",
			item: item(map[string]column.Value{"email": {Type: column.Email, Text: "a@b"}, "status": status("Boss")}, rejecting(synced(nil), map[string]ledger.Rejection{"Email": {Value: "a@b", Dependent: true}})),
			want: Plan{Write: &Write{ID: contactID, Fields: fields{"Email": "a@b", "Title": "Head"}}}},
		"rejected as a whole": {record: "contact", item: item(nil, rejecting(begun(&ledger.Link{Record: "contact"}), map[string]ledger.Rejection{WholeRecord: {Value: Digest(created)}})),
			want: Plan{Repeated: []string{WholeRecord}}},
		"match value rejected": {record: "contact", item: item(email, rejecting(begun(&ledger.Link{Record: "contact"}), map[string]ledger.Rejection{"Email": {Value: "a@b"}})), want: Plan{
			Write: &Write{Op: Upsert, Fields: created, Empty: []string{"Title", "AccountId"}}, Repeated: []string{"Email"},
		}},
		"in doubt": {record: "contact", item: item(nil, func() *ledger.Link { l := synced(nil); l.Doubt("LastName"); return l }()), want: Plan{Write: &Write{ID: contactID, Fields: fields{"LastName": "King"}}}},
		"shared": {record: "account", item: item(map[string]column.Value{"company": text("Acme")}), want: Plan{
			Write: &Write{Op: Create, Fields: fields{"Name": "Acme"}, Empty: []string{"Phone"}}, Match: "Account\x1fName=acme",
		}},
		"shared, as written": {record: "account", item: item(map[string]column.Value{"company": text(" ACME")}, link("account", accountID, fields{"Name": "Acme"}))},
		"shared, changed": {record: "account", item: item(map[string]column.Value{"company": text("Better")}, link("account", accountID, fields{"Name": "Acme"})), want: Plan{
			Write: &Write{Op: Create, Fields: fields{"Name": "Better"}, Empty: []string{"Phone"}}, Match: "Account\x1fName=better",
		}},
		"shared, empty":  {record: "account", item: item(map[string]column.Value{"company": text(" ")})},
		"shared, forced": {record: "account", item: item(map[string]column.Value{"company": text("Acme")}, link("account", accountID, fields{"Name": "Acme"})), fresh: true},
		"shared, rejected": {record: "account", item: item(map[string]column.Value{"company": text("Acme")}, rejecting(&ledger.Link{Record: "account"}, map[string]ledger.Rejection{"Name": {Value: "Acme"}})),
			want: Plan{Repeated: []string{"Name"}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.item.Fresh = tt.fresh
			tt.item.Touched = map[string]bool{tt.touch: true}
			rec := people().Named(tt.record)
			tt.want.Record = rec
			before := describe(tt.item)
			got := Make(rec, tt.item, tt.adopt, &tt.refs, key, noon)
			if diff := cmp.Diff(tt.want, got, sameRecord); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, describe(tt.item)); diff != "" {
				t.Errorf("making the plan changed the item (-before +after):\n%s", diff)
			}
		})
	}
}

// describe returns a deep copy of the input of a plan.
func describe(it Item) map[string]ledger.Link {
	links := map[string]ledger.Link{}
	for name, l := range it.Links {
		c := *l
		c.Written, c.Rejected, c.Since = maps.Clone(l.Written), maps.Clone(l.Rejected), maps.Clone(l.Since)
		c.EndedIDs = slices.Clone(l.EndedIDs)
		links[name] = c
	}
	return links
}

func TestKeyOf(t *testing.T) {
	t.Parallel()
	rec := &mapping.Record{Object: "Contact", Match: []string{"Email", "LastName"}}
	tests := map[string]struct {
		a, b fields
		same bool
	}{
		"case":             {fields{"Email": "A@B.example"}, fields{"Email": "a@b.example"}, true},
		"white space":      {fields{"Email": " a@b\t"}, fields{"Email": "a@b"}, true},
		"inner space":      {fields{"LastName": "a b"}, fields{"LastName": "ab"}, false},
		"empty and null":   {fields{"Email": "a", "LastName": ""}, fields{"Email": "a", "LastName": nil}, true},
		"only blank":       {fields{"Email": "a", "LastName": " "}, fields{"Email": "a"}, true},
		"another field":    {fields{"Email": "a"}, fields{"LastName": "a"}, false},
		"one more field":   {fields{"Email": "a"}, fields{"Email": "a", "LastName": "b"}, false},
		"number and text":  {fields{"Email": 5.0}, fields{"Email": "5"}, true},
		"not of the match": {fields{"Email": "a", "Title": "x"}, fields{"Email": "a"}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := KeyOf(rec, tt.a), KeyOf(rec, tt.b)
			if (a == b) != tt.same || a == "" || b == "" {
				t.Errorf("keys %q and %q, want them the same: %v", a, b, tt.same)
			}
		})
	}
	if got := KeyOf(rec, fields{"Email": " ", "LastName": nil}); got != "" {
		t.Errorf("key of nothing: %q", got)
	}
	if lease := ledger.MatchLease(KeyOf(rec, fields{"Email": "ada@example.org"})); strings.Contains(lease, "example") {
		t.Errorf("the lease shows the value: %s", lease)
	}
}

func TestStaleLabels(t *testing.T) {
	t.Parallel()
	ghost := map[string]column.Value{"status": status("Ghost")}
	told := ledger.Rejection{Value: `UNMAPPED_LABEL: field Title: column status has the label "Ghost", which is not mapped`}
	tests := map[string]struct {
		item Item
		want []string
	}{
		"mapped":                    {item: item(map[string]column.Value{"status": status("Boss")}, link("contact", contactID, nil))},
		"not mapped":                {item: item(ghost, link("contact", contactID, nil)), want: []string{"status"}},
		"not mapped, from an event": {item: item(ghost, rejecting(link("contact", contactID, nil), map[string]ledger.Rejection{"Title": told}))},
		"not mapped, no record":     {item: item(ghost)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, StaleLabels(people(), tt.item, noon)); diff != "" {
				t.Errorf("columns (-want +got):\n%s", diff)
			}
		})
	}
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

// TestMakeIsPure creates a plan twice: both are the same, and the input has not changed.
func TestMakeIsPure(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		it := item(drawColumns(t), link("contact", rapid.SampledFrom([]string{"", contactID}).Draw(t, "linked"), fields{"LastName": "King", "Title": "Staff"}))
		it.Fresh = rapid.Bool().Draw(t, "fresh")
		refs := References{Linked: map[ledger.RecordRef]string{{ItemID: 1, Record: "account"}: accountID}, Shown: map[string]Shown{}}
		for _, rec := range people().Records {
			before := describe(it)
			first := Make(rec, it, "", &refs, key, noon)
			if diff := cmp.Diff(first, Make(rec, it, "", &refs, key, noon), sameRecord); diff != "" {
				t.Fatalf("second plan of %s (-first +second):\n%s", rec.Name, diff)
			}
			if diff := cmp.Diff(before, describe(it)); diff != "" {
				t.Fatalf("planning %s changed the item:\n%s", rec.Name, diff)
			}
		}
	})
}
