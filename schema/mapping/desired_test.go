package mapping

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient/column"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sample returns an item with a column of every type, named after the type.
func sample() Item {
	return Item{ID: 9007199254740993, Name: "Ada  Maria Lovelace", Columns: map[string]column.Value{
		"text":           {Type: column.Text, Text: " Hello World "},
		"long_text":      {Type: column.LongText, Text: "a\nb"},
		"email":          {Type: column.Email, Text: " Ada@Example.ORG "},
		"phone":          {Type: column.Phone, Text: "(202) 555-0123"},
		"phone_gb":       {Type: column.Phone, Text: "442071838750", Code: "GB"},
		"phone_ext":      {Type: column.Phone, Text: "+1 212 555 0100 ext. 12"},
		"phone_x":        {Type: column.Text, Text: "(212) 555-0100 x12"},
		"phone_rfc":      {Type: column.Text, Text: "tel:+1-212-555-0100;ext=12"},
		"evening":        {Type: column.Date, Text: "2026-07-01", Time: "01:00:00"},
		"link":           {Type: column.Link, Text: "https://example.org"},
		"status":         {Type: column.Status, Text: "Quote"},
		"dropdown":       {Type: column.Dropdown, Labels: []string{"A", "B"}},
		"numbers":        {Type: column.Numbers, Text: "1234.50"},
		"date":           {Type: column.Date, Text: "2026-05-31"},
		"date_time":      {Type: column.Date, Text: "2026-05-31", Time: "14:30:05"},
		"checked":        {Type: column.Checkbox, Checked: true},
		"unchecked":      {Type: column.Checkbox},
		"country":        {Type: column.Country, Text: "France", Code: "FR"},
		"people":         {Type: column.People, IDs: []int64{71, 72}},
		"board_relation": {Type: column.BoardRelation, IDs: []int64{501, 502}},
		"rating":         {Type: "rating", Text: "4"},
		"blank":          {Type: column.Text, Text: "  "},
		"no_status":      {Type: column.Status},
		"no_dropdown":    {Type: column.Dropdown},
		"no_number":      {Type: column.Numbers},
		"no_date":        {Type: column.Date},
		"no_people":      {Type: column.People},
		"no_relation":    {Type: column.BoardRelation},
		"bad_number":     {Type: column.Numbers, Text: "0x1p4"},
		"huge_number":    {Type: column.Numbers, Text: "1e999"},
		"not_number":     {Type: column.Text, Text: "NaN"},
		"bad_date":       {Type: column.Date, Text: "2026-02-30"},
		"bad_time":       {Type: column.Date, Text: "2026-02-03", Time: "25:00:00"},
		"word":           {Type: column.Text, Text: "Plato"},
		"short_phone":    {Type: column.Phone, Text: "555-1234"},
		"not_phone":      {Type: column.Text, Text: "call me"},
	}}
}

