package scaffold_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/audit"
	"crmsync/internal/scaffold"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

func object(name string, fields ...sfclient.Field) *sfclient.Object {
	return &sfclient.Object{Name: name, Fields: fields}
}

func field(name, label, kind string) sfclient.Field {
	return sfclient.Field{Name: name, Label: label, Type: kind, Length: 255, Createable: true, Updateable: true, Nillable: true}
}

func values(f sfclient.Field, values ...string) sfclient.Field {
	for _, v := range values {
		f.Picklist = append(f.Picklist, sfclient.PicklistValue{Value: v, Label: v, Active: true})
	}
	f.RestrictedPicklist = true
	return f
}

func TestWrite(t *testing.T) {
	t.Parallel()
	board := mondayclient.Board{ID: 7, Name: "Our Leads!", Columns: []mondayclient.BoardColumn{
		{ID: "name", Title: "Name", Type: "name"},
		{ID: "status", Title: "Status", Type: column.Status, Labels: []string{"new", "On: hold", "Lost", "R&D"}},
		{ID: "text_1", Title: "COMPANY", Type: column.Text},
		{ID: "email_1", Title: "Write to", Type: column.Email},
		{ID: "date_1", Title: "First call", Type: column.Date},
		{ID: "numbers_1", Title: "Size", Type: column.Numbers},
		{ID: "person", Title: "Owner", Type: column.People},
		{ID: "connect", Title: "Campaign", Type: column.BoardRelation},
		{ID: "website", Title: "Website\n# of the: company", Type: column.Link},
		{ID: "text_9", Title: "Lead ID", Type: column.Text},
		{ID: "formula", Title: "Amount", Type: "formula"},
	}}
	stage := values(field("Stage__c", "Stage", "picklist"), "A", "B")
	stage.Nillable = false
	owner := field("OwnerId", "Owner ID", "reference")
	owner.ReferenceTo = []string{"User"}
	campaign := field("CampaignId", "Campaign ID", "reference")
	readOnly := field("Size__c", "Size", "string")
	readOnly.Createable = false
	got, err := scaffold.Write(scaffold.Pair{Board: board, Object: object("Lead",
		field("FirstName", "First Name", "string"), field("LastName", "Last Name", "string"), field("Company", "Company", "string"),
		values(field("Status", "Status", "picklist"), "New", "On-Hold", "Closed", "R&D"), stage, owner, campaign,
		field("Email", "Email", "email"), field("First_Call__c", "First Call", "datetime"), field("Site__c", "Website", "url"),
		field("Other__c", "Other Site", "url"), field("Amount", "Amount", "currency"), readOnly, field("Company_Size__c", "Company Size", "string"))})
	if err != nil {
		t.Fatal(err)
	}
	want := `# yaml-language-server: $schema=mapping.schema.json
#
# A first mapping: board 7 to Lead.
# Read it, remove the # from correct lines, and run ` + "`crmsync check --live`" + `. The text after a # is a column's
# title, a list of picklist values, or why a line is commented out.

version: 1

defaults:
  key: Monday_Item_Id__c  # create this field on Lead: text of 18 characters or more, External ID, Unique

boards:
  our_leads:  # Our Leads!
    board: 7
    records:
      lead:
        object: Lead
        id_column: text_9  # Lead ID
        # match: [Email]  # links an existing record before creating one
        fields:
          FirstName: { from: name, as: first_name }  # all but the last word of the item's name
          LastName: { from: name, as: last_name }  # the last word of the item's name
          Company: text_1  # COMPANY
          Status:  # Status: New, On-Hold, Closed, R&D
            from: status
            labels:
              new: New
              "On: hold": On-Hold
              # Lost: value  # no matching picklist value
              "R&D": "R&D"
            # default: New  # for every other label, or none
          # Stage__c: column_id  # Salesforce does not create a record without it: A, B
          OwnerId: { from: person, as: user }  # Owner
          # CampaignId: { from: connect, link: board.record }  # Campaign: needs the record of the connected board, in the form board.record
          Email: email_1  # Write to
          First_Call__c: { from: date_1, as: datetime }  # First call
          # Site__c: website  # Website # of the: company: is this the right column?
          # Company_Size__c: { from: numbers_1, as: text }  # Size: is this the right column?

          # Columns without a matching field:
          #   formula (formula)  # Amount
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("mapping (-want +got):\n%s", diff)
	}
}

// TestWriteIsSound checks that the result is a mapping, whatever people call their boards, columns and labels.
func TestWriteIsSound(t *testing.T) {
	t.Parallel()
	odd := []string{"", " ", "null", "true", "No", "~", "123", "1.5", "0x1F", "-", "- a", "a: b", "a #b", "#", "{x}", "[x]", `"q"`, "it's", `back\slash`, "a\nb", "tab\t",
		"*x", "&x", "!x", "%x", "@x", "`x`", "|", ">", "?", "ünïcode", "名前", "🙂", "\u2028", "<<", "name", "a\x00b", strings.Repeat("long ", 50), "=", ",", "e\u0301", "2026-01-31", "yes "}
	for _, text := range odd {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			board := mondayclient.Board{ID: 1, Name: text, Columns: []mondayclient.BoardColumn{
				{ID: "status", Title: "Status", Type: column.Status, Labels: append([]string{"Open"}, odd...)},
				{ID: text, Title: "Phone", Type: column.Phone},
				{ID: "text", Title: text, Type: column.Text},
			}}
			status := values(field("Status", "Status", "picklist"), append([]string{"Open"}, odd...)...)
			o := object("Thing__c", field("Name", "Name", "string"), status, field("Phone", "Phone", "phone"), field("Note__c", text, "string"))
			src, err := scaffold.Write(scaffold.Pair{Board: board, Object: o})
			if err != nil {
				t.Fatal(err)
			}
			m, err := mapping.Parse("m", []byte(src))
			if err != nil {
				t.Fatalf("Parse: %v\n%s", err, src)
			}
			fields := map[string]*mapping.Field{}
			for _, f := range m.Boards[0].Records[0].Fields {
				fields[f.Name] = f
			}
			if fields["Name"] == nil || fields["Status"] == nil {
				t.Fatalf("a field is missing in:\n%s", src)
			}
			for _, c := range fields["Status"].Labels() {
				if c.Value != c.Label {
					t.Errorf("label %q has the value %q", c.Label, c.Value)
				}
			}
			live := audit.Live{Boards: map[int64]mondayclient.Board{1: board}, Objects: map[string]*sfclient.Object{"Thing__c": o}}
			for _, f := range audit.Check(m, live) {
				if f.Severity == audit.Error && f.Line > m.Boards[0].Records[0].At("fields").Line {
					t.Errorf("%d: %s", f.Line, f.Message)
				}
			}
		})
	}
}

// TestWriteCommentsOutErrors checks that fields Salesforce would reject are commented out, although the names match.
func TestWriteCommentsOutErrors(t *testing.T) {
	t.Parallel()
	account := field("AccountId", "Owner", "reference")
	account.ReferenceTo = []string{"Account"}
	board := mondayclient.Board{ID: 1, Name: "B", Columns: []mondayclient.BoardColumn{{ID: "person", Title: "Owner", Type: column.People}}}
	got, err := scaffold.Write(scaffold.Pair{Board: board, Object: object("Case", field("Name", "Name", "string"), account)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "          # AccountId: { from: person, as: user }  # Owner: Case.AccountId refers to Account, not to User\n"; !strings.Contains(got, want) {
		t.Errorf("missing %q in\n%s", want, got)
	}
}

func TestWriteNothing(t *testing.T) {
	t.Parallel()
	board := mondayclient.Board{ID: 1, Name: "B", Columns: []mondayclient.BoardColumn{{ID: "text", Title: "Text", Type: column.Text}}}
	if _, err := scaffold.Write(scaffold.Pair{Board: board, Object: object("Case", field("Amount", "Amount", "double"))}); !errors.Is(err, scaffold.ErrNothingFits) {
		t.Errorf("Write() = %v, want ErrNothingFits", err)
	}
}

// TestManyValues checks that a long picklist is shortened in its comment.
func TestManyValues(t *testing.T) {
	t.Parallel()
	var many []string
	for n := range 22 {
		many = append(many, fmt.Sprintf("V%02d", n))
	}
	kind := values(field("Kind__c", "Kind", "picklist"), many...)
	board := mondayclient.Board{ID: 7, Name: "B", Columns: []mondayclient.BoardColumn{{ID: "kind", Title: "Kind", Type: column.Status, Labels: many[:2]}}}
	got, err := scaffold.Write(scaffold.Pair{Board: board, Object: object("Lead", kind)})
	if err != nil {
		t.Fatal(err)
	}
	if want := "# Kind: V00, V01, "; !strings.Contains(got, want) || !strings.Contains(got, ", V19, and 2 more\n") || strings.Contains(got, "V20,") {
		t.Errorf("mapping:\n%s", got)
	}
}

// shop is two connected boards with their objects.
func shop() (accounts, contacts scaffold.Pair) {
	accounts = scaffold.Pair{
		Board:  mondayclient.Board{ID: 1, Name: "Shop", Columns: []mondayclient.BoardColumn{{ID: "phone", Title: "Phone", Type: column.Phone}}},
		Object: object("Account", field("Name", "Name", "string"), field("Phone", "Phone", "phone")),
	}
	account := field("AccountId", "Account ID", "reference")
	account.ReferenceTo = []string{"Account"}
	contacts = scaffold.Pair{
		Board: mondayclient.Board{ID: 2, Name: "Shop", Columns: []mondayclient.BoardColumn{
			{ID: "mail", Title: "Email", Type: column.Email},
			{ID: "connect", Title: "Account", Type: column.BoardRelation, Boards: []int64{1}},
		}},
		Object: object("Contact", field("LastName", "Last Name", "string"), field("Email", "Email", "email"), account),
	}
	return accounts, contacts
}

// TestWriteSeveral checks that connected boards are linked, whichever comes first, and that names do not collide.
func TestWriteSeveral(t *testing.T) {
	t.Parallel()
	accounts, contacts := shop()
	for _, pairs := range [][]scaffold.Pair{{accounts, contacts}, {contacts, accounts}} {
		got, err := scaffold.Write(pairs...)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mapping.Parse("m", []byte(got))
		if err != nil {
			t.Fatalf("%v in\n%s", err, got)
		}
		link := m.Board(1).Name + ".account"
		if m.Board(1).Name == m.Board(2).Name || !strings.Contains(got, "\n          AccountId: { from: connect, link: "+link+" }  # Account\n") {
			t.Errorf("the contacts are not linked to %s:\n%s", link, got)
		}
	}
	lead := scaffold.Pair{Board: accounts.Board, Object: object("Lead", field("Phone", "Phone", "phone"))}
	got, err := scaffold.Write(accounts, contacts, lead)
	if err != nil {
		t.Fatal(err)
	}
	m, err := mapping.Parse("m", []byte(got))
	if err != nil || len(m.Boards) != 2 || len(m.Board(1).Records) != 2 {
		t.Errorf("two records of one board: %v in\n%s", err, got)
	}
	if _, err := scaffold.Write(accounts, accounts); err == nil {
		t.Error("the same pair twice was accepted")
	}
}

// TestAdd checks that a file keeps its text, whatever its indentation and whatever follows its boards.
func TestAdd(t *testing.T) {
	t.Parallel()
	accounts, contacts := shop()
	const record = `records:
            firm: { object: Account, fields: { Name: name } }  # ours
`
	for name, src := range map[string]string{
		"boards at the end":     "version: 1\n# top\nboards:\n  clients:\n    board: 1\n    " + record,
		"no line's end":         strings.TrimSuffix("version: 1\nboards:\n  clients:\n    board: 1\n    "+record, "\n"),
		"defaults at the end":   "version: 1\nboards:\n  clients:\n    board: 1\n    " + record + "\n# About the key\ndefaults:\n  key: Other__c\n",
		"indented by four":      "version: 1\nboards:\n    clients:\n        board: 1\n        " + record,
		"a comment below":       "version: 1\nboards:\n  clients:\n    board: 1\n    " + strings.TrimSuffix(record, "  # ours\n") + "\n\n            # ours\n",
		"comment within boards": "version: 1\nboards:\n# ours\n  clients:\n    board: 1\n    " + record,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := scaffold.Add("m", []byte(src), contacts)
			if err != nil {
				t.Fatal(err)
			}
			m, err := mapping.Parse("m", []byte(got))
			if err != nil {
				t.Fatalf("%v in\n%s", err, got)
			}
			if len(m.Boards) != 2 || m.Board(1).Named("firm") == nil || !strings.Contains(got, "{ from: connect, link: clients.firm }") {
				t.Errorf("got\n%s", got)
			}
			if at := strings.Index(got, "# ours"); at > strings.Index(got, "board: 2") {
				t.Errorf("a comment has moved to another board:\n%s", got)
			}
			for line := range strings.Lines(src) {
				if !strings.Contains(got, strings.TrimSpace(line)) {
					t.Errorf("lost %q in\n%s", line, got)
				}
			}
			if _, err := scaffold.Add("m", []byte(src), accounts); err == nil || !strings.Contains(err.Error(), "board 1 is mapped already") {
				t.Errorf("a board that is mapped: %v", err)
			}
		})
	}
	if _, err := scaffold.Add("m", []byte("boards: 1"), contacts); err == nil {
		t.Error("a faulty file was accepted")
	}
}
