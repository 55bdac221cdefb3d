package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// families maps contacts that refer to accounts, which come later in the mapping.
const families = `version: 1
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        fields:
          LastName: name
          AccountId: { from: connect_account, link: accounts.account }
  accounts:
    board: 1001
    records:
      account: { object: Account, match: [Name], fields: { Name: name, Phone: phone } }
`

// TestPlanConnected: a plan contains references to records that it creates itself, or adopts. The file is applied board
// by board, in any order.
func TestPlanConnected(t *testing.T) {
	t.Parallel()
	for _, order := range [][]string{{"accounts", "contacts"}, {"contacts", "accounts"}, {""}} {
		t.Run(strings.Join(order, " "), func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(families))
			run(w, 0, "schema", "up")
			adopted := w.Salesforce.Insert("Account", map[string]any{"Name": "Adopted"})
			account := map[string]int64{}
			for _, name := range []string{"Known", "Created", "Adopted"} {
				account[name] = w.Monday.CreateItem(e2e.Accounts, name, map[string]any{"phone": phone("+12125550100")})
				if name == "Known" {
					run(w, 0, "apply", "--yes", "accounts")
				}
			}
			contact := map[string]int64{}
			for name, item := range account {
				contact[name] = w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"connect_account": e2e.Connected(item)})
			}
			file, text := plannedFile(w)
			says(t, "the plan", text, fmt.Sprintf(`"monday": "new:%d:account"`, account["Created"]), fmt.Sprintf(`"monday": %q`, adopted))
			out, _ := run(w, 0, "plan", "contacts", "accounts")
			says(t, "the printed plan", out, "contact.AccountId  (Id of the new record)")
			for _, board := range order {
				run(w, 0, append([]string{"apply", "--yes", "--plan", file}, strings.Fields(board)...)...)
			}
			run(w, 0, "apply", "--yes") // fills in what had to wait
			for name, item := range contact {
				w.Holds(w.Record("Contact", item), map[string]any{"AccountId": w.Record("Account", account[name])["Id"]})
			}
			run(w, 0, "plan", "--check")
		})
	}
}