func TestDesired(t *testing.T) {
	t.Parallel()
	literal := func(v any) Value { return Value{Literal: v} }
	invalid := func(column, code string) Value {
		return Value{Err: &ValueError{Field: "F", Column: column, Code: code}}
	}
	tests := map[string]struct {
		field string
		want  Value
	}{
		"name":               {"name", literal("Ada  Maria Lovelace")},
		"text":               {"text", literal(" Hello World ")},
		"long_text":          {"long_text", literal("a\nb")},
		"email":              {"email", literal(" Ada@Example.ORG ")},
		"phone":              {"phone", literal("(202) 555-0123")},
		"link":               {"link", literal("https://example.org")},
		"status":             {"status", literal("Quote")},
		"dropdown":           {"dropdown", literal("A;B")},
		"numbers":            {"numbers", literal(1234.5)},
		"date":               {"date_time", literal("2026-05-31")},
		"checked":            {"checked", literal(true)},
		"unchecked":          {"{ from: unchecked, default: true }", literal(false)},
		"country":            {"country", literal("France")},
		"unknown type":       {"rating", literal("4")},
		"people":             {"people", invalid("people", WrongColumnType)},
		"relation":           {"board_relation", invalid("board_relation", WrongColumnType)},
		"not in the item":    {"missing", literal(nil)},
		"blank":              {"blank", literal(nil)},
		"no status":          {"no_status", literal(nil)},
		"no dropdown":        {"no_dropdown", literal(nil)},
		"no number":          {"no_number", literal(nil)},
		"no date":            {"no_date", literal(nil)},
		"not a number":       {"bad_number", invalid("bad_number", InvalidNumber)},
		"too large":          {"huge_number", invalid("huge_number", InvalidNumber)},
		"NaN":                {"{ from: not_number, as: number }", invalid("not_number", InvalidNumber)},
		"not a date":         {"{ from: bad_date, default: x }", invalid("bad_date", InvalidDate)},
		"first_name":         {"{ from: name, as: first_name }", literal("Ada Maria")},
		"last_name":          {"{ from: name, as: last_name }", literal("Lovelace")},
		"first_name of one":  {"{ from: word, as: first_name }", literal(nil)},
		"last_name of one":   {"{ from: word, as: last_name }", literal("Plato")},
		"names of none":      {"{ from: blank, as: last_name, default: Unknown }", literal("Unknown")},
		"as phone":           {"{ from: phone, as: phone }", literal("+12025550123")},
		"as phone by code":   {"{ from: phone_gb, as: phone }", literal("+442071838750")},
		"as phone too short": {"{ from: short_phone, as: phone, default: x }", invalid("short_phone", InvalidPhone)},
		"as phone no phone":  {"{ from: not_phone, as: phone }", invalid("not_phone", InvalidPhone)},
		"as phone empty":     {"{ from: missing, as: phone }", literal(nil)},
		"as phone blank":     {"{ from: blank, as: phone }", literal(nil)},
		"as phone people":    {"{ from: people, as: phone }", invalid("people", WrongColumnType)},
		"as phone extension": {"{ from: phone_ext, as: phone }", literal("+12125550100 ext. 12")},
		"as phone x":         {"{ from: phone_x, as: phone }", literal("+12125550100 ext. 12")},
		"as phone RFC 3966":  {"{ from: phone_rfc, as: phone }", literal("+12125550100 ext. 12")},
		"as email":           {"{ from: email, as: email }", literal("ada@example.org")},
		"country_code":       {"{ from: country, as: country_code }", literal("FR")},
		"country of phone":   {"{ from: phone_gb, as: country_code }", literal("GB")},
		"country of text":    {"{ from: text, as: country_code }", invalid("text", WrongColumnType)},
		"datetime":           {"{ from: date_time, as: datetime }", literal("2026-05-31T14:30:05Z")},
		"datetime midnight":  {"{ from: date, as: datetime }", literal("2026-05-31T00:00:00Z")},
		"datetime of text":   {"{ from: text, as: datetime }", invalid("text", WrongColumnType)},
		"datetime empty":     {"{ from: no_date, as: datetime }", literal(nil)},
		"datetime invalid":   {"{ from: bad_time, as: datetime }", invalid("bad_time", InvalidDate)},
		"datetime default":   {"{ from: no_date, as: datetime, default: +1d }", Value{Literal: "2026-03-02T00:00:00Z", Since: "2026-03-01"}},
		"as number":          {"{ from: rating, as: number }", literal(4.0)},
		"number of text":     {"{ from: text, as: number }", invalid("text", InvalidNumber)},
		"number of people":   {"{ from: people, as: number }", invalid("people", WrongColumnType)},
		"number as text":     {"{ from: numbers, as: text }", literal("1234.50")},
		"checkbox as text":   {"{ from: unchecked, as: text }", literal("false")},
		"dropdown as upper":  {"{ from: dropdown, as: lower }", literal("a;b")},
		"trim":               {"{ from: text, as: trim }", literal("Hello World")},
		"lower":              {"{ from: word, as: lower }", literal("plato")},
		"upper":              {"{ from: word, as: upper }", literal("PLATO")},
		"people as text":     {"{ from: people, as: text }", invalid("people", WrongColumnType)},
		"user":               {"{ from: people, as: user }", Value{Person: 71}},
		"user of none":       {"{ from: no_people, as: user }", literal(nil)},
		"user default":       {"{ from: no_people, as: user, default: 005000000000001AAA }", literal("005000000000001AAA")},
		"user of text":       {"{ from: text, as: user }", invalid("text", WrongColumnType)},
		"default unused":     {"{ from: word, default: Unknown }", literal("Plato")},
		"default text":       {"{ from: missing, default: Unknown }", literal("Unknown")},
		"default number":     {"{ from: no_number, default: 0 }", literal(0.0)},
		"default boolean":    {"{ from: missing, default: false }", literal(false)},
		"default null":       {"{ from: missing, default: null }", literal(nil)},
		"default relative":   {"{ from: no_date, default: +90d }", Value{Literal: "2026-05-30", Since: "2026-03-01"}},
		"default today":      {"{ from: no_date, default: +0d }", Value{Literal: "2026-03-01", Since: "2026-03-01"}},
		"relative unused":    {"{ from: date, default: +90d }", literal("2026-05-31")},
		"label":              {"{ from: status, labels: { Quote: Proposal } }", literal("Proposal")},
		"label to number":    {"{ from: status, labels: { Quote: 7 } }", literal(7.0)},
		"label to boolean":   {"{ from: status, labels: { Quote: true } }", literal(true)},
		"label to null":      {"{ from: status, labels: { Quote: null }, default: x }", literal(nil)},
		"label outside":      {"{ from: status, labels: { x: y }, default: z }", literal("z")},
		"label relative":     {"{ from: status, labels: { x: y }, default: +1d }", Value{Literal: "2026-03-02", Since: "2026-03-01"}},
		"label of none":      {"{ from: no_status, labels: { x: y }, default: z }", literal("z")},
		"label of nothing":   {"{ from: no_status, labels: { x: y } }", literal(nil)},
		"label of text":      {"{ from: word, labels: { Plato: Greek } }", literal("Greek")},
		"label of number":    {"{ from: rating, labels: { 4: good } }", literal("good")},
		"label of checkbox":  {"{ from: checked, labels: { true: Yes, false: No } }", literal("Yes")},
		"label of people":    {"{ from: people, labels: { x: y } }", invalid("people", WrongColumnType)},
		"label unmapped":     {"{ from: status, labels: { quote: y } }", Value{Err: &ValueError{"F", "status", UnmappedLabel, "Quote"}}},
		"text unmapped":      {"{ from: word, labels: { x: y } }", invalid("word", UnmappedLabel)},
		"dropdown mapped":    {"{ from: dropdown, labels: { A: 1, B: true } }", literal("1;true")},
		"dropdown same":      {"{ from: dropdown, labels: { A: x, B: x } }", literal("x")},
		"dropdown null":      {"{ from: dropdown, labels: { A: x, B: null } }", literal("x")},
		"dropdown nulls":     {"{ from: dropdown, labels: { A: null, B: null } }", literal(nil)},
		"dropdown outside":   {"{ from: dropdown, labels: { A: x }, default: other }", literal("x;other")},
		"dropdown unmapped":  {"{ from: dropdown, labels: { A: x } }", Value{Err: &ValueError{"F", "dropdown", UnmappedLabel, "B"}}},
		"value":              {"{ value: Monday }", literal("Monday")},
		"value number":       {"{ value: -1.5 }", literal(-1.5)},
		"value quoted":       {`{ value: "1" }`, literal("1")},
		"value boolean":      {"{ value: true }", literal(true)},
		"template":           {`{ template: "{word} - {name}" }`, literal("Plato - Ada  Maria Lovelace")},
		"template empty":     {`{ template: "{missing} - {word}" }`, literal(" - Plato")},
		"template types":     {`{ template: "{dropdown},{unchecked},{numbers},{date}" }`, literal("A;B,false,1234.50,2026-05-31")},
		"template escapes":   {`{ template: "{{{word}}}" }`, literal("{Plato}")},
		"template as":        {`{ template: "{word} x ", as: upper }`, literal("PLATO X ")},
		"template default":   {`{ template: "<{missing}>", default: none }`, literal("none")},
		"template nothing":   {`{ template: "<{missing}>" }`, literal("<>")},
		"template blank":     {`{ template: "{missing} {blank}" }`, literal(nil)},
		"template people":    {`{ template: "{word} {people}" }`, invalid("word, people", WrongColumnType)},
		"link of text":       {"{ from: text, link: b.r }", invalid("text", WrongColumnType)},
		"link of nothing":    {"{ from: no_relation, link: b.r }", literal(nil)},
		"link of missing":    {"{ from: missing, link: b.r }", literal(nil)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mustParse(t, head+"F: "+tt.field+"\n } }\ndefaults: { phone_country: US }\n")
			got := m.Boards[0].Records[0].Desired(sample(), nil, noon)
			if diff := cmp.Diff(map[string]Value{"F": tt.want}, got, sameValue); diff != "" {
				t.Errorf("Desired (-want +got):\n%s", diff)
			}
		})
	}
}

