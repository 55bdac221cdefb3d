package audit_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// head precedes the fields of a record on line 7 and what follows. The record's object is on line 6.
const head = "version: 1\nboards:\n  b:\n    board: 1\n    records:\n      r: { object: Lead, fields: {\n"

// existing ends a message about a column that live does not have.
const existing = ` (there are board_relation "Connected", checkbox "The checkbox", country "The country", date "The date", dropdown "Tags", ` +
	`email "The email", link "The link", long_text "The long_text", mirror "The mirror", numbers "The numbers", people "The people", ` +
	`phone "The phone", status "Status", text "The text", text_1 "Company", vote "The vote")`

// live returns systems with which every mapping of head's record is valid unless it asks for something else.
func live() audit.Live {
	typed := func(t column.Type) mondayclient.BoardColumn {
		return mondayclient.BoardColumn{ID: string(t), Title: "The " + string(t), Type: t}
	}
	board := mondayclient.Board{ID: 1, Name: "Board", Groups: []string{"topics", "group_1"}, Columns: []mondayclient.BoardColumn{
		{ID: "status", Title: "Status", Type: column.Status, Labels: []string{"New", "Done"}},
		{ID: "dropdown", Title: "Tags", Type: column.Dropdown, Labels: []string{"A", "B"}},
		{ID: "board_relation", Title: "Connected", Type: column.BoardRelation, Boards: []int64{1}},
		{ID: "text_1", Title: "Company", Type: column.Text},
		typed(column.Checkbox), typed(column.Country), typed(column.Date), typed(column.Email), typed(column.Link), typed(column.LongText),
		typed(column.Numbers), typed(column.People), typed(column.Phone), typed(column.Text), typed("mirror"), typed("vote"),
	}}
	field := func(name, kind string) sfclient.Field {
		return sfclient.Field{Name: name, Type: kind, Length: 255, Createable: true, Updateable: true, Nillable: true}
	}
	lead := &sfclient.Object{Name: "Lead", Fields: []sfclient.Field{
		{Name: mapping.DefaultKey, Type: "string", Length: 18, Createable: true, Updateable: true, Nillable: true, ExternalID: true, Unique: true},
		{Name: "Fixed", Type: "string", Nillable: true},
		{Name: "Late", Type: "string", Length: 255, Updateable: true, Nillable: true},
		{Name: "Once", Type: "string", Length: 255, Createable: true, Nillable: true},
		{Name: "CreatedById", Type: "reference"},
		{Name: "Flag", Type: "boolean", Createable: true, Updateable: true, DefaultedOnCreate: true},
		{Name: "AccountId", Type: "reference", Createable: true, Updateable: true, Nillable: true, ReferenceTo: []string{"Account"}},
		{Name: "OwnerId", Type: "reference", Createable: true, Updateable: true, DefaultedOnCreate: true, ReferenceTo: []string{"Group", "User"}},
		{Name: "LeadId", Type: "reference", Createable: true, Updateable: true, Nillable: true, ReferenceTo: []string{"Lead"}},
		{Name: "Letter", Type: "string", Length: 1, Createable: true, Updateable: true, Nillable: true},
		{Name: "Short", Type: "string", Length: 5, Createable: true, Updateable: true, Nillable: true},
		{Name: "Pick", Type: "picklist", Length: 255, Createable: true, Updateable: true, Nillable: true, Picklist: picklist()},
		{Name: "Only", Type: "picklist", Length: 255, Createable: true, Updateable: true, Nillable: true, RestrictedPicklist: true, Picklist: picklist()},
		{Name: "Many", Type: "multipicklist", Length: 255, Createable: true, Updateable: true, Nillable: true, RestrictedPicklist: true, Picklist: picklist()},
		field("Text", "string"), field("Mail", "email"), field("Number", "double"), field("Day", "date"), field("Moment", "datetime"), field("Place", "location"), field("Money", "currency"),
	}}
	lead.Queryable, lead.Createable, lead.Updateable, lead.Deletable = true, true, true, true
	return audit.Live{
		Boards:   map[int64]mondayclient.Board{1: board},
		Webhooks: map[int64][]mondayclient.Webhook{1: hooks()},
		Objects:  map[string]*sfclient.Object{"Lead": lead},
	}
}

