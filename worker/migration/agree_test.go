package migration

import (
	"testing"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

// TestAgree: what a new item cannot express counts as written, because the record has it and must keep it; so does what
// Monday did not accept.
func TestAgree(t *testing.T) {
	t.Parallel()
	g := migrationOf(t, contactsBoard)
	r := contact(1, map[string]column.Value{
		"name": textValue("Ada King"), "email": emailValue("a@x.org"), "status": statusValue("Intern"), "connect_account": linkValue(7),
		"text_note": noteValue("n"),
	})
	tests := map[string]struct {
		columns  []string // of the item
		want     map[string]any
		rejected []string
	}{
		"all": {
			columns: []string{"email", "status", "connect_account", "text_note"},
			want: map[string]any{
				"FirstName": "Ada", "LastName": "King", "Email": "a@x.org", "AccountId": accountID(1), "@text_note": "n", "@name": "Ada King",
			},
			rejected: []string{"Title"},
		},
		"bare": {
			columns: []string{},
			want: map[string]any{
				"FirstName": "Ada", "LastName": "King", "Email": nil, "AccountId": nil, "Title": nil, "@text_note": nil, "@name": "Ada King",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPage(nil)
			p.items[g.Targets[3].Link()] = map[string]int64{accountID(1): 7}
			c := &creation{record: r, columns: tt.columns, link: &ledger.Link{}}
			p.agree(g, c, 9, time.Now())
			got := map[string]any{}
			for field, w := range c.link.Written {
				got[field] = w.Value
			}
			same(t, "agreed", tt.want, got)
			var rejected []string
			for field, r := range c.link.Rejected {
				if rejected = append(rejected, field); r.JobID != 9 || r.Code == "" {
					t.Errorf("rejection %+v, want one of job 9 with a code", r)
				}
			}
			same(t, "rejected", tt.rejected, rejected)
		})
	}
}

// TestAgreeBothWays: a field that goes both ways has met if the record holds what the item says.
func TestAgreeBothWays(t *testing.T) {
	t.Parallel()
	m := parse(t, `version: 1
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        id_column: text_sfid
        sync: both
        items: {}
        fields: { Email: email, Title: { from: status, labels: { Boss: Head } }, Phone: { from: phone, sync: to_monday } }
`)
	r := contact(1, map[string]column.Value{"email": emailValue("a@x.org"), "phone": {Type: column.Phone, Text: "+1 212"}})
	r.fields = sfclient.Record{"Email": "A@x.org", "Title": "Staff", "Phone": "+1 212"}
	c := &creation{record: r, link: &ledger.Link{}}
	newPage(nil).agree(m.Boards[0].Migration, c, 9, time.Now())
	want := map[string]ledger.Held{"Email": {Value: "A@x.org"}, "Phone": {Value: "+1 212"}}
	if _, read := c.asCreated().Columns["email"]; !read {
		t.Fatal("the item lacks its email")
	}
	same(t, "held", want, c.link.Held)
}
