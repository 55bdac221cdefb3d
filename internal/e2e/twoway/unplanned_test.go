package twoway_test

import (
	"os"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestUnplanned: a deployment gets a mapping by which changes in Salesforce go to Monday, and nobody has planned that.
// Whether it reads the file again or is started anew, its fields stay as they were; what people see says so. A plan puts
// them in force, without a restart.
func TestUnplanned(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(oneWay), e2e.With("SALESFORCE_POLL", "off"), e2e.With("LOG_LEVEL", "info"))
	w.Start("ingest")
	w.Subscribe()
	stop := w.Start("worker")
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("a@example.org")})
	w.Quiet()
	log := w.Logs[1]
	if err := os.WriteFile(w.Env["MAPPING"], []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Eventually("the mapping is read again", func() bool { return log.Contains("switched to the new mapping") })
	edited := func(phone string) {
		t.Helper()
		edit(w, "Contact", item, map[string]any{"Phone": phone})
		ring(w, e2e.Contacts, item)
	}
	untouched := func(when, phone string) {
		t.Helper()
		edited(phone)
		shows(w, item, map[string]string{"phone": "", "email": "a@example.org"})
		w.Monday.SetColumn(item, "email", e2e.Email("b@example.org")) // is synced as before
		w.Quiet()
		w.Holds(w.Record("Contact", item), map[string]any{"Email": "b@example.org", "Phone": phone})
		w.Monday.SetColumn(item, "email", e2e.Email("a@example.org"))
		w.Quiet()
		for _, args := range [][]string{{"status"}, {"status", "--exit-code"}, {"doctor"}, {"check"}, {"apply", "--yes"}} {
			_, stdout, stderr := w.Command(args...)
			says := "contacts.contact.Phone"
			if args[0] == "check" {
				says = "board contacts is synced both ways"
			}
			if out := stdout + stderr; !strings.Contains(out, says) || !strings.Contains(out, "never planned") {
				t.Errorf("%s, %v does not say what is not in force:\n%s", when, args, out)
			}
		}
		command(w, 2, "apply", "--yes")
	}
	untouched("after the file changed", "+12125550111")
	if !log.Contains("fields are not synced to Monday, because no plan was made with that") {
		t.Error("the log does not say which fields are not synced to Monday")
	}
	stop()
	w.Start("worker")
	untouched("after a restart", "+12125550112")

	w.Expect(0, "SELECT count(*) FROM sweeps WHERE kind = 'backfill'")
	command(w, 3, "plan", "--check")
	w.Eventually("the backfills after the plan have ended", func() bool {
		return w.Count("SELECT count(*) FROM sweeps WHERE kind = 'backfill' AND state = 'done'") == 2
	})
	w.Quiet()
	shows(w, item, map[string]string{"phone": "+12125550112"})
	edited("+12125550113")
	shows(w, item, map[string]string{"phone": "+12125550113"})
	if out := command(w, 0, "status"); strings.Contains(out, "never planned") {
		t.Errorf("status after the plan:\n%s", out)
	}
	command(w, 0, "check")
	w.Healthy()
}

// TestInForceFromTheStart: on a board that is new, there is nothing that a plan could protect. What was in force stays
// so if another field of the board is not planned.
func TestInForceFromTheStart(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Accounts, "Engines", map[string]any{"phone": e2e.Phone("+12125550100")})
	w.Quiet()
	edit(w, "Account", item, map[string]any{"Phone": "+12125550111"})
	ring(w, e2e.Accounts, item)
	shows(w, item, map[string]string{"phone": "+12125550111"})
	const before = "          Website: website\n"
	wider := strings.Replace(rules, before, before+"          Description: text_note\n", 1)
	if err := os.WriteFile(w.Env["MAPPING"], []byte(wider), 0o600); err != nil {
		t.Fatal(err)
	}
	w.Eventually("the mapping is read again", func() bool { return w.Logs[0].Contains("switched to the new mapping") })
	edit(w, "Account", item, map[string]any{"Phone": "+12125550112", "Description": "theirs"})
	ring(w, e2e.Accounts, item)
	shows(w, item, map[string]string{"phone": "+12125550112", "text_note": ""})
	command(w, 2, "check")
	command(w, 0, "plan")
	w.Eventually("a comparison has filled the column", func() bool { return w.Shown(item, "text_note") == "theirs" })
	w.Quiet()
	command(w, 0, "check")
	w.Healthy()
}