func picklist() []sfclient.PicklistValue {
	return []sfclient.PicklistValue{{Value: "New", Active: true}, {Value: "A", Active: true}, {Value: "Done"}}
}

func hooks() (all []mondayclient.Webhook) {
	for n, event := range mondayclient.Subscriptions() {
		all = append(all, mondayclient.Webhook{ID: int64(n + 1), Event: event})
	}
	return all
}

// found checks a mapping and returns its findings, one per line.
func found(t *testing.T, src string, world audit.Live) string {
	t.Helper()
	m, err := mapping.Parse("m", []byte(src))
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	var all []string
	for _, f := range audit.Check(m, world) {
		all = append(all, fmt.Sprintf("%d:%d %s %s: %s", f.Line, f.Column, f.Severity, f.System, f.Message))
	}
	return strings.Join(all, "\n")
}

func TestFields(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ fields, want string }{
		"sound": {`Text: text, Mail: email, Number: numbers, Day: date, Moment: { from: date, as: datetime }, Flag: checkbox, Pick: status,
			OwnerId: { from: people, as: user }, LeadId: { from: board_relation, link: b.r }, Place: vote, Short: { value: abcde }`, ""},
		"as text":         {"Text: { from: numbers, as: text }, Mail: { template: '{text} {name}', as: lower }, Number: { from: text, as: number }, Flag: { from: checkbox, as: text }", ""},
		"date as text":    {"Text: date, Mail: { from: date, as: datetime }", ""},
		"relative":        {"Day: { from: date, default: +1d }", ""},
		"literals":        {"Number: { value: 1.5 }, Day: { value: 2026-01-31 }, Flag: { value: true }, Moment: { value: '2026-01-31T00:00:00Z' }, AccountId: { value: 001000000000001AAA }, Many: { value: New;A }", ""},
		"labels of text":  {"Text: { from: text, labels: { whatever: New } }", ""},
		"all labels":      {"Text: { from: status, labels: { New: a, Done: ~ } }", ""},
		"unmapped labels": {"Text: { from: status, labels: { New: a }, default: ~ }", ""},

		"missing column":     {"Text: txet", `7:1 error Monday: board 1 has no column "txet"` + existing + `, did you mean "text"?`},
		"title":              {"Text: company", `7:1 error Monday: board 1 has no column "company"; the column titled "Company" has the id "text_1"`},
		"missing, in from":   {"Text: { from: zzzzzz }", `7:9 error Monday: board 1 has no column "zzzzzz"` + existing},
		"missing, template":  {"Text: { template: '{zzzzzz} {text}' }", `7:1 error Monday: board 1 has no column "zzzzzz"` + existing},
		"people":             {"Text: people", `7:1 error Monday: column "people" is of type people; it needs "as: user"`},
		"people in template": {"Text: { template: '{people}' }", `7:1 error Monday: column "people" is of type people; it needs "as: user"`},
		"user of a text":     {"OwnerId: { from: text, as: user }", `7:24 error Monday: column "text" is of type text; "as: user" needs a people column`},
		"relation":           {"Text: board_relation", `7:1 error Monday: column "board_relation" is of type board_relation; it needs "link"`},
		"link of a text":     {"LeadId: { from: text, link: b.r }", `7:23 error Monday: column "text" is of type text; "link" needs a connect-boards column`},
		"country code":       {"Text: { from: email, as: country_code }", `7:22 error Monday: column "email" is of type email; "as: country_code" needs a country or phone column`},
		"datetime":           {"Moment: { from: text, as: datetime }", `7:23 error Monday: column "text" is of type text; "as: datetime" needs a date column`},
		"number of a date":   {"Number: { from: date, as: number }", `7:23 error Monday: column "date" is of type date; it cannot hold a number`},
		"phone of a link":    {"Text: { from: link, as: phone }", `7:21 error Monday: column "link" is of type link; it cannot hold a phone number`},
		"mirror":             {"Text: mirror", `7:1 warning Monday: column "mirror" is of type mirror; Monday sends no webhook when it changes`},
		"label":              {"Text: { from: status,\n labels: { New: a,\n Doen: b }, default: c }", `9:2 error Monday: column "status" has no label "Doen" (there are "New", "Done"), did you mean "Done"?`},
		"labels left":        {"Text: { from: status, labels: { New: a } }", `7:23 warning Monday: column "status" has labels that are not mapped, and there is no default: the event of an item with one of them becomes a dead letter: "Done"`},

		"missing field":      {"Txt: text", `7:1 error Salesforce: Lead has no field Txt that is visible to the run-as user, did you mean "Text"?`},
		"case":               {"text: text", `7:1 warning Salesforce: Salesforce spells it Lead.Text; use the same spelling`},
		"read-only":          {"Fixed: text", `7:1 error Salesforce: Lead.Fixed is read-only for the run-as user; if Salesforce allows it, give its permission set edit access to the field`},
		"not on creation":    {"Late: text", `7:1 error Salesforce: Lead.Late cannot be set by the run-as user when a record is created`},
		"on creation only":   {"Once: text", `7:1 warning Salesforce: Lead.Once can be set only when a record is created: later changes are rejected`},
		"once and for all":   {"Once: { value: x }", ""},
		"number into text":   {"Text: numbers", `7:1 error Salesforce: Lead.Text is of type string, and gets a number; add "as: text"`},
		"checkbox into text": {"Mail: checkbox", `7:1 error Salesforce: Lead.Mail is of type email, and gets true or false; add "as: text"`},
		"text into number":   {"Number: text", `7:1 warning Salesforce: Lead.Number is of type double, and gets text; "as: number" finds text that is not a number before Salesforce does`},
		"text into flag":     {"Flag: text", `7:1 error Salesforce: Lead.Flag is of type boolean, and gets text`},
		"text into date":     {"Day: text", `7:1 warning Salesforce: Lead.Day is of type date, and gets text, which must have Salesforce's format`},
		"phone into date":    {"Day: phone", `7:1 error Salesforce: Lead.Day is of type date, and gets text`},
		"date into datetime": {"Moment: date", `7:1 error Salesforce: Lead.Moment is of type datetime, and gets a date; add "as: datetime"`},
		"datetime into date": {"Day: { from: date, as: datetime }", `7:8 error Salesforce: Lead.Day is of type date, and gets a date with time`},
		"relative time":      {"Moment: { from: date, as: datetime, default: +1d }", `7:37 error Salesforce: Lead.Moment is of type datetime, and gets a date`},
		"date into number":   {"Number: date", `7:1 error Salesforce: Lead.Number is of type double, and gets a date`},
		"long text":          {"Short: long_text", `7:1 warning Salesforce: Lead.Short is of type string, and gets text of up to 2,000 characters; the field holds 5`},
		"user into account":  {"AccountId: { from: people, as: user }", `7:28 error Salesforce: Lead.AccountId refers to Account, not to User`},
		"link into account":  {"AccountId: { from: board_relation, link: b.r }", `7:36 error Salesforce: Lead.AccountId refers to Account, not to Lead`},
		"link into number":   {"Number: { from: board_relation, link: b.r }", `7:33 error Salesforce: Lead.Number is of type double, and gets the Id of a record`},
		"too long":           {"Short: { value: abcdef }", `7:10 error Salesforce: Lead.Short holds 5 characters; this text has 6`},
		"too long for one":   {"Letter: { value: ab }", `7:11 error Salesforce: Lead.Letter holds 1 character; this text has 2`},
		"default too long":   {"Short: { from: text, default: abcdef }", `7:22 error Salesforce: Lead.Short holds 5 characters; this text has 6`},
		"number for a text":  {"Text: { value: 1 }", `7:9 error Salesforce: Lead.Text is of type string, and Salesforce rejects 1 (a number)`},
		"text for a flag": {"Flag: { from: status, labels: { New: 'yes', Done: false } " +
			"}", `7:33 error Salesforce: Lead.Flag is of type boolean, and Salesforce rejects "yes"`},
		"text for a date": {"Day: { from: date, default: today }", `7:20 error Salesforce: Lead.Day is of type date, and Salesforce rejects "today"`},
		"name for an Id":  {"AccountId: { value: ACME }", `7:14 error Salesforce: Lead.AccountId is of type reference, and Salesforce rejects "ACME"`},

		"picklist":            {"Pick: { value: Nwe }", `7:9 warning Salesforce: Lead.Pick is a picklist without the value "Nwe" (there are "New", "A")`},
		"restricted":          {"Only: { from: status,\n labels: { New: New,\n  Done: Done } }", `9:3 error Salesforce: Lead.Only is a restricted picklist without the value "Done" (there are "New", "A")`},
		"restricted default":  {"Only: { from: text, labels: { x: A }, default: B }", `7:39 error Salesforce: Lead.Only is a restricted picklist without the value "B" (there are "New", "A"), did you mean "A"?`},
		"one of many":         {"Many: { value: New;B }", `7:9 error Salesforce: Lead.Many is a restricted picklist without the value "B" (there are "New", "A"), did you mean "A"?`},
		"labels as they are":  {"Only: dropdown", `7:1 warning Salesforce: Lead.Only is a restricted picklist, and column "dropdown" has labels that are not values of it: "B"`},
		"text into a few":     {"Only: text", `7:1 warning Salesforce: Lead.Only is a restricted picklist: text that is not one of its values is rejected`},
		"nowhere into a few":  {"Only: zzzzzz", `7:1 error Monday: board 1 has no column "zzzzzz"` + existing},
		"template into a few": {"Only: { template: '{text}' }", `7:1 warning Salesforce: Lead.Only is a restricted picklist: text that is not one of its values is rejected`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, found(t, head+tt.fields+"\n} }\ndefaults: { time_zone: UTC }\n", live())); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRecords varies the systems or the record.
func TestRecords(t *testing.T) {
	t.Parallel()
	const plain = head + "Text: text } }\n"
	with := func(keys string) string { return strings.Replace(plain, "object: Lead", "object: Lead, "+keys, 1) }
	key := func(change func(*sfclient.Field)) func(*audit.Live) {
		return func(l *audit.Live) { change(&l.Objects["Lead"].Fields[0]) }
	}
	required := func(l *audit.Live) {
		o := l.Objects["Lead"]
		o.Fields = append(o.Fields, sfclient.Field{Name: "LastName", Type: "string", Length: 80, Createable: true, Updateable: true})
	}
	calculated := func(l *audit.Live) {
		for i := range l.Objects["Lead"].Fields {
			if f := &l.Objects["Lead"].Fields[i]; f.Name == "Text" {
				f.Calculated, f.Createable, f.Updateable = true, false, false
			}
		}
	}
	currencies := func(l *audit.Live) {
		o := l.Objects["Lead"]
		o.Fields = append(o.Fields, sfclient.Field{Name: "CurrencyIsoCode", Type: "picklist", Length: 3, Createable: true, Updateable: true, DefaultedOnCreate: true,
			Picklist: []sfclient.PicklistValue{{Value: "NOK", Active: true}}})
	}
	tests := map[string]struct {
		src    string
		change func(*audit.Live)
		want   string
	}{
		"sound":         {src: with("id_column: text_1, create_when: { status: [New, Done], checkbox: true }")},
		"nothing known": {src: plain, change: func(l *audit.Live) { *l = audit.Live{} }},
		"no board":      {plain, func(l *audit.Live) { l.Boards = map[int64]mondayclient.Board{} }, "4:5 error Monday: board 1 does not exist, is archived, or is not visible to the API token"},
		"another board": {plain, func(l *audit.Live) {
			l.Boards, l.Known = map[int64]mondayclient.Board{}, []mondayclient.Board{{ID: 2, Name: "Leads"}, {ID: 3, Name: "Other"}}
		}, `4:5 error Monday: board 1 does not exist, is archived, or is not visible to the API token (there are 2 "Leads", 3 "Other")`},
		"no object": {plain, func(l *audit.Live) { l.Objects["Lead"] = nil }, "6:12 error Salesforce: the " +
			"object Lead does not exist or is not visible to the run-as user"},
		"hooks not known":   {src: plain, change: func(l *audit.Live) { l.Webhooks = nil }},
		"two hooks missing": {plain, func(l *audit.Live) { l.Webhooks[1] = hooks()[2:] }, "4:5 warning Monday: board 1 has no webhook for change_column_value, create_item; `crmsync webhooks --url` creates them"},

		"id column missing":     {src: with("id_column: zzzzzz"), want: `6:26 error Monday: board 1 has no column "zzzzzz"` + existing},
		"id column of a type":   {src: with("id_column: numbers"), want: `6:26 error Monday: column "numbers" is of type numbers; the Salesforce Id can be written only to a text column`},
		"gate's column missing": {src: with("create_when: { zzzzzz: [a, b] }"), want: `6:50 error Monday: board 1 has no column "zzzzzz"` + existing},
		"gate of people":        {src: with("create_when: { people: [a, b] }"), want: `6:50 error Monday: column "people" is of type people, which has no label to compare`},
		"gate's label":          {src: with("create_when: { status: [New, Doen] }"), want: `6:55 error Monday: column "status" has no label "Doen" (there are "New", "Done"), did you mean "Done"?`},
		"label outside the gate": {
			src:  strings.Replace(with("create_when: { status: New }"), "Text: text", "Text: { from: status, labels: { New: x } }", 1),
			want: `7:23 note Monday: column "status" has labels that create no record; if an item with a record changes to one of them, its event becomes a dead letter: "Done"`,
		},

		"no key":                    {plain, key(func(f *sfclient.Field) { f.Name = "Other__c" }), "6:12 error Salesforce: Lead has no key field Monday_Item_Id__c that is visible to the run-as user; create it as text of 18 characters or more, External ID and Unique, and give the run-as user access to it"},
		"key is not an external ID": {plain, key(func(f *sfclient.Field) { f.ExternalID = false }), "6:12 error Salesforce: the key Lead.Monday_Item_Id__c is not an External ID: records cannot be upserted by it"},
		"key is not unique":         {plain, key(func(f *sfclient.Field) { f.Unique = false }), "6:12 error Salesforce: the key Lead.Monday_Item_Id__c is not Unique: an item could get two records"},
		"key is a number":           {plain, key(func(f *sfclient.Field) { f.Type = "double" }), "6:12 error Salesforce: the key Lead.Monday_Item_Id__c is of type double; it must be text"},
		"key is short":              {plain, key(func(f *sfclient.Field) { f.Length = 10 }), "6:12 error Salesforce: the key Lead.Monday_Item_Id__c holds 10 characters; an item's id can have 18"},
		"key is read-only":          {plain, key(func(f *sfclient.Field) { f.Createable = false }), "6:12 error Salesforce: the key Lead.Monday_Item_Id__c cannot be written by the run-as user; give its permission set edit access to the field"},
		"no right to the object": {with("on_delete: delete"), func(l *audit.Live) {
			l.Objects["Lead"].Createable, l.Objects["Lead"].Updateable, l.Objects["Lead"].Deletable = false, false, false
		},
			"6:12 error Salesforce: the run-as user may not create records of Lead\n6:12 error Salesforce: the run-as user may not update records of Lead\n6:26 error Salesforce: the run-as user may not delete records of Lead"},
		"shared needs no update": {src: with("shared: true, match: [Text]"), change: func(l *audit.Live) { l.Objects["Lead"].Updateable, l.Objects["Lead"].Deletable = false, false }},
		"another object":         {plain, func(l *audit.Live) { l.Objects["Lead"], l.Others = nil, []string{"Account", "Leads"} }, `6:12 error Salesforce: the object Lead does not exist or is not visible to the run-as user, did you mean "Leads"?`},

		"calculated": {plain, calculated, "7:1 error Salesforce: Lead.Text is a formula or a roll-up summary: it is " +
			"calculated and cannot be written"},
		"calculated, on the way back": {strings.Replace(strings.Replace(with("id_column: text_1"), "Text: text", "Mail: email", 1), "    records:", "    migrate: { record: r, name: Text }\n    records:", 1), calculated,
			`5:5 note Salesforce: Lead.Text is calculated by Salesforce: its value can change although the record does not, and then column "name" is not updated`},
		"one currency":       {src: strings.Replace(plain, "Text: text", "Money: numbers", 1)},
		"several currencies": {strings.Replace(plain, "Text: text", "Money: numbers", 1), currencies, "7:1 warning Salesforce: Lead.Money is an amount, and the org has several currencies: a new record gets the currency of the run-as user; map CurrencyIsoCode too"},
		"currency mapped":    {src: strings.Replace(plain, "Text: text", "Money: numbers, CurrencyIsoCode: { value: NOK }", 1), change: currencies},

		"shared has no key": {src: with("shared: true, match: [Text]"), change: key(func(f *sfclient.Field) { f.Name = "Other__c" })},

		"required": {plain, required, "6:26 error Salesforce: Lead.LastName is required, but the " +
			"record does not set it"},
		"required, of the name": {src: strings.Replace(plain, "Text: text", "LastName: name", 1), change: required},
		"required, may be empty": {
			strings.Replace(plain, "Text: text", "LastName: text", 1), required,
			`7:1 warning Salesforce: Lead.LastName is required, and there is no default: while column "text" is empty, no record is created`,
		},
		"required, defaulted": {src: strings.Replace(plain, "Text: text", "LastName: { from: text, default: x }", 1), change: required},
		"required, gated":     {src: strings.Replace(with("create_when: { text: x }"), "Text: text", "LastName: text", 1), change: required},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := live()
			if tt.change != nil {
				tt.change(&world)
			}
			if diff := cmp.Diff(tt.want, found(t, tt.src, world)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBoardCondition checks that a wrong condition of a board is reported once, although two records share it.
func TestBoardCondition(t *testing.T) {
	t.Parallel()
	src := "version: 1\nboards:\n  b:\n    board: 1\n    create_when: { status: Nwe }\n    records:\n" +
		"      r: { object: Lead, fields: { Text: text } }\n      s: { object: Lead, shared: true, match: [Text], fields: { Text: text } }\n"
	want := `5:28 error Monday: column "status" has no label "Nwe" (there are "New", "Done")`
	if diff := cmp.Diff(want, found(t, src, live())); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestMigration(t *testing.T) {
	t.Parallel()
	src := "version: 1\nboards:\n  b:\n    board: 1\n    migrate: { record: r, group: tpics, name: Nmae, columns: { phoen: Txt, phone: Text, people: Text } }\n    records:\n" +
		"      r: { object: Lead, id_column: text, fields: { Mail: email } }\n"
	want := []string{
		"5:5 error Salesforce: Lead has no field Nmae that is visible to the run-as user",
		`5:5 error Salesforce: Lead has no field Txt that is visible to the run-as user, did you mean "Text"?`,
		`5:5 error Monday: board 1 has no column "phoen"` + existing + `, did you mean "phone"?`,
		`5:5 error Monday: board 1 has no group "tpics" (there are "topics", "group_1"), did you mean "topics"?`,
		`5:5 error Monday: column "people" is of type people, which a Salesforce value cannot fill`,
	}
	if diff := cmp.Diff(strings.Join(want, "\n"), found(t, src, live())); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

func TestCounts(t *testing.T) {
	t.Parallel()
	all := slices.Concat(make([]audit.Finding, 1), []audit.Finding{{Severity: audit.Error}, {Severity: audit.Warning}, {Severity: audit.Warning}, {Severity: audit.Note}})
	if e, w := audit.Errors(all), audit.Warnings(all); e != 1 || w != 2 {
		t.Errorf("%d errors and %d warnings, want 1 and 2", e, w)
	}
}
