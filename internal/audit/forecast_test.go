package audit

import (
	"strings"
	"testing"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
)

// TestForecast: a plan's calls are enough for the comparisons, or a warning says that they are not.
func TestForecast(t *testing.T) {
	t.Parallel()
	const rules = `
version: 1
defaults: { reconcile: "RECONCILE" }
boards:
  people:
    board: 1
    records:
      contact: { object: Contact, fields: { LastName: name } }
      account: { object: Account, shared: true, match: [Name], fields: { Name: company } }
      lead: { object: Lead, fields: { LastName: name, Company: company } }
  places: { board: 2, records: { account: { object: Account, fields: { Name: name } } } }
`
	boards := map[int64]mondayclient.Board{1: {ID: 1, Items: 40_000}, 2: {ID: 2, Items: 3}}
	tests := map[string]struct {
		reconcile string
		live      Live
		want      []string
	}{
		"nightly":     {"0 3 * * *", Live{Boards: boards, MondayCalls: 850, SalesforceCalls: 10_000}, []string{"note Monday 40003 items about 129 of 850", "note Salesforce 40003 items about 161 of 10000"}},
		"weekly":      {"0 3 * * 1", Live{Boards: boards, MondayCalls: 850}, []string{"note Monday 40003 items about 60 of 850", "note Salesforce 40003 items about 23"}},
		"too much":    {"0 */2 * * *", Live{Boards: boards, MondayCalls: 850, SalesforceCalls: 10_000}, []string{"warning Monday 40003 items about 1020 more than the 850", "note Salesforce 40003 items about 1932 of 10000"}},
		"never":       {"off", Live{Boards: boards, MondayCalls: 1}, nil},
		"not a board": {"0 3 * * *", Live{}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := mapping.Parse("m.yaml", []byte(strings.ReplaceAll(rules, "RECONCILE", tt.reconcile)))
			if err != nil {
				t.Fatal(err)
			}
			a := &auditor{mapping: m, live: tt.live}
			a.forecast()
			if len(a.findings) != len(tt.want) {
				t.Fatalf("findings: %v, want %v", a.findings, tt.want)
			}
			for n, f := range a.findings {
				text := string(f.Severity) + " " + f.System + " " + f.Message
				for _, word := range strings.Fields(tt.want[n]) {
					if !strings.Contains(text, word) {
						t.Errorf("%q does not contain %q", text, word)
					}
				}
			}
		})
	}
}
