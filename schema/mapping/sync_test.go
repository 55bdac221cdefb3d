package mapping

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
)

// TestNeverTwoWay covers everything that can only go to Salesforce, and examples of what can come back.
func TestNeverTwoWay(t *testing.T) {
	t.Parallel()
	const text = column.Text
	tests := map[string]struct {
		field      string
		shared     bool
		typ        column.Type
		calculated bool
		want       string
	}{
		"column":          {field: "c"},
		"text":            {field: "c", typ: text},
		"as":              {field: "{ from: c, as: email, default: x }", typ: text},
		"phone":           {field: "{ from: c, as: phone }", typ: column.Phone},
		"number":          {field: "c", typ: column.Numbers},
		"datetime":        {field: "{ from: c, as: datetime }", typ: column.Date},
		"labels":          {field: "{ from: c, labels: { x: y }, default: z }", typ: column.Status},
		"link":            {field: "{ from: c, link: b.s }", typ: column.BoardRelation},
		"the item's name": {field: "name", typ: "name"},

		"shared":       {field: "c", shared: true, want: "its record is shared by several items"},
		"value":        {field: "{ value: x }", want: "it is a fixed value"},
		"template":     {field: "{ template: '{c}' }", want: "it is built from a template"},
		"record":       {field: "{ record: s }", want: "it refers to another record of the item"},
		"first name":   {field: "{ from: name, as: first_name }", want: "it is part of a name"},
		"last name":    {field: "{ from: name, as: last_name }", want: "it is part of a name"},
		"user":         {field: "{ from: c, as: user }", want: "it is a person"},
		"country code": {field: "{ from: c, as: country_code }", want: "a code does not determine everything its column holds"},

		"calculated":     {field: "c", typ: text, calculated: true, want: "Salesforce calculates it"},
		"mirror":         {field: "c", typ: "mirror", want: "Monday calculates its column"},
		"formula column": {field: "c", typ: "formula", want: "Monday calculates its column"},
		"country":        {field: "c", typ: column.Country, want: "a Salesforce value does not determine everything a column of type country holds"},
		"other column":   {field: "c", typ: "rating", want: "a Salesforce value does not determine everything a column of type rating holds"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mustParse(t, fmt.Sprintf("version: 1\nboards: { b: { board: 1, records: { r: { object: A, shared: %t, match: [M], fields: { F: %s, M: m } }, s: { object: B, fields: { M: m } } } } }\n",
				tt.shared, tt.field))
			r := m.Boards[0].Named("r")
			if got := NeverTwoWayLive(r, r.Fields[0], tt.typ, tt.calculated); got != tt.want {
				t.Errorf("NeverTwoWayLive() = %q, want %q", got, tt.want)
			}
			if tt.typ == "" {
				if got := NeverTwoWay(r, r.Fields[0]); got != tt.want {
					t.Errorf("NeverTwoWay() = %q, want %q", got, tt.want)
				}
			}
		})
	}
}

// TestDirections checks that a field follows its own setting, else its record's if its form supports that, and that
// at most one field of a board fills a column.
func TestDirections(t *testing.T) {
	t.Parallel()
	m := mustParse(t, `version: 1
boards:
  b:
    board: 1
    records:
      r:
        object: A
        sync: both
        fields:
          LastName: { from: name, as: last_name }
          Email: email
          Phone: phone
          OtherPhone: phone
          Fax: { from: fax, sync: to_salesforce }
          Title: title
          Source: { value: Monday }
      s:
        object: B
        fields:
          Email: email
          Name: { from: title, sync: both }
`)
	var got []string
	for _, r := range m.Boards[0].Records {
		for _, f := range r.Fields {
			got = append(got, strings.TrimSuffix(fmt.Sprintf("%s.%s %s: %s", r.Name, f.Name, f.Sync, f.OneWay()), ": "))
		}
	}
	want := []string{
		"r.LastName to_salesforce: it is part of a name", "r.Email both", "r.Phone both", "r.OtherPhone to_salesforce: column phone is filled from Phone",
		"r.Fax to_salesforce", "r.Title to_salesforce: column title is filled from Name", "r.Source to_salesforce: it is a fixed value",
		"s.Email to_salesforce", "s.Name both",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("directions (-want +got):\n%s", diff)
	}
	var back []string
	for _, f := range m.Boards[0].Named("r").Back() {
		back = append(back, f.Name+" "+f.Column())
	}
	if diff := cmp.Diff([]string{"Email email", "Phone phone"}, back); diff != "" {
		t.Errorf("fields to Monday (-want +got):\n%s", diff)
	}
	values := m.Boards[0].Named("r").Desired(Item{Name: "Ada"}, nil, noon)
	if len(values) != 7 {
		t.Errorf("%d values, want 7: a two-way field is written to Salesforce too", len(values))
	}
	m = mustParse(t, head+"F: { from: a, sync: to_monday }, G: b } }\n")
	if diff := cmp.Diff(map[string]Value{"G": {}}, m.Boards[0].Records[0].Desired(Item{}, nil, noon), sameValue); diff != "" {
		t.Errorf("values beside a field that goes to Monday (-want +got):\n%s", diff)
	}
}

