package cli

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// migrating is a mapping of which two boards have a migration.
const migrating = `
version: 1
defaults: { phone_country: US }
boards:
  contacts:
    board: 1002
    migrate: { record: contact, where: "Email != null", group: imported%[1]s }
    records:
      contact:
        object: Contact
        id_column: text_sfid
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Phone: { from: phone, as: phone }
          AccountId: { from: connect_account, link: accounts.account }
  accounts:
    board: 1001
    migrate: { record: account, columns: { text_note: Description }%[1]s }
    records:
      account:
        object: Account
        id_column: text_sfid
        fields:
          Name: name
          Phone: phone
          Website: website
`

func migrated(t *testing.T, schedule string, options ...option) *world {
	return setup(t, append([]option{mapped(fmt.Sprintf(migrating, schedule))}, options...)...)
}

// crmsync runs a command to its end, and gives what it printed.
func (w *world) crmsync(args ...string) (stdout string) {
	w.t.Helper()
	var out bytes.Buffer
	log := &logBuffer{}
	if code := Run(context.Background(), args, func(name string) string { return w.env[name] }, &out, log); code != exitDone {
		w.t.Fatalf("crmsync %s exited with %d:\n%s", strings.Join(args, " "), code, log.tail(40))
	}
	if w.t.Failed() || testing.Verbose() {
		w.t.Logf("crmsync %s:\n%s", strings.Join(args, " "), out.String())
	}
	return out.String()
}

// plant makes accounts, each with a contact.
func (w *world) plant(n int) {
	for i := range n {
		account := w.salesforce.Insert("Account", map[string]any{
			"Name": fmt.Sprintf("Company %d", i), "Phone": fmt.Sprintf("+1 212 555 %04d", i%10000),
			"Website": fmt.Sprintf("https://company-%d.example.org", i), "Description": fmt.Sprintf("Note %d", i),
		})
		w.salesforce.Insert("Contact", map[string]any{
			"FirstName": "Ada", "LastName": fmt.Sprintf("van Dyke %d", i), "Email": fmt.Sprintf("ada%d@example.org", i),
			"Phone": "+12125550123", "AccountId": account,
		})
	}
}

