package migration

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// agreedOn returns a link with these values as the base.
func agreedOn(values map[string]any) *ledger.Link {
	link := &ledger.Link{ItemID: 70, Record: "contact", Object: "Contact", SalesforceID: contactID(1)}
	for field, value := range values {
		link.Agree(field, value)
	}
	return link
}

// kinds returns the part of the difference that each column belongs to.
func (d difference) kinds() map[string]string {
	kinds := map[string]string{}
	for kind, changes := range map[string][]change{"write": d.write, "agreed": d.agreed, "clash": d.clash} {
		for _, c := range changes {
			kinds[c.target.Column] = kind
		}
	}
	return kinds
}

func TestCompare(t *testing.T) {
	t.Parallel()
	type values = map[string]column.Value
	tests := map[string]struct {
		base   map[string]any
		name   string // of the item
		item   values
		record values
		want   map[string]string
	}{
		"nothing to say": {item: values{"email": emailValue("a@x.org")}, want: map[string]string{}},
		"as agreed": {
			base: map[string]any{"Email": "a@x.org"}, item: values{"email": emailValue("a@x.org")},
			record: values{"email": emailValue("a@x.org")}, want: map[string]string{},
		},
		"changed in Salesforce": {
			base: map[string]any{"Email": "a@x.org"}, item: values{"email": emailValue("a@x.org")},
			record: values{"email": emailValue("b@x.org")}, want: map[string]string{"email": "write"},
		},
		"emptied in Salesforce": {
			base: map[string]any{"Email": "a@x.org"}, item: values{"email": emailValue("a@x.org")},
			record: values{"email": emailValue("")}, want: map[string]string{"email": "write"},
		},
		"changed on Monday": {
			base: map[string]any{"Email": "a@x.org"}, item: values{"email": emailValue("b@x.org")},
			record: values{"email": emailValue("a@x.org")}, want: map[string]string{},
		},
		"changed on both sides": {
			base: map[string]any{"Email": "a@x.org"}, item: values{"email": emailValue("b@x.org")},
			record: values{"email": emailValue("c@x.org")}, want: map[string]string{"email": "clash"},
		},
		"the same on both sides": {
			base: map[string]any{"Email": "a@x.org"}, item: values{"email": emailValue("b@x.org")},
			record: values{"email": emailValue("b@x.org")}, want: map[string]string{"email": "agreed"},
		},
		"no base, empty item":   {item: values{"email": emailValue("")}, record: values{"email": emailValue("a@x.org")}, want: map[string]string{"email": "write"}},
		"no base, filled item":  {item: values{"email": emailValue("b@x.org")}, record: values{"email": emailValue("a@x.org")}, want: map[string]string{}},
		"no base, equal":        {item: values{"email": emailValue("a@x.org")}, record: values{"email": emailValue("a@x.org")}, want: map[string]string{"email": "agreed"}},
		"no base, both empty":   {item: values{"email": emailValue("")}, record: values{"email": emailValue("")}, want: map[string]string{"email": "agreed"}},
		"agreed that empty":     {base: map[string]any{"Email": nil}, item: values{"email": emailValue("")}, record: values{"email": emailValue("a@x.org")}, want: map[string]string{"email": "write"}},
		"name, spaces only":     {base: map[string]any{"@name": "Ada King"}, name: "Ada  King", record: values{"name": textValue("Ada King")}, want: map[string]string{}},
		"name changed":          {base: map[string]any{"@name": "Ada King"}, name: "Ada King", record: values{"name": textValue("Ada Byron")}, want: map[string]string{"name": "write"}},
		"column of its own":     {base: map[string]any{"@text_note": "x"}, item: values{"text_note": noteValue("x")}, record: values{"text_note": noteValue("y")}, want: map[string]string{"text_note": "write"}},
		"label of equal value":  {base: map[string]any{"Title": "Head"}, item: values{"status": statusValue("Boss")}, record: values{"status": statusValue("Boss")}, want: map[string]string{}},
		"label without value":   {base: map[string]any{"Title": "Head"}, item: values{"status": statusValue("Intern")}, record: values{"status": statusValue("Clerk")}, want: map[string]string{"status": "clash"}},
		"connected as agreed":   {base: map[string]any{"AccountId": accountID(1)}, item: values{"connect_account": linkValue(7)}, record: values{"connect_account": linkValue(7)}, want: map[string]string{}},
		"disconnected":          {base: map[string]any{"AccountId": accountID(1)}, item: values{"connect_account": linkValue(7)}, record: values{"connect_account": linkValue()}, want: map[string]string{"connect_account": "write"}},
		"connected without one": {base: map[string]any{"AccountId": nil}, item: values{"connect_account": linkValue()}, record: values{"connect_account": linkValue(7)}, want: map[string]string{"connect_account": "write"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, link := contactRules(t), agreedOn(tt.base)
			if own := ownBase(r, "name"); own != "" {
				if base, ok := tt.base["@name"]; ok {
					link.Agree(own, base)
				}
			}
			d := r.compare(link, tt.record, &mondayclient.Item{ID: 70, Name: tt.name, Columns: tt.item})
			same(t, "difference", tt.want, d.kinds())
		})
	}
}

