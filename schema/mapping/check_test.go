package mapping

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFieldFaults uses one line of fields, the seventh of the file, in an otherwise empty record.
func TestFieldFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ fields, want string }{
		"column":              {"F: text_1", ""},
		"as":                  {"F: { from: a, as: user }", ""},
		"as and default":      {"F: { from: a, as: trim, default: 1.5 }", ""},
		"labels and default":  {"F: { from: a, labels: { x: null, 2: true, true: 3 }, default: +0d }", ""},
		"template":            {`F: { template: "{{{a}}} {name}", as: upper, default: x }`, ""},
		"link to itself":      {"F: { from: a, link: b.r }", ""},
		"phone default":       {`F: { from: a, default: "+15551234567" }`, ""},
		"column is a list":    {"F: [a]", "7:4: expected text, found a list"},
		"column is null":      {"F: ", "7:3: expected text, found null"},
		"column is a number":  {"F: 1", "7:4: expected text (in quotes), found a number"},
		"column is a title":   {"F: Close date", `7:4: "Close date" is not a column id (ids contain no spaces; the column's menu in Monday shows them)`},
		"column is empty":     {`F: ""`, `7:4: "" is not a column id (ids contain no spaces; the column's menu in Monday shows them)`},
		"no form":             {"F: { as: trim }", `7:1: one of "from", "value", "template" or "record" is missing`},
		"nothing":             {"F: {}", `7:1: one of "from", "value", "template" or "record" is missing`},
		"two forms":           {"F: { value: x, from: a }", `7:6: "value" cannot be combined with "from"`},
		"unknown key":         {"F: { form: a }", "7:1: one of \"from\", \"value\", \"template\" or \"record\" is missing\n7:6: unknown key \"form\", did you mean \"from\"?"},
		"key twice":           {"F: { from: a, from: b }", `7:15: key "from" is already set on line 7`},
		"unknown as":          {"F: { from: a, as: firstname }", `7:19: "firstname" is not a valid value of "as", did you mean "first_name"? (country_code, datetime, email, first_name, last_name, lower, number, phone, text, trim, upper, user)`},
		"two as":              {"F: { from: a, as: [trim, lower] }", "7:19: expected text, found a list"},
		"labels and as":       {"F: { from: a, labels: { x: y }, as: trim }", `7:33: "as" cannot be combined with "labels"`},
		"labels as list":      {"F: { from: a, labels: [x] }", "7:23: expected a mapping, found a list"},
		"no labels":           {"F: { from: a, labels: {} }", "7:23: expected at least one label"},
		"empty label":         {`F: { from: a, labels: { "": x } }`, `7:25: an empty column has no label; use "default"`},
		"label twice":         {"F: { from: a, labels: { x: y, x: z } }", `7:31: key "x" is already set on line 7`},
		"label to a list":     {"F: { from: a, labels: { x: [y] } }", "7:28: expected text, a number, true, false or null, found a list"},
		"link and others":     {"F: { from: a, link: b.r, as: trim, default: x }", "7:26: \"as\" cannot be combined with \"link\"\n7:36: \"default\" cannot be combined with \"link\""},
		"link without from":   {"F: { value: a, link: b.r }", `7:16: "link" cannot be combined with "value"`},
		"link from the name":  {"F: { from: name, link: b.r }", "7:18: the item's name is text and cannot link to an item"},
		"link to nothing":     {"F: { from: a, link: b.x }", `7:21: there is no record "b.x" (board.record), did you mean "b.r"?`},
		"link to a board":     {"F: { from: a, link: other }", `7:21: there is no record "other" (board.record)`},
		"default of a value":  {"F: { value: a, default: x }", `7:16: "default" cannot be combined with "value"`},
		"default of a record": {"F: { record: r, default: x }", "7:14: record \"r\" cannot refer to itself\n7:17: \"default\" cannot be combined with \"record\""},
		"default as a list":   {"F: { from: a, default: [] }", "7:24: expected text, a number, true, false or null, found a list"},
		"default in months":   {"F: { from: a, default: +3m }", `7:24: "+3m" is not a valid delay: +90d means 90 days later, and +0d to +99999d are allowed`},
		"default in the past": {"F: { from: a, default: -1d }", `7:24: "-1d" is not a valid delay: +90d means 90 days later, and +0d to +99999d are allowed`},
		"value null":          {"F: { value: ~ }", "7:13: expected text, a number, true or false, found null"},
		"octal":               {"F: { value: 012 }", "7:13: 012 is not a plain decimal number; write it in quotes if it is text"},
		"phone as a number":   {"F: { value: +15551234567 }", "7:13: +15551234567 is not a plain decimal number; write it in quotes if it is text"},
		"long number":         {"F: { value: 12345678901234567 }", "7:13: 12345678901234567 is not a plain decimal number; write it in quotes if it is text"},
		"infinite":            {"F: { value: .inf }", "7:13: expected text, a number, true, false or null, found a number"},
		"template open":       {`F: { template: "{a" }`, "7:16: the template has a brace without a column id; double it to use it as text"},
		"template closed":     {`F: { template: "a}" }`, "7:16: the template has a brace without a column id; double it to use it as text"},
		"template empty":      {`F: { template: "{}" }`, "7:16: the template has a brace without a column id; double it to use it as text"},
		"template of a title": {`F: { template: "{a b}" }`, "7:16: the template has a brace without a column id; double it to use it as text"},
		"template fixed":      {`F: { template: "a {{b}}" }`, `7:16: the template names no column; use "value" for fixed text`},
		"template and labels": {`F: { template: "{a}", labels: { x: y } }`, `7:23: "labels" cannot be combined with "template"`},
		"template as user":    {`F: { template: "{a}", as: user }`, `7:23: text cannot be read as "user"`},
		"name as datetime":    {"F: { from: name, as: datetime }", `7:18: text cannot be read as "datetime"`},
		"bad API name":        {"Account.Name: a, 9: b, a-b: c", "7:1: \"Account.Name\" is not a valid Salesforce API name\n7:18: \"9\" is not a valid Salesforce API name\n7:24: \"a-b\" is not a valid Salesforce API name"},
		"Id":                  {"id: a", "7:1: Salesforce assigns the Id; it cannot be written"},
		"key":                 {"monday_item_id__c: a", "7:1: field monday_item_id__c is the key field, which holds the item's id"},
		"field in two cases":  {"Email: a, email: b", `7:11: field "email" is already mapped on line 7`},
		"unknown record":      {"F: { record: lead }", `7:14: board "b" has no record "lead"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, faults(t, head+tt.fields+"\n } }\n")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRecordFaults uses records, from the sixth line of the file on, in an otherwise empty board.
func TestRecordFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ records, want string }{
		"all keys":            {"r: { object: A, id_column: c, match: [F], on_delete: keep, shared: false, create_when: { s: x }, fields: { F: a } }", ""},
		"shared":              {"r: { object: A, shared: true, id_column: c, match: [F], fields: { F: a } }", ""},
		"shared unmatched":    {"r: { object: A, shared: true, fields: { F: a } }", `6:17: a shared record needs "match", by which it is found`},
		"shared and deleted":  {"r: { object: A, shared: true, match: [F], on_delete: delete, fields: { F: a } }", "6:43: a shared record belongs to several items and is never deleted with one"},
		"shared as text":      {"r: { object: A, shared: yes, fields: { F: a } }", "6:25: expected true or false, found text"},
		"on_delete":           {"r: { object: A, on_delete: remove, fields: { F: a } }", `6:28: "remove" is not a valid value of "on_delete" (keep, delete)`},
		"no object":           {"r: { fields: { F: a } }", `6:1: "object" is missing`},
		"bad object":          {"r: { object: my object, fields: { F: a } }", `6:14: "my object" is not a valid Salesforce API name`},
		"no fields":           {"r: { object: A, fields: {} }", "6:25: expected at least one field"},
		"record is a list":    {"r: [x]", "6:4: expected a mapping, found a list"},
		"match is a text":     {"r: { object: A, match: F, fields: { F: a } }", "6:24: expected a list, found text"},
		"match is empty":      {"r: { object: A, match: [], fields: { F: a } }", "6:24: the list is empty"},
		"match twice":         {"r: { object: A, match: [F, F], fields: { F: a } }", `6:28: field "F" is listed twice`},
		"match without field": {"r: { object: A, match: [email], fields: { Email: a } }", `6:25: record "r" has no field "email", did you mean "Email"?`},
		"match of references": {"r: { object: A, match: [R, L, U], fields: { R: { record: s }, L: { from: a, link: b.s }, U: { from: a, as: user } } }\ns: { object: B, fields: { F: a } }",
			"6:25: field \"R\" refers to a record; only plain values can be matched\n6:28: field \"L\" refers to a record; only plain values can be matched\n6:31: field \"U\" refers to a record; only plain values can be matched"},
		"id_column twice":    {"r: { object: A, id_column: c, fields: { F: a } }\ns: { object: B, id_column: c, fields: { F: a } }", `7:28: column "c" already shows the Id of record "r"`},
		"id_column name":     {"r: { object: A, id_column: name, fields: { F: a } }", "6:28: the item's name cannot hold the Salesforce Id"},
		"object twice":       {"r: { object: A, fields: { F: a } }\ns: { object: a, fields: { F: a } }", `7:6: record "r" already writes the object A; both would carry the item's id in the key field`},
		"object shared":      {"r: { object: A, fields: { F: a } }\ns: { object: A, shared: true, match: [F], fields: { F: a } }", ""},
		"link to shared":     {"r: { object: A, shared: true, match: [F], fields: { F: a } }\ns: { object: B, fields: { F: { from: a, link: b.r } } }", `7:47: record "b.r" is shared by several items; only a record of one item can be linked`},
		"misspelled record":  {"account: { object: A, fields: { F: a } }\ns: { object: B, fields: { F: { record: acount } } }", `7:40: board "b" has no record "acount", did you mean "account"?`},
		"circle":             {"r: { object: A, fields: { F: { record: s } } }\ns: { object: B, fields: { F: { record: t } } }\nt: { object: C, fields: { F: { record: s } } }", "8:27: the records refer to each other in a circle: s > t > s"},
		"condition empty":    {"r: { object: A, create_when: { s: [] }, fields: { F: a } }", "6:35: the list is empty"},
		"condition null":     {"r: { object: A, create_when: { s: ~ }, fields: { F: a } }", "6:35: expected text, found null"},
		"condition mapping":  {"r: { object: A, create_when: { s: { x: y } }, fields: { F: a } }", "6:35: expected text, found a mapping"},
		"condition list":     {"r: { object: A, create_when: [s], fields: { F: a } }", "6:30: expected a mapping, found a list"},
		"condition boolean":  {"r: { object: A, create_when: { s: True }, fields: { F: a } }", "6:35: expected text (in quotes), found a boolean"},
		"condition of title": {"r: { object: A, create_when: { Lead status: x }, fields: { F: a } }", `6:32: "Lead status" is not a column id (ids contain no spaces; the column's menu in Monday shows them)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := "version: 1\nboards:\n b:\n  board: 1\n  records: {\n" + strings.ReplaceAll(tt.records, "\n", ",\n") + "\n  }\n"
			if diff := cmp.Diff(tt.want, faults(t, src)); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBoardFaults uses boards, from the third line of the file on.
func TestBoardFaults(t *testing.T) {
	t.Parallel()
	const records = "records: { r: { object: A, fields: { F: a } } }"
	tests := map[string]struct{ boards, want string }{
		"large id":    {"b: { board: 9007199254740993, " + records + " }", ""},
		"no id":       {"b: { " + records + " }", `3:1: "board" is missing`},
		"zero":        {"b: { board: 0, " + records + " }", "3:13: 0 is not a valid board id"},
		"text":        {`b: { board: "1", ` + records + " }", "3:13: expected a whole number, found text"},
		"fraction":    {"b: { board: 1.5, " + records + " }", "3:13: expected a whole number, found a number"},
		"too large":   {"b: { board: 99999999999999999999, " + records + " }", "3:13: expected a whole number, found text"},
		"id twice":    {"b: { board: 7, " + records + " },\nc: { board: 7, " + records + " }", `4:13: board 7 is already mapped as "b"`},
		"name twice":  {"b: { board: 7, " + records + " },\nb: { board: 8, " + records + " }", `4:1: key "b" is already set on line 3`},
		"no records":  {"b: { board: 1 }", `3:1: "records" is missing`},
		"empty name":  {`"": { board: 1, ` + records + " }", `3:1: "" is not a valid name: use only letters, digits, _ and -`},
		"unknown key": {"b: { board: 1, create_wen: {}, " + records + " }", `3:16: unknown key "create_wen", did you mean "create_when"?`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, faults(t, "version: 1\nboards: {\n"+tt.boards+"\n}\n")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