// sameValue compares errors by their texts.
var sameValue = cmp.Comparer(func(a, b Value) bool {
	x, ok := errors.AsType[*ValueError](a.Err)
	y, ok2 := errors.AsType[*ValueError](b.Err)
	if ok && ok2 && *x == *y {
		a.Err, b.Err = nil, nil
	}
	return a == b
})

// TestDesiredInTimeZone checks that a date with a time is its day in the mapping's time zone, and without a zone
// Monday's day, in UTC.
func TestDesiredInTimeZone(t *testing.T) {
	t.Parallel()
	unmapped := Value{Err: &ValueError{Field: "F", Column: "evening", Code: UnmappedLabel}}
	tests := map[string]struct{ zone, field, want string }{
		"without a zone":     {"", "evening", "2026-07-01"},
		"west":               {"America/New_York", "evening", "2026-06-30"},
		"far west":           {"Pacific/Pago_Pago", "evening", "2026-06-30"},
		"east":               {"Asia/Tokyo", "evening", "2026-07-01"},
		"UTC":                {"UTC", "evening", "2026-07-01"},
		"without a time":     {"Pacific/Pago_Pago", "date", "2026-05-31"},
		"next day":           {"Pacific/Kiritimati", "date_time", "2026-06-01"},
		"not a time":         {"America/New_York", "bad_time", "2026-02-03"},
		"as text":            {"America/New_York", "{ from: evening, as: text }", "2026-06-30"},
		"in a template":      {"America/New_York", "{ template: 'on {evening}' }", "on 2026-06-30"},
		"as a label":         {"America/New_York", "{ from: evening, labels: { 2026-06-30: June } }", "June"},
		"as datetime":        {"America/New_York", "{ from: evening, as: datetime }", "2026-07-01T01:00:00Z"},
		"datetime, midnight": {"America/New_York", "{ from: date, as: datetime }", "2026-05-31T00:00:00Z"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defaults := ""
			if tt.zone != "" {
				defaults = "defaults: { time_zone: " + tt.zone + " }\n"
			}
			m := mustParse(t, head+"F: "+tt.field+"\n } }\n"+defaults)
			got := m.Boards[0].Records[0].Desired(sample(), nil, noon)["F"]
			if diff := cmp.Diff(Value{Literal: tt.want}, got, sameValue); diff != "" {
				t.Errorf("Desired (-want +got):\n%s", diff)
			}
		})
	}
	m := mustParse(t, head+"F: { from: evening, labels: { 2026-07-01: July } }\n } }\ndefaults: { time_zone: America/New_York }\n")
	if diff := cmp.Diff(unmapped, m.Boards[0].Records[0].Desired(sample(), nil, noon)["F"], sameValue); diff != "" {
		t.Errorf("the label of another day (-want +got):\n%s", diff)
	}
}

