package settle

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// importing is a mapping whose contacts become items, with a link, labels, name parts, and a column that only the import
// fills.
const importing = `
version: 1
boards:
  contacts:
    board: 1002
    migrate: { record: contact, columns: { note: Description } }
    records:
      contact:
        object: Contact
        id_column: sfid
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Title: { from: status, labels: { Boss: Head, Clerk: Staff } }
          AccountId: { from: connect, link: accounts.account }
          Fax: { from: fax, sync: to_monday }
  accounts: { board: 1001, records: { account: { object: Account, id_column: sfid, fields: { Name: name } } } }
`

const firstAccount, secondAccount = "001000000000001AAA", "001000000000002AAA"

// inputOf is an input about an item and its record during an import. The base is by the names under which a link stores
// it.
func inputOf(t *testing.T, base map[string]any, name string, shown map[string]column.Value, holds map[string]any) Input {
	t.Helper()
	m, err := mapping.Parse("test.yaml", []byte(importing))
	if err != nil {
		t.Fatal(err)
	}
	g, account := m.Boards[0].Migration, m.Boards[1].Records[0]
	link := &ledger.Link{SalesforceID: "003000000000001AAA"}
	for field, value := range base {
		link.Agree(field, value)
	}
	columns := map[string]column.Value{
		"email": {Type: column.Email}, "status": {Type: column.Status}, "connect": {Type: column.BoardRelation},
		"note": {Type: column.LongText}, "fax": {Type: column.Text},
	}
	for id, v := range shown {
		v.Type = columns[id].Type
		columns[id] = v
	}
	return Input{
		Record: g.Record, Item: mapping.Item{ID: 70, Name: name, Columns: columns}, Link: link, Holds: holds, Imports: g.Targets,
		Items:  map[*mapping.Record]map[string]int64{account: {firstAccount: 7}},
		Linked: map[ledger.RecordRef]string{{ItemID: 7, Record: "account"}: firstAccount}, Now: today,
	}
}

// TestImport covers fields that otherwise go only to Salesforce, and those that only an import reads: the column takes
// what changed only in Salesforce, what changed in Monday stays, and nothing is sent.
func TestImport(t *testing.T) {
	t.Parallel()
	text := func(s string) column.Value { return column.Value{Text: s} }
	tests := map[string]struct {
		base  map[string]any
		name  string // of the item
		shown map[string]column.Value
		holds map[string]any
		want  plan.Kind
		takes bool
		moved bool // in Salesforce
	}{
		"as agreed":             {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("a@x.org")}, holds: map[string]any{"Email": "a@x.org"}},
		"not read":              {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("a@x.org")}},
		"in Salesforce":         {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("a@x.org")}, holds: map[string]any{"Email": "b@x.org"}, want: plan.SalesforceChanged, takes: true, moved: true},
		"emptied in Salesforce": {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("a@x.org")}, holds: map[string]any{"Email": nil}, want: plan.SalesforceChanged, takes: true, moved: true},
		"in Monday":             {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("b@x.org")}, holds: map[string]any{"Email": "a@x.org"}, want: plan.MondayChanged},
		"on both sides":         {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("b@x.org")}, holds: map[string]any{"Email": "c@x.org"}, want: plan.BothChanged, moved: true},
		"to the same":           {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("b@x.org")}, holds: map[string]any{"Email": "b@x.org"}, moved: true},
		"case of an address":    {base: map[string]any{"Email": "a@x.org"}, shown: map[string]column.Value{"email": text("A@x.org")}, holds: map[string]any{"Email": "a@x.org"}},

		"no base, empty item":  {holds: map[string]any{"Email": "a@x.org"}, want: plan.SalesforceChanged, takes: true, moved: true},
		"no base, filled item": {shown: map[string]column.Value{"email": text("b@x.org")}, holds: map[string]any{"Email": "a@x.org"}, want: plan.FirstMeeting, moved: true},
		"no base, no value":    {shown: map[string]column.Value{"email": text("b@x.org")}, holds: map[string]any{"Email": nil}, want: plan.Missing, moved: true},
		"no base, equal":       {shown: map[string]column.Value{"email": text("a@x.org")}, holds: map[string]any{"Email": "a@x.org"}, moved: true},
		"no base, both empty":  {holds: map[string]any{"Email": nil}, moved: true},
		"agreed that empty":    {base: map[string]any{"Email": nil}, holds: map[string]any{"Email": "a@x.org"}, want: plan.SalesforceChanged, takes: true, moved: true},

		"name, spaces only":   {base: map[string]any{"@name": "Ada King"}, name: "Ada  King", holds: map[string]any{"Name": "Ada King"}},
		"name":                {base: map[string]any{"@name": "Ada King"}, name: "Ada King", holds: map[string]any{"Name": "Ada Byron"}, want: plan.SalesforceChanged, takes: true, moved: true},
		"name on both sides":  {base: map[string]any{"@name": "Ada King"}, name: "Ada Queen", holds: map[string]any{"Name": "Ada Byron"}, want: plan.BothChanged, moved: true},
		"last name in Monday": {base: map[string]any{"@name": "Ada King", "LastName": "Byron"}, name: "Ada King", holds: map[string]any{"Name": "Ada Queen"}, want: plan.BothChanged, moved: true},
		"column of its own":   {base: map[string]any{"@note": "x"}, shown: map[string]column.Value{"note": text("x")}, holds: map[string]any{"Description": "y"}, want: plan.SalesforceChanged, takes: true, moved: true},
		"its own, on both":    {base: map[string]any{"@note": "x"}, shown: map[string]column.Value{"note": text("z")}, holds: map[string]any{"Description": "y"}, want: plan.BothChanged, moved: true},

		"label":               {base: map[string]any{"Title": "Staff"}, shown: map[string]column.Value{"status": text("Clerk")}, holds: map[string]any{"Title": "Head"}, want: plan.SalesforceChanged, takes: true, moved: true},
		"label without value": {base: map[string]any{"Title": "Head"}, shown: map[string]column.Value{"status": text("Intern")}, holds: map[string]any{"Title": "Staff"}, want: plan.BothChanged, moved: true},
		"value without label": {base: map[string]any{"Title": "Head"}, shown: map[string]column.Value{"status": text("Boss")}, holds: map[string]any{"Title": "Queen"}, want: plan.CannotBeShown},

		"connected as agreed": {base: map[string]any{"AccountId": firstAccount}, shown: map[string]column.Value{"connect": {IDs: []int64{7}}}, holds: map[string]any{"AccountId": firstAccount}},
		"disconnected":        {base: map[string]any{"AccountId": firstAccount}, shown: map[string]column.Value{"connect": {IDs: []int64{7}}}, holds: map[string]any{"AccountId": nil}, want: plan.SalesforceChanged, takes: true, moved: true},
		"connected":           {base: map[string]any{"AccountId": nil}, holds: map[string]any{"AccountId": firstAccount}, want: plan.SalesforceChanged, takes: true, moved: true},
		"to one without item": {base: map[string]any{"AccountId": nil}, holds: map[string]any{"AccountId": secondAccount}, want: plan.CannotBeShown},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := inputOf(t, tt.base, tt.name, tt.shown, tt.holds)
			var got Decision
			for _, d := range Columns(in) {
				if d.Kind != "" && got.Kind != "" {
					t.Errorf("both %s and %s differ", got.Field.Name, d.Field.Name)
				}
				if d.Kind != "" {
					got = d
				}
				if d.Sends || d.Lost != nil {
					t.Errorf("%s is sent or lost: %+v", d.Field.Name, d)
				}
			}
			if got.Kind != tt.want || got.Takes != tt.takes {
				t.Errorf("difference %q, takes %t, want %q, %t", got.Kind, got.Takes, tt.want, tt.takes)
			}
			if moved := SalesforceMoved(in); moved != tt.moved {
				t.Errorf("SalesforceMoved() = %t, want %t", moved, tt.moved)
			}
		})
	}
}

