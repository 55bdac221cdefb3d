package match_test

import (
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// inbox is a mapping of two boards, each with an id column.
const inbox = `
version: 1
DEFAULTS
boards:
  accounts:
    board: 1001
    records:
      account: { object: Account, id_column: text_sfid, fields: { Name: name } }
  contacts:
    board: 1002
    records:
      contact: { object: Contact, id_column: text_sfid, on_delete: delete, fields: { LastName: name, Email: email } }
`

func mappedInbox(defaults string) e2e.Option {
	return e2e.Mapped(strings.Replace(inbox, "DEFAULTS", defaults, 1))
}

// TestWrongId: an Id that cannot be the item's record causes a dead letter that names the column. No record is created
// until a person enters the right Id, or clears the cell.
func TestWrongId(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		id   func(w *e2e.World) string
		code string
	}{
		"of another object": {func(w *e2e.World) string {
			return w.Salesforce.Insert("Account", map[string]any{"Name": "Engines"})
		}, "WRONG_OBJECT"},
		"of another item's record of another object": {func(w *e2e.World) string {
			account := w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
			w.Quiet()
			return w.Record("Account", account)["Id"].(string)
		}, "WRONG_OBJECT"},
		"of a record that was deleted": {func(w *e2e.World) string {
			id := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Gone"})
			w.Salesforce.Delete("Contact", id)
			return id
		}, "NO_SUCH_RECORD"},
		"of a record that was purged": {func(w *e2e.World) string {
			id := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Gone"})
			w.Salesforce.Delete("Contact", id)
			w.Salesforce.Purge("Contact", id)
			return id[:15]
		}, "NO_SUCH_RECORD"},
		"of a record that cannot be seen": {func(w *e2e.World) string {
			id := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Hidden"})
			w.Salesforce.Hide("Contact", id, true)
			return id
		}, "NO_SUCH_RECORD"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, mappedInbox(""))
			right := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Was there", "Title": "Countess"})
			wrong := tt.id(w)
			shows := map[string]any{"text_sfid": wrong}
			corrected, emptied := w.Monday.CreateItem(e2e.Contacts, "Ada", shows), w.Monday.CreateItem(e2e.Contacts, "Charles", shows)
			w.Quiet()
			for _, item := range []int64{corrected, emptied} {
				w.Monday.SetColumn(item, "email", e2e.Email("ada@example.org")) // no second dead letter
				w.Quiet()
				letters := w.DeadLetters(item)
				if len(letters) != 1 || !strings.Contains(letters[0], tt.code) || !strings.Contains(letters[0], "text_sfid") {
					t.Errorf("dead letters %q, want one of %s that names the column", letters, tt.code)
				}
				if n := len(w.Records("Contact", e2e.Key, item)); n != 0 {
					t.Errorf("%d contacts created despite the wrong Id, want none", n)
				}
			}
			w.Monday.SetColumn(corrected, "text_sfid", right)
			w.Monday.SetColumn(emptied, "text_sfid", nil)
			w.Quiet()
			w.Holds(w.Record("Contact", corrected), map[string]any{"Id": right, "LastName": "Ada", "Title": "Countess", "Email": "ada@example.org"})
			own := w.Record("Contact", emptied)
			w.Holds(own, map[string]any{"LastName": "Charles", "Email": "ada@example.org"})
			if shown := w.Shown(emptied, "text_sfid"); shown != own["Id"] {
				t.Errorf("the cleared cell shows %s, want %v", shown, own["Id"])
			}
			if shown := w.Shown(corrected, "text_sfid"); shown != right {
				t.Errorf("the corrected cell shows %s, want %s", shown, right)
			}
			w.Expect(2, "SELECT count(*) FROM dead_letters")
			w.Eventually("both dead letters are closed", func() bool {
				return w.Count("SELECT count(*) FROM dead_letters WHERE closed_at IS NULL") == 0
			})
		})
	}
}

// TestWrongIdOfKnownItem: an item keeps its record whatever a person types into the id column, which then shows the
// record again.
func TestWrongIdOfKnownItem(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, mappedInbox(""))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	w.Quiet()
	own := w.Record("Contact", item)["Id"]
	account := w.Salesforce.Insert("Account", map[string]any{"Name": "Engines"})
	other := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Other"})
	for _, text := range []any{account, other, "none", nil} {
		w.Monday.SetColumn(item, "text_sfid", text)
		w.Quiet()
		if shown := w.Shown(item, "text_sfid"); shown != own {
			t.Errorf("after %v the item shows %s, want %v", text, shown, own)
		}
	}
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Id": own, "LastName": "Ada Lovelace"})
	w.Holds(w.Salesforce.Get("Contact", other), map[string]any{"LastName": "Other", e2e.Key: nil})
	w.Healthy()
}

