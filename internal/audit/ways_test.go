package audit_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
)

// TestWays checks that without all only fields that are not written to items are reported, and that the systems'
// state counts as far as it is known.
func TestWays(t *testing.T) {
	t.Parallel()
	m, err := mapping.Parse("m", []byte(`version: 1
boards:
  b:
    board: 1
    migrate: { record: r, columns: { long_text: Short } }
    records:
      r:
        object: Lead
        id_column: text_1
        fields:
          Text: text
          Mail: { from: email, sync: to_salesforce }
          Number: numbers
          Pick: mirror
          Once: { value: x }
      s: { object: Contact, fields: { Mail: email, Place: country } }
`))
	if err != nil {
		t.Fatal(err)
	}
	calculated := live()
	for i := range calculated.Objects["Lead"].Fields {
		if f := &calculated.Objects["Lead"].Fields[i]; f.Name == "Number" {
			f.Calculated = true
		}
	}
	const (
		said  = `12:11 Lead.Mail is synced to Salesforce only: its "sync" says so`
		fixed = "15:11 Lead.Once is synced to Salesforce only: it is a fixed value"
	)
	tests := map[string]struct {
		live audit.Live
		all  bool
		want []string
	}{
		"left":       {audit.Live{}, false, []string{said, fixed}},
		"left, live": {calculated, false, []string{said, "13:11 Lead.Number is synced to Salesforce only: Salesforce calculates it", "14:11 Lead.Pick is synced to Salesforce only: Monday calculates its column", fixed}},
		"all": {audit.Live{}, true, []string{
			"5:5 Lead.Name is written to the item's name by each " +
				"migration", `5:5 Lead.Short is written to column "long_text" by each migration`,
			`11:11 Lead.Text is synced to Salesforce, and written to column "text" by each migration`, said,
			`13:11 Lead.Number is synced to Salesforce, and written to column "numbers" by each migration`,
			`14:11 Lead.Pick is synced to Salesforce, and written to column "mirror" by each migration`, fixed,
			"16:39 Contact.Mail is synced to Salesforce", "16:52 Contact.Place is synced to Salesforce"}},
		"a column's type": {audit.Live{Boards: map[int64]mondayclient.Board{1: live().Boards[1]}}, true, []string{
			"5:5 Lead.Name is written to the item's name by each " +
				"migration", `5:5 Lead.Short is written to column "long_text" by each migration`,
			`11:11 Lead.Text is synced to Salesforce, and written to column "text" by each migration`, said,
			`13:11 Lead.Number is synced to Salesforce, and written to column "numbers" by each migration`,
			"14:11 Lead.Pick is synced to Salesforce only: Monday calculates its column", fixed,
			"16:39 Contact.Mail is synced to Salesforce",
			"16:52 Contact.Place is synced to Salesforce only: a Salesforce value does not determine everything a " +
				"column of type country holds"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range audit.Ways(m, tt.live, tt.all) {
				if f.Severity != audit.Note || f.System != audit.File {
					t.Errorf("%+v is not a note about the file", f)
				}
				got = append(got, fmt.Sprintf("%d:%d %s", f.Line, f.Column, f.Message))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWaysBack checks what is reported of fields that are written to Monday.
func TestWaysBack(t *testing.T) {
	t.Parallel()
	m, err := mapping.Parse("m", []byte(`version: 1
boards:
  b:
    board: 1
    records:
      r:
        object: Lead
        id_column: text_1
        sync: both
        fields:
          Text: text
          Mail: { from: email, wins: salesforce }
          Number: { from: numbers, sync: to_monday }
          Pick: mirror
          Twice: email
          Once: { value: x }
`))
	if err != nil {
		t.Fatal(err)
	}
	calculated := live()
	for i := range calculated.Objects["Lead"].Fields {
		if f := &calculated.Objects["Lead"].Fields[i]; f.Name == "Number" || f.Name == "Text" {
			f.Calculated = true
		}
	}
	const (
		twice = "15:11 note Lead.Twice is synced to Salesforce only: column email is filled from Mail"
		fixed = "16:11 note Lead.Once is synced to Salesforce only: it is a fixed value"
	)
	tests := map[string]struct {
		live audit.Live
		all  bool
		want []string
	}{
		"nothing": {audit.Live{}, false, nil},
		"all": {audit.Live{}, true, []string{
			`11:11 note Lead.Text is synced both ways with column "text"; where both changed, Monday wins`,
			`12:11 note Lead.Mail is synced both ways with column "email"; where both changed, Salesforce wins`,
			`13:11 note Lead.Number is synced to column "numbers" only`,
			`14:11 note Lead.Pick is synced both ways with column "mirror"; where both changed, Monday wins`, twice, fixed}},
		"live": {calculated, true, []string{
			"11:11 error Lead.Text cannot be synced to Monday: Salesforce calculates it",
			`12:11 note Lead.Mail is synced both ways with column "email"; where both changed, Salesforce wins`,
			"13:36 error Lead.Number cannot be synced to Monday: Salesforce calculates it",
			"14:11 note Lead.Pick is synced to Salesforce only: Monday calculates its column", twice, fixed}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, f := range audit.Ways(m, tt.live, tt.all) {
				got = append(got, fmt.Sprintf("%d:%d %s %s", f.Line, f.Column, f.Severity, f.Message))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}