// TestImportRecords: once a column has taken a value, nothing is left to decide, and the fields that are read from the
// column count as written.
func TestImportRecords(t *testing.T) {
	t.Parallel()
	in := inputOf(t, map[string]any{"@name": "Ada King", "FirstName": "Ada", "LastName": "King"}, "Ada King", nil, map[string]any{"Name": "Augusta Byron"})
	in.Link.Reject(Shows+"name", ledger.Rejection{Value: "Augusta Byron"}) // an earlier import's, which this one repeats
	for _, d := range Columns(in) {
		if d.Takes {
			in.Item.Name = d.Value.Text
			d.Record(in.Link, 1, today)
		}
	}
	got := map[string]any{}
	for field, w := range in.Link.Written {
		got[field] = w.Value
	}
	want := map[string]any{"@name": "Augusta Byron", "FirstName": "Augusta", "LastName": "Byron"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("written (-want +got):\n%s", diff)
	}
	if len(in.Link.Held)+len(in.Link.Turns) > 0 {
		t.Errorf("held %v, turns %v: what both sides agreed on is enough", in.Link.Held, in.Link.Turns)
	}
	for _, d := range Columns(in) {
		if d.Kind != "" {
			t.Errorf("left to decide: %+v", d)
		}
	}
}

// TestFills: during an import, too, at most one field fills a column, and a field that goes both ways is decided by its
// own rule.
func TestFills(t *testing.T) {
	t.Parallel()
	in := inputOf(t, map[string]any{"Fax": "1"}, "Ada", map[string]column.Value{"fax": {Text: "1"}}, map[string]any{"Fax": "2"})
	in.Link.Hold("Fax", ledger.Held{Value: "2"})
	filled := map[string]int{}
	for _, f := range Fills(in.Record, in.Imports) {
		filled[f.Column()]++
	}
	want := map[string]int{"name": 1, "email": 1, "status": 1, "connect": 1, "note": 1, "fax": 1}
	if diff := cmp.Diff(want, filled); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if SalesforceMoved(in) {
		t.Error("the record holds what it held at the last comparison, and counts as moved")
	}
	in.Holds["Fax"] = "3"
	if !SalesforceMoved(in) {
		t.Error("the record does not hold what it held at the last comparison, and does not count as moved")
	}
}
