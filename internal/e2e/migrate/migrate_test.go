package migrate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	"crmsync/internal/stage"
)

func TestMigrate(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(120)
	w.Salesforce.Insert("Contact", map[string]any{"LastName": "Nobody"})
	report := w.Crmsync("migrate", "--dry-run")
	if !strings.Contains(report, "accounts: of 120 records 120 would be created") || len(w.Monday.Items(e2e.Accounts)) != 0 {
		t.Errorf("dry run:\n%s", report)
	}
	w.Expect(0, "SELECT count(*) FROM operations")
	w.Crmsync("migrate", "--reason", "the first import")
	w.Expect(2, `SELECT count(*) FROM operations WHERE act = 'migrate' AND via = 'cli' AND actor <> '' AND reason = 'the first import'
		AND subject IN ('board accounts', 'board contacts')`)

	shownAccounts := w.Paired("Account", e2e.Accounts, 120)
	shownContacts := w.Paired("Contact", e2e.Contacts, 120)
	for _, record := range w.Salesforce.Records("Contact") {
		item, ok := shownContacts[record["Id"].(string)]
		if !ok {
			continue
		}
		if item.Name != record["Name"] || item.Text["email"] != record["Email"] || item.Group != "imported" {
			t.Errorf("item %+v of %v", item, record)
		}
		if on := item.Linked["connect_account"]; len(on) != 1 || on[0] != shownAccounts[record["AccountId"].(string)].ID {
			t.Errorf("item %d is connected to %v", item.ID, on)
		}
	}
	if n := w.Count("SELECT count(*) FROM migration_documents"); n != 0 {
		t.Errorf("%d documents are left", n)
	}
	before := w.Monday.Calls()["create_item"]
	w.Crmsync("migrate", "contacts")
	if after := w.Monday.Calls()["create_item"]; after != before {
		t.Errorf("a second run sent %d calls that create", after-before)
	}
	if history := w.Crmsync("migrate", "--history"); strings.Count(history, "done") != 3 {
		t.Errorf("history:\n%s", history)
	}
}

// TestMigrateEchoes: webhooks of our own items, and of our own changes of items, must not write to Salesforce, even if an
// item cannot express everything of its record.
func TestMigrateEchoes(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "", e2e.Monday(func(c *mondaysim.Config) { c.Doubled = 0.2 }))
	w.Start("serve")
	w.Subscribe()
	w.Plant(150)
	w.Crmsync("migrate")
	w.Quiet()
	w.Paired("Account", e2e.Accounts, 150)
	w.Paired("Contact", e2e.Contacts, 150)
	for _, record := range w.Salesforce.Records("Contact") {
		if record["FirstName"] != "Ada" || !strings.HasPrefix(fmt.Sprint(record["LastName"]), "van Dyke ") {
			t.Fatalf("an echo changed %v", record)
		}
	}
	if n := w.Count("SELECT count(*) FROM sync_logs WHERE event = 'create_pulse'"); n != 300 {
		t.Errorf("%d items have events, want 300", n)
	}
	if n := w.Count("SELECT count(*) FROM sync_logs WHERE status NOT IN ('unchanged', 'skipped') AND event <> 'migrate_board'"); n != 0 {
		t.Errorf("%d events wrote something", n)
	}
	if calls := w.Salesforce.Calls(); calls["upsert"]+calls["create"] != 0 {
		t.Errorf("calls to Salesforce: %v", calls)
	}
	for n, record := range w.Salesforce.Records("Contact") {
		w.Salesforce.Update("Contact", record["Id"].(string), map[string]any{"LastName": fmt.Sprint("de la Cruz ", n), "Phone": "+12125550999"})
	}
	updates := w.Salesforce.Calls()["update"]
	w.Crmsync("migrate", "contacts")
	w.Quiet()
	for _, item := range w.Monday.Items(e2e.Contacts) {
		if !strings.HasPrefix(item.Name, "Ada de la Cruz ") || item.Text["phone"] != "+12125550999" {
			t.Fatalf("item %+v", item)
		}
	}
	if got := w.Salesforce.Calls()["update"]; got != updates {
		t.Errorf("%d calls wrote to Salesforce because of the changed items", got-updates)
	}
}