func TestDesiredReferences(t *testing.T) {
	t.Parallel()
	m := mustParse(t, head+"Link: { from: board_relation, link: b.r }, Sibling: { record: s }\n } }\n      s: { object: B, fields: { F: name } }\n")
	r := m.Board(1).Named("r")
	got := r.Desired(sample(), nil, noon)
	want := map[string]Value{"Link": {Link: r, Item: 501}, "Sibling": {Record: m.Board(1).Named("s")}}
	if diff := cmp.Diff(want, got, sameValue); diff != "" {
		t.Errorf("Desired (-want +got):\n%s", diff)
	}
	if f := r.Fields[0]; f.Link() != r || f.Record() != nil || !cmp.Equal(f.Columns(), []string{"board_relation"}) {
		t.Errorf("field Link: Link() = %v, Record() = %v, Columns() = %v", f.Link(), f.Record(), f.Columns())
	}
	if f := r.Fields[1]; f.Link() != nil || f.Record() != m.Board(1).Named("s") || f.Columns() != nil {
		t.Errorf("field Sibling: Link() = %v, Record() = %v, Columns() = %v", f.Link(), f.Record(), f.Columns())
	}
}

func TestDesiredSince(t *testing.T) {
	t.Parallel()
	r := mustParse(t, head+"F: { from: missing, default: +90d }\n } }\n").Boards[0].Records[0]
	evening := time.Date(2026, 2, 28, 23, 30, 0, 0, time.FixedZone("", -3600))
	first := r.Desired(Item{}, nil, evening)["F"]
	if want := (Value{Literal: "2026-05-30", Since: "2026-03-01"}); first != want {
		t.Errorf("first = %+v, want %+v (the day in UTC)", first, want)
	}
	later := r.Desired(Item{}, map[string]string{"F": first.Since}, evening.AddDate(1, 0, 0))["F"]
	if later != first {
		t.Errorf("later = %+v, want %+v", later, first)
	}
}

