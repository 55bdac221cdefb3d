package report

import (
	"testing"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// TestBecause: our own codes are put into words, and several fields get a plural.
func TestBecause(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		state   State
		field   Field
		several bool
	}{
		"the column holds a label that the mapping does not name, UNMAPPED_LABEL": {Rejected, Field{Code: "UNMAPPED_LABEL", Times: 2}, false},
		"Salesforce rejected it twice, STRING_TOO_LONG":                           {Rejected, Field{Code: "STRING_TOO_LONG", Times: 2}, false},
		"Salesforce rejected them, STRING_TOO_LONG":                               {Rejected, Field{Code: "STRING_TOO_LONG"}, true},
		"Monday rejected it, ColumnValueException":                                {Rejected, Field{Code: "ColumnValueException"}, false},
		"it was changed in Salesforce, and Monday has not changed since":          {Drift, Field{}, false},
		"they were changed in Salesforce, and Monday has not changed since":       {Drift, Field{}, true},
		"Monday's values are not in Salesforce, and no event is under way":        {Differs, Field{}, true},
	}
	for want, tt := range tests {
		if got := because(tt.state, tt.field, false, tt.several); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// TestLogEntry: a value from Salesforce is described as such, and a failed event has its own kind.
func TestLogEntry(t *testing.T) {
	t.Parallel()
	column := func(_ int64, id string) string { return "Title of " + id }
	tests := map[string]Entry{
		"success": {Kind: Wrote, Effect: "Title of email written to Monday"},
		"failed":  {Kind: Broken, Effect: "Lead.Status: TOO_LONG; apart from that: Title of email written to Monday"},
	}
	const response = `{"records": [{"object": "Lead", "columns": ["email"]}], "reason": "JobCancelError: Lead.Status: TOO_LONG"}`
	for status, want := range tests {
		got := LogEntry(store.LogRow{Event: "item_resync", Status: status, Response: response}, column)
		if got.Kind != want.Kind || got.Effect != want.Effect {
			t.Errorf("%s: %+v, want %+v", status, got, want)
		}
	}
}

// TestUnchangedEntry: only an event of one column shows that both sides hold its value. Another one may have left a field
// to a person.
func TestUnchangedEntry(t *testing.T) {
	t.Parallel()
	column := func(_ int64, id string) string { return "Title of " + id }
	email := "email"
	tests := map[string]struct {
		log  store.LogRow
		want string
	}{
		"a column": {store.LogRow{Event: "update_column_value", ColumnID: &email}, "nothing to send: both sides hold it already"},
		"the name": {store.LogRow{Event: "update_name"}, "nothing to send: both sides hold it already"},
		"created":  {store.LogRow{Event: "create_pulse"}, "nothing to send"},
		"archived": {store.LogRow{Event: "archive_pulse"}, "nothing to send"},
	}
	for name, tt := range tests {
		tt.log.Status, tt.log.Response = "unchanged", "{}"
		if got := LogEntry(tt.log, column).Effect; got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

// TestAdviseFirstMeeting: Salesforce's values are offered only where they can be written to Monday.
func TestAdviseFirstMeeting(t *testing.T) {
	t.Parallel()
	tests := map[mapping.Direction]string{
		mapping.Both:         "Nothing is written until a person decides: take Monday's values, or Salesforce's.",
		mapping.ToSalesforce: "Nothing is written until a person decides: take Monday's values, or enter Salesforce's in Monday.",
	}
	for direction, want := range tests {
		d := draft{Report: Report{Records: []Record{{Fields: []Field{
			{Name: "LastName", State: Agreed, Direction: string(mapping.ToSalesforce)},
			{Name: "Email", State: FirstMeeting, Direction: string(direction)},
		}}}}}
		if got := d.advise(FirstMeeting); got != want {
			t.Errorf("%s: %q, want %q", direction, got, want)
		}
	}
}

// TestWriteEntry: what a comparison wrote, and a conflict, appear in words.
func TestWriteEntry(t *testing.T) {
	t.Parallel()
	d := &draft{Report: Report{Records: []Record{{Fields: []Field{{Name: "Email", Columns: []Column{{"email", "E-mail"}}}}}}}}
	fields := []string{"Email", "Phone"}
	for want, w := range map[string]store.SweptWrite{
		"Contact updated: Email, Phone":                 {Object: "Contact", Fields: fields, To: "salesforce"},
		"Contact created":                               {Object: "Contact", Fields: fields, Created: true, To: "salesforce"},
		"E-mail written to Monday":                      {Object: "Contact", Fields: fields[:1], To: "monday"},
		"Contact and Monday now agree on: Email, Phone": {Object: "Contact", Fields: fields},
	} {
		w.Kind = "apply"
		if got := d.writeEntry(w); got.Kind != Wrote || got.Text != "Comparison" || got.Effect != want {
			t.Errorf("%+v, want %q", got, want)
		}
	}
	if got := conflictEntry(store.Conflict{Field: "Email", Rule: "monday"}); got.Text+"; "+got.Effect !=
		"Email: both sides had changed; Monday's value stands" {
		t.Errorf("a conflict: %+v", got)
	}
}
