package e2e

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/cli"
	mondaysim "crmsync/internal/sim/monday"
)

// Migrating is a mapping with a migration for each of its two boards.
const Migrating = `
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

// Migrated returns a world with the mapping Migrating. schedule is added to both migrations, such as ", schedule: ...".
func Migrated(t *testing.T, schedule string, options ...Option) *World {
	return Setup(t, append([]Option{Mapped(fmt.Sprintf(Migrating, schedule))}, options...)...)
}

// Crmsync runs a command that must succeed, and returns what it printed.
func (w *World) Crmsync(args ...string) (stdout string) {
	w.T.Helper()
	var out bytes.Buffer
	log := &LogBuffer{}
	if code := cli.Run(context.Background(), args, func(name string) string { return w.Env[name] }, &out,
		log); code != cli.ExitDone {
		w.T.Fatalf("crmsync %s exited with %d:\n%s", strings.Join(args, " "), code, log.Tail(40))
	}
	if w.T.Failed() || testing.Verbose() {
		w.T.Logf("crmsync %s:\n%s", strings.Join(args, " "), out.String())
	}
	return out.String()
}

// Plant creates accounts with one contact each.
func (w *World) Plant(n int) {
	for i := range n {
		account := w.Salesforce.Insert("Account", map[string]any{
			"Name": fmt.Sprintf("Company %d", i), "Phone": fmt.Sprintf("+1 212 555 %04d", i%10000),
			"Website": fmt.Sprintf("https://company-%d.example.org", i), "Description": fmt.Sprintf("Note %d", i),
		})
		w.Salesforce.Insert("Contact", map[string]any{
			"FirstName": "Ada", "LastName": fmt.Sprintf("van Dyke %d", i), "Email": fmt.Sprintf("ada%d@example.org", i),
			"Phone": "+12125550123", "AccountId": account,
		})
	}
}

// Paired checks that every record of an object has exactly one item on a board, linked, and carries its id.
func (w *World) Paired(object string, board int64, want int) map[string]mondaysim.Item {
	w.T.Helper()
	shown := map[string]mondaysim.Item{}
	for _, item := range w.Monday.Items(board) {
		id := item.Text["text_sfid"]
		if other, ok := shown[id]; ok && item.State == "active" {
			w.T.Errorf("%s has two items: %d and %d", id, other.ID, item.ID)
		}
		shown[id] = item
	}
	if len(shown) != want {
		w.T.Errorf("%d items on board %d, want %d", len(shown), board, want)
	}
	for _, record := range w.Salesforce.Records(object) {
		id := record["Id"].(string)
		item, ok := shown[id]
		if !ok {
			continue
		}
		if record["Monday_Item_Id__c"] != fmt.Sprint(item.ID) {
			w.T.Errorf("%s %s carries %v, want %d", object, id, record["Monday_Item_Id__c"], item.ID)
		}
		if n := w.Count("SELECT count(*) FROM links WHERE salesforce_id = $1 AND item_id = $2", id, item.ID); n != 1 {
			w.T.Errorf("%s %s is not linked to item %d", object, id, item.ID)
		}
	}
	return shown
}
