package life_test

import (
	"fmt"
	"testing"

	"crmsync/internal/e2e"
)

// pair returns two contacts of two items.
func pair(w *e2e.World) (winner, loser int64, won, lost string) {
	winner = w.Monday.CreateItem(e2e.Contacts, "Ada Winner", map[string]any{"email": e2e.Email("winner@example.org")})
	loser = w.Monday.CreateItem(e2e.Contacts, "Ada Loser", map[string]any{"email": e2e.Email("loser@example.org")})
	w.Quiet()
	return winner, loser, w.Record("Contact", winner)["Id"].(string), w.Record("Contact", loser)["Id"].(string)
}

// contacts checks the number of live contacts.
func contacts(w *e2e.World, want int) {
	w.T.Helper()
	if n := len(w.Salesforce.Records("Contact")); n != want {
		w.T.Errorf("%d contacts, want %d", n, want)
	}
}

// TestMerged: a contact that was merged into that of another item is not created again. The loser's events name the
// record that it was merged into; the winner's are still synced.
func TestMerged(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	winner, loser, won, lost := pair(w)
	w.Salesforce.MergeRecords("Contact", won, lost)
	w.Monday.Rename(loser, "Ada Renamed")
	w.Quiet()
	contacts(w, 1)
	if status, reason := w.Ending("update_name", loser); status != "skipped" || reason != "the record contact was merged" {
		t.Errorf("ended %s (%s), want skipped: the record contact was merged", status, reason)
	}
	w.Expect(1, `SELECT count(*) FROM sync_logs WHERE item_id = $1 AND event = 'update_name'
		AND response_data->'records'->0->>'ended' = 'merged' AND response_data->'records'->0->>'into' = $2`, loser, won)
	w.Holds(w.Record("Contact", winner), map[string]any{"Id": won, "LastName": "Winner"})

	w.NextSecond()
	before := w.Calls()
	w.Monday.Rename(loser, "Ada Again")
	w.Monday.SetColumn(loser, "email", e2e.Email("again@example.org"))
	w.Quiet()
	if after := w.Calls(); after != before {
		t.Errorf("%v calls for a record known to be merged, want %v", after, before)
	}
	w.Monday.Rename(winner, "Ada Champion")
	w.Quiet()
	w.Holds(w.Record("Contact", winner), map[string]any{"Id": won, "LastName": "Champion", "Email": "winner@example.org"})
	w.Monday.DeleteItem(loser) // on_delete: delete
	w.Quiet()
	w.Holds(w.Record("Contact", winner), map[string]any{"Id": won})
	contacts(w, 1)
	w.Healthy()
}

// TestMergedBeforeDelete: deleting an item whose record was merged away leaves the winner alone.
func TestMergedBeforeDelete(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	winner, loser, won, lost := pair(w)
	w.Salesforce.MergeRecords("Contact", won, lost)
	w.Monday.DeleteItem(loser)
	w.Quiet()
	w.Holds(w.Record("Contact", winner), map[string]any{"Id": won, "LastName": "Winner"})
	w.Monday.RestoreItem(loser)
	w.Quiet()
	w.Holds(w.Record("Contact", winner), map[string]any{"Id": won, "LastName": "Winner"})
	w.Healthy()
}

// TestMergedIntoFree: if the winner belongs to no item, the loser's item gets it, after one merge or several.
func TestMergedIntoFree(t *testing.T) {
	t.Parallel()
	for name, merges := range map[string]int{"once": 1, "twice": 2} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t)
			item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", map[string]any{"email": e2e.Email("ada@example.org")})
			w.Quiet()
			last := w.Record("Contact", item)["Id"].(string)
			for range merges {
				winner := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Winner", "Title": "Countess"})
				w.Salesforce.MergeRecords("Contact", winner, last)
				last = winner
			}
			w.Monday.Rename(item, "Ada King")
			w.Quiet()
			contacts(w, 1)
			w.Holds(w.Record("Contact", item), map[string]any{"Id": last, "LastName": "King", "Email": "ada@example.org", "Title": "Countess"})
			if shown := w.Shown(item, "text_sfid"); shown != last {
				t.Errorf("the item shows %s, want %s", shown, last)
			}
			w.Monday.SetColumn(item, "email", nil)
			w.Quiet()
			w.Holds(w.Record("Contact", item), map[string]any{"Id": last, "Email": nil})
			w.Healthy()
		})
	}
}

// TestTwoLosersOneWinner: of two items whose records were merged into one that belongs to no item, the first gets it.
func TestTwoLosersOneWinner(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	first, second, a, b := pair(w)
	winner := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Winner"})
	w.Salesforce.MergeRecords("Contact", winner, a, b)
	w.Together(e2e.Contacts, func() {
		w.Monday.Rename(first, "Ada First")
		w.Monday.Rename(second, "Ada Second")
	})
	contacts(w, 1)
	owned := w.Count("SELECT count(*) FROM links WHERE salesforce_id = $1", winner)
	ended := w.Count("SELECT count(*) FROM sync_logs WHERE response_data->>'reason' = 'the record contact was merged'")
	if owned != 1 || ended != 1 {
		t.Errorf("%d items have the winner and %d events ended for the merge, want 1 and 1", owned, ended)
	}
	w.Expect(0, "SELECT count(*) FROM dead_letters")
}