// TestMigrateMeanwhile: leads adopt contacts by their address while a migration creates items for the same contacts.
// Whichever is first, each contact belongs to one item, and carries its id.
func TestMigrateMeanwhile(t *testing.T) {
	t.Parallel()
	slow := func(_ *e2e.World, c *stage.Config) {
		c.Monday.Latency, c.Salesforce.Latency = 20*time.Millisecond, 20*time.Millisecond
	}
	w := e2e.Setup(t, slow, e2e.With("BATCH_SIZE", "5"))
	w.Start("serve")
	w.Subscribe()
	const n = 300
	for i := range n {
		w.Salesforce.Insert("Contact", map[string]any{"LastName": fmt.Sprint("Byron ", i), "Email": fmt.Sprintf("ada%d@example.org", i)})
	}
	var qualified []int64
	for i := range n / 2 {
		qualified = append(qualified, w.Lead(fmt.Sprint("Ada ", i), "Engines", map[string]any{"email": e2e.Email(fmt.Sprintf("ada%d@example.org", 2*i))}))
	}
	w.Eventually("some leads have contacts", func() bool { return w.Count("SELECT count(*) FROM links WHERE record = 'contact'") > 10 })
	if code, _, _ := w.Command("migrate", "contacts"); code != cli.ExitDone {
		t.Fatalf("exited with %d", code)
	}
	w.Quiet()
	items, adopted := map[string]int64{}, 0
	for _, item := range w.Monday.Items(e2e.Contacts) {
		id := item.Text["text_sfid"]
		if items[id] != 0 {
			t.Errorf("%s has two items: %d and %d", id, items[id], item.ID)
		}
		items[id] = item.ID
	}
	for _, lead := range qualified {
		if id := fmt.Sprint(w.Record("Contact", lead)["Id"]); items[id] != 0 {
			t.Errorf("%s is both item %d's and lead %d's", id, items[id], lead)
		} else if len(w.Records("Contact", "Email", w.Record("Contact", lead)["Email"])) == 1 {
			adopted++
		}
	}
	for _, record := range w.Salesforce.Records("Contact") {
		if record[e2e.Key] == nil {
			t.Errorf("contact %v carries no item's id", record["Id"])
		}
	}
	t.Logf("%d contacts came to leads, %d to items of the migration", adopted, len(items))
	w.Expect(0, "SELECT count(*) FROM (SELECT FROM links WHERE record = 'contact' GROUP BY salesforce_id HAVING count(*) > 1) doubled")
	w.Healthy()
}

// TestMigrateChanges: what changed in Salesforce is written, what changed in Monday stays, what changed on both sides
// keeps Monday's value, and nothing else is touched.
func TestMigrateChanges(t *testing.T) {
	t.Parallel()
	w := e2e.Migrated(t, "")
	w.Plant(150)
	w.Crmsync("migrate")
	items := w.Paired("Contact", e2e.Contacts, 150)
	var ids []string
	for _, record := range w.Salesforce.Records("Contact") {
		ids = append(ids, record["Id"].(string))
	}
	phone := func(n int) string { return fmt.Sprintf("+1212555%04d", n) }
	for n, id := range ids[:120] {
		if n < 60 {
			w.Salesforce.Update("Contact", id, map[string]any{"Phone": phone(2000 + n)})
		}
		if n >= 50 && n < 60 {
			w.Monday.SetColumn(items[id].ID, "phone", map[string]any{"phone": phone(3000 + n), "countryShortName": "US"})
		}
		if n >= 60 && n < 110 {
			w.Monday.SetColumn(items[id].ID, "email", map[string]any{"email": fmt.Sprintf("new%d@example.org", n), "text": "new"})
		}
		if n >= 110 { // the same on both sides
			w.Salesforce.Update("Contact", id, map[string]any{"Email": fmt.Sprintf("new%d@example.org", n)})
			w.Monday.SetColumn(items[id].ID, "email", map[string]any{"email": fmt.Sprintf("new%d@example.org", n), "text": "new"})
		}
	}
	before := map[string]mondaysim.Item{}
	stamps := map[string]any{}
	for id, item := range items {
		before[id], _ = w.Monday.Item(item.ID)
		stamps[id] = w.Salesforce.Get("Contact", id)["SystemModstamp"]
	}
	dry := w.Crmsync("migrate", "contacts", "--dry-run")
	if want := "of 150 records 0 would be created, 50 updated, 90 left alone; 10 changed on both sides"; !strings.Contains(dry, want) {
		t.Errorf("dry run, want %q:\n%s", want, dry)
	}
	w.Crmsync("migrate", "contacts")
	if n := w.Count("SELECT count(*) FROM migration_runs WHERE job_id = (SELECT max(job_id) FROM migration_runs) AND (read, created, updated, unchanged, conflicts, failed) = (150, 0, 50, 90, 10, 0)"); n != 1 {
		t.Errorf("counts: %s", w.Crmsync("migrate", "--history"))
	}
	for n, id := range ids {
		after, _ := w.Monday.Item(items[id].ID)
		if n < 50 && after.Text["phone"] != phone(2000+n) {
			t.Errorf("item %d has phone %q", after.ID, after.Text["phone"])
		}
		if n >= 50 && !after.Updated.Equal(before[id].Updated) {
			t.Errorf("item %d of record %d was touched", after.ID, n)
		}
		if w.Salesforce.Get("Contact", id)["SystemModstamp"] != stamps[id] {
			t.Errorf("record %d was touched", n)
		}
	}
	if n := w.Count("SELECT count(*) FROM error_logs WHERE class = 'conflict' AND message LIKE '%Salesforce at 20% Monday at 20%'"); n != 10 {
		t.Errorf("%d conflicts are logged, want 10", n)
	}
	w.Crmsync("migrate", "contacts")
	if n := w.Count("SELECT updated FROM migration_runs ORDER BY id DESC LIMIT 1"); n != 0 {
		t.Errorf("a third run updated %d", n)
	}
}
