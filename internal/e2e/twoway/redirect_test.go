package twoway_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestRedirected: columns are emptied in Monday and their events are lost, while fields that went both ways, or only to
// Monday, are switched to go only to Salesforce. That is a change in Monday like any other: it is planned and sent.
func TestRedirected(t *testing.T) {
	t.Parallel()
	const fields = `version: 1
defaults: { phone_country: US, reconcile: off }
boards:
  accounts:
    board: 1001
    records:
      account:
        object: Account
        fields:
          Name: name
          Phone: { from: phone, as: phone, sync: both }
          Website: { from: website, sync: both }
          Description: { from: text_note, sync: to_monday }
`
	w := e2e.Setup(t, e2e.ByHand, e2e.Mapped(fields), e2e.With("SALESFORCE_POLL", "off"), e2e.With("BACKFILL", "off"))
	stop := w.Start("serve")
	w.Subscribe()
	create := func(name string) (item int64) {
		item = w.Monday.CreateItem(e2e.Accounts, name, map[string]any{
			"phone": e2e.Phone("+12125550100"), "website": map[string]any{"url": "https://a.example", "text": ""},
		})
		w.Flush()
		w.Quiet()
		edit(w, "Account", item, map[string]any{"Description": "theirs"})
		ring(w, e2e.Accounts, item)
		shows(w, item, map[string]string{"text_note": "theirs"})
		return item
	}
	emptied, same := create("Emptied"), create("Same")
	stop()
	w.Env["MAPPING"] = w.File("to.yaml", strings.NewReplacer("sync: both", "sync: to_salesforce", "sync: to_monday", "sync: to_salesforce").Replace(fields))
	for _, column := range []string{"phone", "website", "text_note"} {
		w.Monday.SetColumn(emptied, column, nil)
	}
	edit(w, "Account", same, map[string]any{"Description": "drift"})
	w.Mail.Take() // the events are lost

	out := command(w, 3, "plan", "--check")
	for _, want := range []string{"account.Phone", "account.Website", "account.Description", "3                               changed in Monday"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan does not contain %q:\n%s", want, out)
		}
	}
	w.Start("serve")
	command(w, 0, "apply", "--yes")
	w.Quiet()
	w.Holds(w.Record("Account", emptied), map[string]any{"Phone": nil, "Website": nil, "Description": nil})
	w.Holds(w.Record("Account", same), map[string]any{"Phone": "+12125550100", "Website": "https://a.example", "Description": "drift"})
	if out := command(w, 3, "plan", "--check"); strings.Contains(out, "Phone") || !strings.Contains(out, "drift") {
		t.Errorf("plan after apply:\n%s", out)
	}
	w.Healthy()
}