// TestAnyId: a record that carries another key is not adopted, and a record whose Id a person entered is never deleted.
func TestAnyId(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, mappedInbox(""))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", nil)
	w.Quiet()
	others := w.Record("Contact", item)["Id"].(string)
	keyed := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Keyed", e2e.Key: "77"})
	foreign := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Foreign", e2e.Key: "another tool's"})
	free := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Free"})
	var items []int64
	for _, id := range []string{others, keyed, foreign, free} {
		items = append(items, w.Monday.CreateItem(e2e.Contacts, "Taker", map[string]any{"text_sfid": id}))
	}
	w.Quiet()
	w.Holds(w.Salesforce.Get("Contact", others), map[string]any{"LastName": "Ada"})
	w.Holds(w.Salesforce.Get("Contact", keyed), map[string]any{"LastName": "Keyed", e2e.Key: "77"})
	w.Holds(w.Salesforce.Get("Contact", foreign), map[string]any{"LastName": "Foreign", e2e.Key: "another tool's"})
	for _, item := range items[:3] { // as a copy of an item: a record of its own
		if own := w.Record("Contact", item); w.Shown(item, "text_sfid") != own["Id"] {
			t.Errorf("the item shows %s, want %v", w.Shown(item, "text_sfid"), own["Id"])
		}
	}
	w.Holds(w.Record("Contact", items[3]), map[string]any{"Id": free, "LastName": "Taker"})
	for _, item := range items {
		w.Monday.DeleteItem(item)
	}
	w.Quiet()
	if w.Salesforce.Get("Contact", free) == nil {
		t.Error("a record that existed before its item was deleted with it")
	}
	for _, id := range []string{others, keyed, foreign} {
		if w.Salesforce.Get("Contact", id) == nil {
			t.Errorf("%s was deleted with an item that only showed it", id)
		}
	}
	if n := len(w.Salesforce.Records("Contact")); n != 4 {
		t.Errorf("%d contacts, want the 4 that no deleted item created", n)
	}
	w.Healthy()
}

// TestNoIdIsAdopted: with adopt_shown off, an Id that a person shows causes a dead letter, and the record does not
// change.
func TestNoIdIsAdopted(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, mappedInbox("defaults: { adopt_shown: off }"))
	there := w.Salesforce.Insert("Contact", map[string]any{"LastName": "There"})
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"text_sfid": there})
	w.Quiet()
	w.Holds(w.Salesforce.Get("Contact", there), map[string]any{"LastName": "There", e2e.Key: nil})
	if letters := w.DeadLetters(item); len(letters) != 1 || !strings.Contains(letters[0], "SHOWN_ID_REFUSED") {
		t.Errorf("dead letters %q, want one of SHOWN_ID_REFUSED", letters)
	}
	w.Monday.SetColumn(item, "text_sfid", nil)
	w.Quiet()
	made := w.Record("Contact", item)
	if made["Id"] == there || w.Shown(item, "text_sfid") != made["Id"] {
		t.Errorf("the item has %v and shows %s", made["Id"], w.Shown(item, "text_sfid"))
	}
	w.Monday.Rename(item, "Ada Lovelace") // showing its own Id is not an adoption
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Id": made["Id"], "LastName": "Ada Lovelace"})
	w.DeadLetter()
}

// TestFifteenCharacters: an Id of 15 characters is equivalent to its form of 18, in the cell of an item, of its copy,
// and of the item whose record it is already.
func TestFifteenCharacters(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, mappedInbox(""))
	there := w.Salesforce.Insert("Contact", map[string]any{"LastName": "There"})
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"text_sfid": there[:15]})
	w.Quiet()
	copied := w.Monday.CreateItem(e2e.Contacts, "Ada (copy)", map[string]any{"text_sfid": there[:15]})
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Id": there, "LastName": "Ada"})
	if own := w.Record("Contact", copied)["Id"]; own == there || w.Shown(copied, "text_sfid") != own {
		t.Errorf("the copy has %v and shows %s", own, w.Shown(copied, "text_sfid"))
	}
	w.Monday.Rename(item, "Ada Lovelace")
	w.Quiet()
	if shown := w.Shown(item, "text_sfid"); shown != there[:15] {
		t.Errorf("the item shows %s, want what a person entered: %s", shown, there[:15])
	}
	if n := len(w.Salesforce.Records("Contact")); n != 2 {
		t.Errorf("%d contacts, want 2", n)
	}
	w.Healthy()
}