func TestValueErrorKeepsValues(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ field, want string }{
		"status":   {"{ from: status, labels: { x: y } }", `UNMAPPED_LABEL: field F: column status has the label "Quote", which is not mapped`},
		"text":     {"{ from: word, labels: { x: y } }", "UNMAPPED_LABEL: field F: column word holds text that is not one of the mapped labels"},
		"number":   {"{ from: word, as: number }", "INVALID_NUMBER: field F: column word does not hold a number"},
		"phone":    {"{ from: word, as: phone }", "INVALID_PHONE: field F: column word does not hold a valid phone number"},
		"date":     {"bad_date", "INVALID_DATE: field F: column bad_date does not hold a date"},
		"type":     {"people", "WRONG_COLUMN_TYPE: field F: column people has a type that cannot be converted for this field"},
		"template": {`{ template: "{word}{people}" }`, "WRONG_COLUMN_TYPE: field F: column word, people has a type that cannot be converted for this field"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := mustParse(t, head+"F: "+tt.field+"\n } }\n").Boards[0].Records[0].Desired(sample(), nil, noon)["F"].Err
			if err == nil || err.Error() != tt.want {
				t.Errorf("error = %v, want %s", err, tt.want)
			}
		})
	}
}

func TestConditionHolds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition Condition
		want      bool
	}{
		"none":             {nil, true},
		"status":           {Condition{"status": {"Qualified", "Quote"}}, true},
		"other status":     {Condition{"status": {"quote"}}, false},
		"and":              {Condition{"status": {"Quote"}, "word": {"Plato"}}, true},
		"and not":          {Condition{"status": {"Quote"}, "word": {"Kant"}}, false},
		"dropdown":         {Condition{"dropdown": {"B"}}, true},
		"dropdown none of": {Condition{"dropdown": {"A;B"}}, false},
		"empty dropdown":   {Condition{"no_dropdown": {""}}, true},
		"checkbox":         {Condition{"checked": {"true"}, "unchecked": {"false"}}, true},
		"name":             {Condition{"name": {"Ada  Maria Lovelace"}}, true},
		"number":           {Condition{"rating": {"4"}}, true},
		"missing":          {Condition{"missing": {"x"}}, false},
		"missing is empty": {Condition{"missing": {""}}, true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.condition.Holds(sample()); got != tt.want {
				t.Errorf("Holds = %v, want %v", got, tt.want)
			}
		})
	}
}