// TestMergedIntoKeyed: a winner that carries the key of an unknown item is not adopted; one that got the loser's key in
// the merge is.
func TestMergedIntoKeyed(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	first, second, a, b := pair(w)
	foreign := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Foreign", e2e.Key: "77"})
	own := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Own"})
	w.Salesforce.MergeRecords("Contact", foreign, a)
	w.Salesforce.MergeRecords("Contact", own, b)
	w.Salesforce.Update("Contact", own, map[string]any{e2e.Key: fmt.Sprint(second)})
	w.Monday.Rename(first, "Ada First")
	w.Monday.Rename(second, "Ada Second")
	w.Quiet()
	contacts(w, 2)
	w.Holds(w.Salesforce.Get("Contact", foreign), map[string]any{"LastName": "Foreign", e2e.Key: "77"})
	w.Holds(w.Record("Contact", second), map[string]any{"Id": own, "LastName": "Second", "Email": "loser@example.org"})
	if _, reason := w.Ending("update_name", first); reason != "the record contact was merged" {
		t.Errorf("the reason is %q, want: the record contact was merged", reason)
	}
	w.Healthy()
}

// TestMergedThenDeleted: if the winner is deleted too, the item gets a new record, as for any deleted record.
func TestMergedThenDeleted(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada Lovelace", nil)
	w.Quiet()
	lost := w.Record("Contact", item)["Id"].(string)
	winner := w.Salesforce.Insert("Contact", map[string]any{"LastName": "Winner"})
	w.Salesforce.MergeRecords("Contact", winner, lost)
	w.Salesforce.Delete("Contact", winner)
	w.Monday.Rename(item, "Ada King")
	w.Quiet()
	made := w.Record("Contact", item)
	w.Holds(made, map[string]any{"LastName": "King"})
	if made["Id"] == lost || made["Id"] == winner || w.Shown(item, "text_sfid") != made["Id"] {
		t.Errorf("the item has %v and shows %s", made["Id"], w.Shown(item, "text_sfid"))
	}
	w.Healthy()
}

// late is a mapping whose project is created after the account that it refers to.
func late(account string) string {
	return `
version: 1
boards:
  leads:
    board: 1003
    records:
      account: { object: Account, ` + account + `, fields: { Name: company } }
      project:
        object: Monday_Project__c
        create_when: { status: [MOU] }
        fields: { Name: name, Account__c: { record: account }, Budget__c: amount }
`
}

// TestReferenceToMerged: a new record refers to the record that its account was merged into, and the merge is not
// undone.
func TestReferenceToMerged(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ account, key string }{
		"shared":    {account: "shared: true, match: [Name]"},
		"its own":   {account: "match: [Name]"},
		"another's": {account: "match: [Name]", key: "77"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.Mapped(late(tt.account)))
			item := w.Lead("Ada Lovelace", "Analytical Engines")
			w.Quiet()
			lost := w.Records("Account", "Name", "Analytical Engines")[0]["Id"].(string)
			fields := map[string]any{"Name": "Engines Incorporated", "Phone": "1"}
			if tt.key != "" {
				fields[e2e.Key] = tt.key
			}
			winner := w.Salesforce.Insert("Account", fields)
			w.Salesforce.MergeRecords("Account", winner, lost)
			w.Monday.SetColumn(item, "status", e2e.Label("MOU"))
			w.Quiet()
			made := w.Record("Monday_Project__c", item)
			if n := len(w.Salesforce.Records("Account")); n != 1 {
				t.Errorf("%d accounts, want only the winner", n)
			}
			want := map[string]any{"Account__c": winner}
			if tt.key != "" {
				want["Account__c"] = nil // it no longer has one of its own
				w.Holds(w.Salesforce.Get("Account", winner), map[string]any{"Name": "Engines Incorporated", e2e.Key: "77"})
			}
			w.Holds(made, want)
			w.Holds(w.Salesforce.Get("Account", winner), map[string]any{"Phone": "1"})
			w.Monday.SetColumn(item, "amount", "7")
			w.Quiet()
			w.Holds(w.Record("Monday_Project__c", item), map[string]any{"Budget__c": 7.0, "Account__c": want["Account__c"]})
			w.Expect(0, "SELECT count(*) FROM dead_letters")
		})
	}
}

// TestReferenceToDeleted: a new record whose account was deleted gets a new account.
func TestReferenceToDeleted(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]string{"shared": "shared: true, match: [Name]", "its own": "match: [Name]"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.Mapped(late(account)))
			item := w.Lead("Ada Lovelace", "Analytical Engines")
			w.Quiet()
			w.Salesforce.Delete("Account", w.Records("Account", "Name", "Analytical Engines")[0]["Id"].(string))
			w.Monday.SetColumn(item, "status", e2e.Label("MOU"))
			w.Quiet()
			w.Holds(w.Record("Monday_Project__c", item), map[string]any{"Account__c": w.Records("Account", "Name", "Analytical Engines")[0]["Id"]})
			w.Expect(0, "SELECT count(*) FROM dead_letters")
		})
	}
}

// TestRejectedReference: an account that may not be referred to still exists: the record is created without the
// reference at the first attempt, with one dead letter and no second account.
func TestRejectedReference(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(late("shared: true, match: [Name]")))
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	account := w.Records("Account", "Name", "Analytical Engines")[0]["Id"].(string)
	w.Salesforce.RejectReferences("Account", account, "INVALID_CROSS_REFERENCE_KEY")
	w.Monday.SetColumn(item, "status", e2e.Label("MOU"))
	w.Quiet()
	w.Holds(w.Record("Monday_Project__c", item), map[string]any{"Account__c": nil})
	if n := len(w.Salesforce.Records("Account")); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
	w.DeadLetter()
	w.Expect(1, "SELECT attempts FROM dead_letters")
}
