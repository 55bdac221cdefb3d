package twoway_test

import (
	"strings"
	"sync"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// TestOverwrittenInMonday: a person edits a column between our read of the item and our write. Nothing can prevent
// that, but the value is kept and can be restored.
func TestOverwrittenInMonday(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	var once sync.Once
	w.Monday.OnCall(func(call mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(call.Query, "change_multiple_column_values") {
			once.Do(func() { w.Monday.SetColumn(item, "email", e2e.Email("meanwhile@example.org")) })
		}
		return nil
	})
	edit(w, "Contact", item, map[string]any{"Email": "countess@example.org"})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"email": "countess@example.org"})
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Email' AND monday = '"meanwhile@example.org"' AND salesforce = '"countess@example.org"' AND rule = 'salesforce'`)
	for n := range 3 { // echoes of several of our writes in a row are not edits
		edit(w, "Contact", item, map[string]any{"Email": strings.Repeat("x", n+1) + "@example.org"})
		ring(w, e2e.Contacts, item)
	}
	w.Expect(1, "SELECT count(*) FROM conflicts")
	w.Crmsync("conflicts", "take", "monday", w.Text("SELECT id::text FROM conflicts"))
	w.Quiet()
	shows(w, item, map[string]string{"email": "meanwhile@example.org"})
	w.Holds(w.Record("Contact", item), map[string]any{"Email": "meanwhile@example.org"})
}

// TestOverwrittenOther: the same for an item's name, and for a connected item.
func TestOverwrittenOther(t *testing.T) {
	t.Parallel()
	w := setup(t)
	engines, mills := w.Monday.CreateItem(e2e.Accounts, "Engines", nil), w.Monday.CreateItem(e2e.Accounts, "Mills", nil)
	looms := w.Monday.CreateItem(e2e.Accounts, "Looms", nil)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"connect_account": e2e.Connected(looms)})
	w.Quiet()
	before := func(change func()) { // our next write to Monday
		once := sync.OnceFunc(change)
		w.Monday.OnCall(func(call mondaysim.Call) *mondaysim.Fault {
			if strings.Contains(call.Query, "change_multiple_column_values") {
				once()
			}
			return nil
		})
	}
	before(func() { w.Monday.Rename(engines, "Difference Engines") })
	edit(w, "Account", engines, map[string]any{"Name": "Analytical Engines"})
	ring(w, e2e.Accounts, engines)
	shows(w, engines, map[string]string{"name": "Analytical Engines"})
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'Name' AND monday = '"Difference Engines"' AND salesforce = '"Analytical Engines"' AND rule = 'salesforce'`)
	for _, name := range []string{"Mills and Engines", "Engines and Mills", "Engines"} { // echoes are not edits
		edit(w, "Account", engines, map[string]any{"Name": name})
		ring(w, e2e.Accounts, engines)
	}
	w.Expect(1, "SELECT count(*) FROM conflicts")
	before(func() { w.Monday.SetColumn(item, "connect_account", e2e.Connected(mills)) })
	edit(w, "Contact", item, map[string]any{"AccountId": w.Record("Account", engines)["Id"]})
	ring(w, e2e.Contacts, item)
	shows(w, item, map[string]string{"connect_account": "Engines"})
	w.Expect(1, `SELECT count(*) FROM conflicts WHERE field = 'AccountId' AND monday #>> '{}' = $1 AND rule = 'salesforce'`, w.Record("Account", mills)["Id"])
	w.Crmsync("conflicts", "take", "monday", w.Text("SELECT id::text FROM conflicts WHERE field = 'Name'"))
	w.Crmsync("conflicts", "take", "monday", w.Text("SELECT id::text FROM conflicts WHERE field = 'AccountId'"))
	w.Quiet()
	shows(w, engines, map[string]string{"name": "Difference Engines"})
	w.Holds(w.Record("Account", engines), map[string]any{"Name": "Difference Engines"})
	shows(w, item, map[string]string{"connect_account": "Mills"})
	w.Holds(w.Record("Contact", item), map[string]any{"AccountId": w.Record("Account", mills)["Id"]})
}