// ownBase is the name under which a column's base is kept.
func ownBase(r *rules, id string) string {
	for _, target := range r.targets {
		if target.Column == id {
			return target.Base()
		}
	}
	return ""
}

// TestCompareValues: a change holds both values of the column and of the field.
func TestCompareValues(t *testing.T) {
	t.Parallel()
	r := contactRules(t)
	d := r.compare(agreedOn(map[string]any{"Title": "Staff"}), map[string]column.Value{"status": statusValue("Boss")},
		&mondayclient.Item{Columns: map[string]column.Value{"status": statusValue("Clerk")}})
	if len(d.write) != 1 {
		t.Fatalf("difference: %v, want one column to write", d.kinds())
	}
	got := d.write[0]
	want := change{target: got.target, from: statusValue("Clerk"), to: statusValue("Boss"), before: "Staff", after: "Head"}
	same(t, "change", want, got, cmp.AllowUnexported(change{}), cmp.Comparer(func(a, b *mapping.Target) bool { return a == b }))
}

func TestChanged(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		base   map[string]any
		record map[string]column.Value
		want   bool
	}{
		"nothing to say":  {},
		"as agreed":       {base: map[string]any{"Email": "a@x.org"}, record: map[string]column.Value{"email": emailValue("a@x.org")}},
		"another value":   {base: map[string]any{"Email": "a@x.org"}, record: map[string]column.Value{"email": emailValue("b@x.org")}, want: true},
		"never agreed on": {record: map[string]column.Value{"email": emailValue("a@x.org")}, want: true},
		"in doubt":        {base: map[string]any{"Email": "a@x.org"}, record: map[string]column.Value{"email": emailValue("a@x.org"), "status": statusValue("Boss")}, want: true},
		"cannot be said":  {base: map[string]any{"Title": "Head"}, record: map[string]column.Value{"status": statusValue("Intern")}, want: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			link := agreedOn(tt.base)
			if name == "in doubt" {
				link.Doubt("Title")
			}
			if got := contactRules(t).changed(link, tt.record); got != tt.want {
				t.Errorf("changed() = %t, want %t", got, tt.want)
			}
		})
	}
}

// TestAgree: what an item cannot express counts as written, because the record has it and must keep it.
func TestAgree(t *testing.T) {
	t.Parallel()
	item := mapping.Item{ID: 70, Name: "Ada King", Columns: map[string]column.Value{
		"email": emailValue("a@x.org"), "status": statusValue("Intern"), "connect_account": linkValue(7), "text_note": noteValue("n"),
	}}
	tests := map[string]struct {
		columns  []string
		want     map[string]any
		rejected []string
	}{
		"all": {
			want: map[string]any{
				"FirstName": "Ada", "LastName": "King", "Email": "a@x.org", "AccountId": accountID(1), "@text_note": "n", "@name": "Ada King",
			},
			rejected: []string{"Title"},
		},
		"one column": {columns: []string{"email"}, want: map[string]any{"Email": "a@x.org"}},
		"the name":   {columns: []string{"name"}, want: map[string]any{"FirstName": "Ada", "LastName": "King", "@name": "Ada King"}},
		"its own":    {columns: []string{"text_note"}, want: map[string]any{"@text_note": "n"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			link := &ledger.Link{}
			contactRules(t).agree(link, item, tt.columns, 9)
			got := map[string]any{}
			for field, w := range link.Written {
				got[field] = w.Value
			}
			same(t, "agreed", tt.want, got)
			var rejected []string
			for field, r := range link.Rejected {
				if rejected = append(rejected, field); r.JobID != 9 || r.Code == "" {
					t.Errorf("rejection %+v, want one of job 9 with a code", r)
				}
			}
			same(t, "rejected", tt.rejected, rejected)
		})
	}
}

// TestAlike: what only Monday adds to a value is ignored.
func TestAlike(t *testing.T) {
	t.Parallel()
	phone := func(text, code string) column.Value { return column.Value{Type: column.Phone, Text: text, Code: code} }
	tests := map[string]struct {
		from, to column.Value
		want     bool
	}{
		"country of a phone": {phone("+1 212", "US"), phone("+1 212", ""), true},
		"another number":     {phone("+1 212", "US"), phone("+1 213", "US"), false},
		"type of the column": {noteValue("x"), textValue("x"), true},
		"labels":             {column.Value{Type: column.Dropdown, Labels: []string{"a"}}, column.Value{Type: column.Dropdown, Labels: []string{"b"}}, false},
		"time of day":        {column.Value{Type: column.Date, Text: "2026-01-01"}, column.Value{Type: column.Date, Text: "2026-01-01", Time: "10:00:00"}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := alike(tt.from, tt.to); got != tt.want {
				t.Errorf("alike() = %t, want %t", got, tt.want)
			}
		})
	}
}