// paired checks that every record of an object has exactly one item on a board, linked, and carries its id.
func (w *world) paired(object string, board int64, want int) map[string]mondaysim.Item {
	w.t.Helper()
	shown := map[string]mondaysim.Item{}
	for _, item := range w.monday.Items(board) {
		id := item.Text["text_sfid"]
		if other, ok := shown[id]; ok && item.State == "active" {
			w.t.Errorf("%s has two items: %d and %d", id, other.ID, item.ID)
		}
		shown[id] = item
	}
	if len(shown) != want {
		w.t.Errorf("%d items on board %d, want %d", len(shown), board, want)
	}
	for _, record := range w.salesforce.Records(object) {
		id := record["Id"].(string)
		item, ok := shown[id]
		if !ok {
			continue
		}
		if record["Monday_Item_Id__c"] != fmt.Sprint(item.ID) {
			w.t.Errorf("%s %s carries %v, want %d", object, id, record["Monday_Item_Id__c"], item.ID)
		}
		if n := w.count("SELECT count(*) FROM links WHERE salesforce_id = $1 AND item_id = $2", id, item.ID); n != 1 {
			w.t.Errorf("%s %s is not linked to item %d", object, id, item.ID)
		}
	}
	return shown
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	w := migrated(t, "")
	w.plant(120)
	w.salesforce.Insert("Contact", map[string]any{"LastName": "Nobody"})
	report := w.crmsync("migrate", "--dry-run")
	if !strings.Contains(report, "accounts: of 120 records 120 would be created") || len(w.monday.Items(accounts)) != 0 {
		t.Errorf("dry run:\n%s", report)
	}
	w.crmsync("migrate")

	shownAccounts := w.paired("Account", accounts, 120)
	shownContacts := w.paired("Contact", contacts, 120)
	for _, record := range w.salesforce.Records("Contact") {
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
	if n := w.count("SELECT count(*) FROM migration_documents"); n != 0 {
		t.Errorf("%d documents are left", n)
	}
	before := w.monday.Calls()["create_item"]
	w.crmsync("migrate", "contacts")
	if after := w.monday.Calls()["create_item"]; after != before {
		t.Errorf("a second run made %d calls that create", after-before)
	}
	if history := w.crmsync("migrate", "--history"); strings.Count(history, "done") != 3 {
		t.Errorf("history:\n%s", history)
	}
}

// Webhooks of our own items must not write to Salesforce, whatever an item cannot say of a record.
func TestMigrateEchoes(t *testing.T) {
	t.Parallel()
	w := migrated(t, "", func(_ *world, m *mondaysim.Config, _ *sfsim.Config) { m.Doubled = 0.2 })
	w.start("serve")
	w.subscribe()
	w.plant(150)
	w.crmsync("migrate")
	w.quiet()
	w.paired("Account", accounts, 150)
	w.paired("Contact", contacts, 150)
	for _, record := range w.salesforce.Records("Contact") {
		if record["FirstName"] != "Ada" || !strings.HasPrefix(fmt.Sprint(record["LastName"]), "van Dyke ") {
			t.Fatalf("an echo changed %v", record)
		}
	}
	if n := w.count("SELECT count(*) FROM sync_logs WHERE event = 'create_pulse'"); n != 300 {
		t.Errorf("%d items were told of, want 300", n)
	}
	if n := w.count("SELECT count(*) FROM sync_logs WHERE status NOT IN ('unchanged', 'skipped') AND event <> 'migrate_board'"); n != 0 {
		t.Errorf("%d events wrote something", n)
	}
	if calls := w.salesforce.Calls(); calls["upsert"]+calls["create"] != 0 {
		t.Errorf("calls to Salesforce: %v", calls)
	}
}

// Leads take over contacts by their address while a migration makes items of the same contacts: whoever comes first, each contact
// is one item's, and carries that one's id.
func TestMigrateMeanwhile(t *testing.T) {
	t.Parallel()
	slow := func(_ *world, m *mondaysim.Config, s *sfsim.Config) {
		m.Latency, s.Latency = 20*time.Millisecond, 20*time.Millisecond
	}
	w := setup(t, slow, with("BATCH_SIZE", "5"))
	w.start("serve")
	w.subscribe()
	const n = 300
	for i := range n {
		w.salesforce.Insert("Contact", map[string]any{"LastName": fmt.Sprint("Byron ", i), "Email": fmt.Sprintf("ada%d@example.org", i)})
	}
	var qualified []int64
	for i := range n / 2 {
		qualified = append(qualified, w.lead(fmt.Sprint("Ada ", i), "Engines", map[string]any{"email": email(fmt.Sprintf("ada%d@example.org", 2*i))}))
	}
	w.eventually("some leads have contacts", func() bool { return w.count("SELECT count(*) FROM links WHERE record = 'contact'") > 10 })
	if code, _, _ := w.command("migrate", "contacts"); code != exitDone {
		t.Fatalf("exited with %d", code)
	}
	w.quiet()
	items, adopted := map[string]int64{}, 0
	for _, item := range w.monday.Items(contacts) {
		id := item.Text["text_sfid"]
		if items[id] != 0 {
			t.Errorf("%s has two items: %d and %d", id, items[id], item.ID)
		}
		items[id] = item.ID
	}
	for _, lead := range qualified {
		if id := fmt.Sprint(w.record("Contact", lead)["Id"]); items[id] != 0 {
			t.Errorf("%s is both item %d's and lead %d's", id, items[id], lead)
		} else if len(w.records("Contact", "Email", w.record("Contact", lead)["Email"])) == 1 {
			adopted++
		}
	}
	for _, record := range w.salesforce.Records("Contact") {
		if record[key] == nil {
			t.Errorf("contact %v carries no item's id", record["Id"])
		}
	}
	t.Logf("%d contacts came to leads, %d to items of the migration", adopted, len(items))
	w.expect(0, "SELECT count(*) FROM (SELECT FROM links WHERE record = 'contact' GROUP BY salesforce_id HAVING count(*) > 1) doubled")
	w.healthy()
}

// What changed on one side travels or stays, what changed on both is Monday's, and nothing else is touched.
func TestMigrateChanges(t *testing.T) {
	t.Parallel()
	w := migrated(t, "")
	w.plant(150)
	w.crmsync("migrate")
	items := w.paired("Contact", contacts, 150)
	var ids []string
	for _, record := range w.salesforce.Records("Contact") {
		ids = append(ids, record["Id"].(string))
	}
	phone := func(n int) string { return fmt.Sprintf("+1212555%04d", n) }
	for n, id := range ids[:120] {
		if n < 60 {
			w.salesforce.Update("Contact", id, map[string]any{"Phone": phone(2000 + n)})
		}
		if n >= 50 && n < 60 {
			w.monday.SetColumn(items[id].ID, "phone", map[string]any{"phone": phone(3000 + n), "countryShortName": "US"})
		}
		if n >= 60 && n < 110 {
			w.monday.SetColumn(items[id].ID, "email", map[string]any{"email": fmt.Sprintf("new%d@example.org", n), "text": "new"})
		}
		if n >= 110 { // the same on both sides
			w.salesforce.Update("Contact", id, map[string]any{"Email": fmt.Sprintf("new%d@example.org", n)})
			w.monday.SetColumn(items[id].ID, "email", map[string]any{"email": fmt.Sprintf("new%d@example.org", n), "text": "new"})
		}
	}
	before := map[string]mondaysim.Item{}
	stamps := map[string]any{}
	for id, item := range items {
		before[id], _ = w.monday.Item(item.ID)
		stamps[id] = w.salesforce.Get("Contact", id)["SystemModstamp"]
	}
	dry := w.crmsync("migrate", "contacts", "--dry-run")
	if want := "of 150 records 0 would be created, 50 updated, 90 left alone; 10 changed on both sides"; !strings.Contains(dry, want) {
		t.Errorf("dry run, want %q:\n%s", want, dry)
	}
	w.crmsync("migrate", "contacts")
	if n := w.count("SELECT count(*) FROM migration_runs WHERE job_id = (SELECT max(job_id) FROM migration_runs) AND (read, created, updated, unchanged, conflicts, failed) = (150, 0, 50, 90, 10, 0)"); n != 1 {
		t.Errorf("counts: %s", w.crmsync("migrate", "--history"))
	}
	for n, id := range ids {
		after, _ := w.monday.Item(items[id].ID)
		if n < 50 && after.Text["phone"] != phone(2000+n) {
			t.Errorf("item %d has phone %q", after.ID, after.Text["phone"])
		}
		if n >= 50 && !after.Updated.Equal(before[id].Updated) {
			t.Errorf("item %d of record %d was touched", after.ID, n)
		}
		if w.salesforce.Get("Contact", id)["SystemModstamp"] != stamps[id] {
			t.Errorf("record %d was touched", n)
		}
	}
	if n := w.count("SELECT count(*) FROM error_logs WHERE class = 'conflict' AND message LIKE '%Salesforce at 20% Monday at 20%'"); n != 10 {
		t.Errorf("%d conflicts are logged, want 10", n)
	}
	w.crmsync("migrate", "contacts")
	if n := w.count("SELECT updated FROM migration_runs ORDER BY id DESC LIMIT 1"); n != 0 {
		t.Errorf("a third run updated %d", n)
	}
}
