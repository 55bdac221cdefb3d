package mapping

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const migrations = `version: 1
boards:
  contacts:
    board: 2
    migrate: { record: contact, where: "Email != null", group: imported, schedule: "0 6 * * 1", columns: { note: Description } }
    records:
      contact:
        object: Contact
        id_column: sfid
        fields:
          FirstName: { from: name, as: first_name }
          Email: email
          AccountId: { from: connect, link: accounts.account }
          LeadSource: { value: Monday }
          Title: { template: "{email}" }
          HomePhone: phone
          OtherPhone: phone
          OwnerId: { from: owner, as: user }
  accounts:
    board: 1
    migrate: { record: account }
    records:
      account: { object: Account, id_column: sfid, fields: { Name: name, Phone: phone } }
`

func TestMigrations(t *testing.T) {
	t.Parallel()
	m := mustParse(t, migrations)
	var order []string
	for _, g := range m.Migrations() {
		order = append(order, g.Board.Name)
	}
	if diff := cmp.Diff([]string{"accounts", "contacts"}, order); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
	g := m.Boards[0].Migration
	var targets, left []string
	for _, target := range g.Targets {
		targets = append(targets, fmt.Sprint(target.Column(), " ", target.Name, " ", target.Base()))
	}
	for _, l := range g.Left {
		left = append(left, fmt.Sprint(l.Line, " ", l.Field, ": ", l.Reason))
	}
	wantTargets := []string{"name Name @name", "email Email Email", "connect AccountId AccountId", "phone HomePhone HomePhone", "note Description @note"}
	if diff := cmp.Diff(wantTargets, targets); diff != "" {
		t.Errorf("targets (-want +got):\n%s", diff)
	}
	wantLeft := []string{
		"11 FirstName: it is part of a name", "14 LeadSource: it is a fixed value", "15 Title: it is built from a template",
		"17 OtherPhone: column phone is filled from HomePhone", "18 OwnerId: it is a person",
	}
	if diff := cmp.Diff(wantLeft, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if links := g.Links(); len(links) != 1 || links[0] != m.Boards[1] {
		t.Errorf("links: %v", links)
	}
	if base := m.Boards[1].Migration.Targets[0].Base(); base != "Name" {
		t.Errorf("the name's base is %q", base)
	}
	friday := time.Date(2026, 11, 20, 12, 0, 0, 0, time.FixedZone("", 8*3600))
	if next := g.Next(friday); !next.Equal(time.Date(2026, 11, 23, 6, 0, 0, 0, time.UTC)) {
		t.Errorf("next run at %s", next)
	}
}

func TestMigrationFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ migrate, want string }{
		"nothing":          {`{ record: r }`, ""},
		"no record":        {`{}`, "5:14: \"record\" is missing"},
		"unknown record":   {`{ record: s }`, "5:24: board \"b\" has no record \"s\", did you mean \"r\"?"},
		"shared":           {`{ record: account }`, "5:24: record \"account\" is shared by several items; items are created only from a record that belongs to one item"},
		"no id column":     {`{ record: plain }`, "5:24: record \"plain\" has no \"id_column\": without it an item could be created twice"},
		"unknown key":      {`{ record: r, wher: x }`, "5:27: unknown key \"wher\", did you mean \"where\"?"},
		"where":            {`{ record: r, where: "Name != 'it''s (fine)' AND (A = 'b\\\\')" }`, ""},
		"where breaks out": {`{ record: r, where: "A = 1) OR (B = 2" }`, "5:34: the condition closes a parenthesis that it does not open"},
		"where open":       {`{ record: r, where: "A = 'b" }`, "5:34: the condition opens a parenthesis or a quote that it does not close"},
		"schedule":         {`{ record: r, schedule: "monday" }`, `5:37: "monday" is not a cron expression, such as "0 6 * * 1" for Mondays at 06:00 UTC`},
		"time zone":        {`{ record: r, schedule: "CRON_TZ=Asia/Tokyo 0 6 * * 1" }`, "5:37: a schedule is always in UTC and cannot name a time zone"},
		"name":             {`{ record: r, name: "Full Name" }`, `5:33: "Full Name" is not a valid Salesforce API name`},
		"column twice":     {`{ record: r, columns: { email: Description } }`, `5:38: column "email" is already filled from field Email`},
		"column name":      {`{ record: r, columns: { name: Description } }`, `5:38: the item's name is filled by "name"`},
		"id column":        {`{ record: r, columns: { sfid: Description } }`, `5:38: column "sfid" holds the Salesforce Id`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, "version: 1\nboards:\n  b:\n    board: 1\n    migrate: "+tt.migrate+`
    records:
      r: { object: Lead, id_column: sfid, fields: { Email: email } }
      plain: { object: Contact, fields: { Email: email } }
      account: { object: Account, shared: true, match: [Name], fields: { Name: company } }
`)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}
