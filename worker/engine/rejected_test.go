package engine

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// codes are the codes of the errors by position; "-": none, "again": to be attempted again.
func codes(errs []error) (all []string) {
	for _, err := range errs {
		var rejected *RejectedError
		switch {
		case err == nil:
			all = append(all, "-")
		case errors.As(err, &rejected):
			all = append(all, rejected.Field+" "+rejected.Code)
		default:
			all = append(all, "again")
		}
	}
	return all
}

func rejects(code string, bad any) func(any) string {
	return func(value any) string {
		if value == bad {
			return code
		}
		return ""
	}
}

// TestRejectedMatch: Salesforce rejects a match value. The next attempt must not look for the record by it.
func TestRejectedMatch(t *testing.T) {
	t.Parallel()
	w := setup(t)
	locked := true
	e := w.engine(watch(func(object string, records []sfclient.Record) {
		if _, has := records[0]["Email"]; object == "Contact" && !has && locked {
			locked = false
			w.salesforce.SetDown(true)
		}
	}))
	w.salesforce.Reject("Contact", "Email", rejects("INVALID_EMAIL_ADDRESS", "bad@example.org"))
	bad := w.monday.CreateItem(people, "Ada King", map[string]any{"email": email("bad@example.org")})
	good := w.monday.CreateItem(people, "Ada Byron", map[string]any{"email": email("good@example.org")})
	first := w.event(people, bad, Event{Kind: Created, Name: "Ada King"})
	w.do(e, first)
	w.salesforce.SetDown(false)
	answers := w.batch(e, first, w.event(people, good, Event{Kind: Created, Name: "Ada Byron"}))
	if diff := cmp.Diff([]string{"Email INVALID_EMAIL_ADDRESS", "-"}, codes([]error{answers[0].err, answers[1].err})); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if w.contact(bad)["LastName"] != "King" || w.contact(good)["LastName"] != "Byron" {
		t.Error("the records were not created")
	}
}

// TestRejectedShared: a shared record cannot be created, for several items at once.
func TestRejectedShared(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		company string
		code    string // of a rejection that names the field, in place of the simulator's own
	}{
		"field":  {company: "Acme", code: "FIELD_INTEGRITY_EXCEPTION"},
		"length": {company: strings.Repeat("x", 256)},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			e := w.engine()
			if tt.code != "" {
				w.salesforce.Reject("Account", "Name", rejects(tt.code, tt.company))
			}
			var events []Event
			for n := range 3 {
				item := w.monday.CreateItem(people, fmt.Sprintf("Ada %d", n), map[string]any{"company": tt.company})
				events = append(events, w.event(people, item, Event{Kind: Created, Name: fmt.Sprintf("Ada %d", n)}))
			}
			for range 2 { // a worker may die after its commit
				for n, a := range w.batch(e, events...) {
					if !permanent(a.err) {
						t.Errorf("event %d: %q, %v; want a dead letter", n, a.outcome, a.err)
					}
				}
			}
			if n := len(w.salesforce.Records("Account")); n != 0 {
				t.Errorf("%d accounts without the value that they are shared by", n)
			}
			if n := len(w.salesforce.Records("Contact")); n != 3 {
				t.Errorf("%d contacts, want 3", n)
			}
			w.must(e, w.event(people, events[0].ItemID, later(updated("company", "Better"))))
			if n := len(w.salesforce.Records("Account")); n != 1 {
				t.Errorf("%d accounts after a value that passes, want 1", n)
			}
		})
	}
}

// TestRejectedBeside: a shared record is created without a field.
func TestRejectedBeside(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	w.salesforce.Reject("Account", "Phone", rejects("FIELD_INTEGRITY_EXCEPTION", "12125550100"))
	item := w.monday.CreateItem(people, "Ada King", map[string]any{"company": "Acme", "phone": map[string]any{"phone": "12125550100", "countryShortName": "US"}})
	created := w.event(people, item, Event{Kind: Created, Name: "Ada King"})
	for range 2 {
		_, errs := w.do(e, created)
		if diff := cmp.Diff([]string{"Phone FIELD_INTEGRITY_EXCEPTION"}, codes(errs)); diff != "" {
			t.Errorf("errors (-want +got):\n%s", diff)
		}
	}
	if made := w.salesforce.Records("Account"); len(made) != 1 || made[0]["Name"] != "Acme" {
		t.Errorf("accounts %v, want one", made)
	}
	if n := ask[int](w, "SELECT count(*) FROM links WHERE salesforce_id IS NOT NULL"); n != 2 {
		t.Errorf("%d links, want 2", n)
	}
}

// TestRejectedField: a value fails its own event and nothing else, until it changes.
func TestRejectedField(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	w.salesforce.Reject("Contact", "Email", rejects("INVALID_EMAIL_ADDRESS", "bad@example.org"))
	item := w.person(e, "Ada King", map[string]any{"status": map[string]any{"label": "Boss"}})
	other := w.person(e, "Ada Byron", nil)
	mail := w.event(people, item, later(updated("email", "")))
	mail.ColumnType, mail.Value = "email", []byte(`{"email":"bad@example.org","text":"bad@example.org"}`)
	rename := w.event(people, item, Event{Kind: Renamed, Name: "Ada Lovelace"})
	ghost := w.event(people, item, later(updated("status", "")))
	ghost.ColumnType, ghost.Value = "color", []byte(`{"label":{"index":2,"text":"Ghost"}}`)
	stranger := w.event(people, other, Event{Kind: Renamed, Name: "Ada Noel"})
	answers := w.batch(e, mail, rename, ghost, stranger)
	var got []error
	for _, a := range answers {
		got = append(got, a.err)
	}
	if diff := cmp.Diff([]string{"Email INVALID_EMAIL_ADDRESS", "-", "Title UNMAPPED_LABEL", "-"}, codes(got)); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if w.contact(item)["LastName"] != "Lovelace" || w.contact(other)["LastName"] != "Noel" {
		t.Error("what was not rejected was not written")
	}
	calls := w.salesforce.TotalCalls()
	w.must(e, w.event(people, item, Event{Kind: Renamed, Name: "Ada Lovelace"}))
	if n := w.salesforce.TotalCalls() - calls; n != 0 {
		t.Errorf("%d calls for a value that was rejected before", n)
	}
	_, errs := w.do(e, mail)
	if diff := cmp.Diff([]string{"Email INVALID_EMAIL_ADDRESS"}, codes(errs)); diff != "" {
		t.Errorf("the same event once more (-want +got):\n%s", diff)
	}
}

// TestRejectedErrorNamesItsCodeOnce: the mapping's text for a value begins with the code already.
func TestRejectedErrorNamesItsCodeOnce(t *testing.T) {
	t.Parallel()
	err := &RejectedError{Object: "Lead", Field: "Status", Code: mapping.UnmappedLabel,
		Detail: (&mapping.ValueError{Field: "Status", Column: "status", Code: mapping.UnmappedLabel, Label: "Ghost"}).Error()}
	const want = `Lead.Status: UNMAPPED_LABEL: field Status: column status has the label "Ghost", which is not mapped`
	if got := err.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