func TestDirectionFaults(t *testing.T) {
	t.Parallel()
	const pointless = `"wins" applies only if "sync" is both; here the values go one way`
	tests := map[string]struct{ record, fields, want string }{
		"both":             {"sync: both, wins: salesforce,", "F: a", ""},
		"both, of a field": {"wins: salesforce,", "F: { from: a, sync: both }", ""},
		"fixed": {"", "F: { value: x, sync: both }", "4:22: field F is synced to Salesforce only: " +
			"it is a fixed value"},
		"fixed, to Salesforce": {"", "F: { value: x, sync: to_salesforce }", ""},
		"template": {"", "F: { template: '{a}', sync: to_monday }", "4:29: field F is synced to " +
			"Salesforce only: it is built from a template"},
		"name": {"", "F: { from: name, as: last_name, sync: both }", "4:39: field F is synced to " +
			"Salesforce only: it is part of a name"},
		"fixed, record": {"sync: to_monday,", "F: { value: x }, G: a", "4:7: field F is synced to " +
			"Salesforce only: it is a fixed value"},
		"column twice":         {"", "F: { from: a, sync: both }, G: { from: a, sync: to_monday }", "4:49: field G is synced to Salesforce only: column a is filled from F"},
		"column twice, record": {"sync: both,", "F: a, G: a", ""},
		"shared": {"shared: true, match: [F], sync: both,", "F: a", "3:58: a shared record belongs " +
			"to several items and is synced to Salesforce only"},
		"shared, to monday": {"shared: true, match: [F], sync: to_monday,", "F: a", "3:58: a shared record " +
			"belongs to several items and is synced to Salesforce only"},
		"shared, a field": {"shared: true, match: [F],", "F: { from: a, sync: both }", "4:21: field F is " +
			"synced to Salesforce only: its record is shared by several items"},
		"id column":             {"id_column: a,", "F: { from: a, sync: both }", "4:21: field F is synced to Salesforce only: its column shows the Salesforce Id"},
		"wins of one way":       {"wins: monday,", "F: a", "3:32: " + pointless},
		"wins of one field":     {"", "F: { from: a, wins: monday }", "4:21: " + pointless},
		"wins, nothing is both": {"sync: both, wins: monday,", "F: { value: x }", "3:44: " + pointless},
		"wins of to_monday":     {"", "F: { from: a, sync: to_monday, wins: salesforce }", "4:38: " + pointless},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, "version: 1\nboards: { b: { board: 1, records: {\n        r: { object: Lead,     "+tt.record+" fields: {\n      "+tt.fields+" } } } } }\n")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestItems checks that `items` is equivalent to `migrate`.
func TestItems(t *testing.T) {
	t.Parallel()
	const board = "version: 1\nboards:\n  b:\n    board: 1\n%s    records:\n      r: { object: Lead, id_column: sfid, fields: { Email: email, Phone: { from: phone, sync: to_salesforce } }%s }\n"
	describe := func(src string) string {
		m := mustParse(t, src)
		g := m.Boards[0].Migration
		var all []string
		for _, target := range g.Targets {
			all = append(all, target.Column()+" "+target.Name)
		}
		return fmt.Sprint(g.Record.Name, g.Where, g.Group, g.Schedule, all, g.Left, g.Next(noon))
	}
	const keys = `where: "Email != null", group: imported, name: Title, schedule: "0 6 * * 1"`
	older := describe(fmt.Sprintf(board, "    migrate: { record: r, "+keys+" }\n", ""))
	newer := describe(fmt.Sprintf(board, "", ", items: { "+keys+" }"))
	if diff := cmp.Diff(strings.Replace(older, " 7 it", " 6 it", 1), newer); diff != "" {
		t.Errorf("migrate and items differ:\n%s", diff)
	}
	if !strings.Contains(newer, "[name Title email Email]") || !strings.Contains(newer, `its "sync" says so`) {
		t.Errorf("items: %s", newer)
	}
	if g := mustParse(t, fmt.Sprintf(board, "", ", items: {}")).Boards[0].Migration; g.At() != (Place{6, 114}) {
		t.Errorf("At() of items = %v", g.At())
	}
	tests := map[string]struct{ migrate, records, want string }{
		"both":         {"{ record: r }", "r: { object: Lead, id_column: sfid, items: {}, fields: { Email: email } }", `6:37: the board has "migrate" on line 4, which is the older name of "items"; keep one of them`},
		"two":          {"", "r: { object: A, id_column: x, items: {}, fields: { Email: email } }, s: { object: B, id_column: y, items: {}, fields: { Email: email } }", `6:100: record "r" already has "items"; the items of a board come from one record`},
		"shared":       {"", "r: { object: A, shared: true, match: [F], id_column: x, items: {}, fields: { F: f } }", `6:57: record "r" is shared by several items; items are created only from a record that belongs to one item`},
		"no id column": {"", "r: { object: A, items: {}, fields: { F: f } }", `6:17: record "r" has no "id_column": without it an item could be created twice`},
		"unknown key":  {"", "r: { object: A, id_column: x, items: { record: r, grup: g }, fields: { F: f } }", "6:40: unknown key \"record\"\n6:51: unknown key \"grup\", did you mean \"group\"?"},
		"a list":       {"", "r: { object: A, id_column: x, items: [], fields: { F: f } }", "6:38: expected a mapping, found a list"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := "version: 1\nboards: { b: {\nboard: 1,\n"
			if tt.migrate != "" {
				src += "migrate: " + tt.migrate + ","
			}
			if diff := cmp.Diff(tt.want, faults(t, src+"\nrecords: {\n"+tt.records+" } } }\n")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
