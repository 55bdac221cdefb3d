package console_test

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"crmsync/internal/e2e"
)

// TestStoryInChromium does what a colleague would do in a browser: view an item in sync, learn why another is not,
// have it replayed and see it turn green, reverse the decision of a conflict, and find items by each kind of key.
func TestStoryInChromium(t *testing.T) {
	t.Parallel()
	browser := e2e.StartChromium(t)
	w, _, _ := withConsole(t, e2e.BothWays)
	const bad = "rejected@example.org"
	var mended atomic.Bool
	w.Salesforce.Reject("Lead", "Email", func(v any) string {
		if v == bad && !mended.Load() {
			return e2e.Rejection
		}
		return ""
	})
	synced := w.Lead("Grace Hopper", "Compilers", map[string]any{"email": e2e.Email("grace@example.org")})
	w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email(bad)})
	both := w.Monday.CreateItem(e2e.Contacts, "Mary Somerville", map[string]any{"email": e2e.Email("mary@example.org")})
	called := w.Monday.CreateItem(e2e.Accounts, "Engines & Sons", map[string]any{"phone": map[string]any{"phone": "+1 (212) 555-0100", "countryShortName": "US"}})
	w.Quiet()
	w.Eventually("the cause is known", func() bool { return w.Count("SELECT count(*) FROM causes WHERE closed_at IS NULL") == 1 })
	conflict(w, both)

	tab := browser.Tab(t)
	if status := tab.Enter(w.Admin+item(synced), operator, operatorPassword); status != http.StatusOK {
		t.Fatalf("the console answered %d", status)
	}
	tab.Do(e2e.See("//section[contains(@class, 'verdict') and contains(@class, 'good') and contains(., 'In sync since')]"))

	tab.Visit(chromedp.Navigate(w.Admin + "/"))
	tab.Do(e2e.See("//h1[contains(., '1 event that failed waits for a person.')]"))
	tab.Visit(e2e.Click("//a[contains(., 'Lead.Email: INVALID_EMAIL_ADDRESS')]"))
	tab.Do(e2e.See("//p[@class='advice' and contains(., 'Correct the value in Monday')]"))
	tab.Visit(e2e.Click("//a[contains(., 'Ada Lovelace')]"))
	tab.Do(e2e.See("//section[contains(@class, 'verdict') and contains(@class, 'bad') and contains(., 'Email differs: Salesforce rejected it, INVALID_EMAIL_ADDRESS.')]"))
	mended.Store(true)
	tab.Visit(e2e.Click("//button[. = 'Replay']"))
	tab.Do(e2e.See("//p[@role='status' and contains(., '1 event put back')]"))
	// The page reloads itself until nothing is under way.
	tab.Do(e2e.See("//section[contains(@class, 'verdict') and contains(@class, 'good') and contains(., 'In sync since')]"))

	tab.Visit(chromedp.Navigate(w.Admin + "/conflicts"))
	tab.Do(e2e.See("//li[contains(., 'Mary Somerville') and contains(., 'monday@example.org') and contains(., 'salesforce@example.org')]"))
	tab.Visit(e2e.Click("//button[contains(., 'Take Salesforce')]"))
	tab.Do(e2e.See("//p[@role='status' and contains(., 'written to both sides')]"))
	w.Eventually("Monday shows the value", func() bool { return w.Shown(both, "email") == "salesforce@example.org" })
	w.Quiet()
	tab.Visit(chromedp.Navigate(w.Admin + item(both)))
	tab.Do(e2e.See("//section[contains(@class, 'verdict') and contains(@class, 'good')]"))

	id := w.Record("Lead", synced)["Id"].(string)
	for key, want := range map[string]int64{
		"hopper": synced, "grace@example.org": synced, "212 555 0100": called, fmt.Sprint(synced): synced, id: synced, id[:15]: synced,
		fmt.Sprintf("https://example.monday.com/boards/1003/pulses/%d", synced):     synced,
		"https://acme.lightning.force.com/lightning/r/Lead/" + id + "/view?x=1#top": synced,
	} {
		tab.Visit(chromedp.Navigate(w.Admin + "/held"))
		tab.Do(e2e.Click("//input[@id='q']"), chromedp.KeyEvent(key))
		if status := tab.Visit(chromedp.KeyEvent(kb.Enter)); status != http.StatusOK {
			t.Errorf("the search for %q answered %d", key, status)
		}
		tab.Do(e2e.See(fmt.Sprintf("//p[contains(., 'item %d')]", want)))
	}
	for _, complaint := range tab.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// conflict lets both sides change a contact's address.
func conflict(w *e2e.World, contact int64) {
	w.T.Helper()
	id := w.Record("Contact", contact)["Id"].(string)
	w.Together(e2e.Contacts, func() {
		w.Salesforce.Update("Contact", id, map[string]any{"Email": "salesforce@example.org"})
		w.Monday.SetColumn(contact, "email", e2e.Email("monday@example.org"))
	})
	w.Eventually("the conflict is decided", func() bool { return w.Count("SELECT count(*) FROM conflicts") == 1 })
	w.Quiet()
}

// TestNothingRunsInChromium: names, labels, values, reasons and error texts that look like scripts are shown, and never run.
func TestNothingRunsInChromium(t *testing.T) {
	t.Parallel()
	browser := e2e.StartChromium(t)
	w, operates, _ := withConsole(t)
	const evil = `"><img src=x onerror="document.title='pwned'"><script>document.title='pwned'</script><a href="javascript:document.title='pwned'">x</a>`
	w.Reject("Lead", "Company", evil)
	lead := w.Lead(evil, evil, map[string]any{"status": e2e.Label("Qualified")})
	w.Quiet()
	w.Exec("INSERT INTO error_logs (job_id, attempt, event, item_id, class, code, message) SELECT 1, 1, $2, $1, 'permanent', $2, $2", lead, evil)
	w.Exec(`INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at) VALUES (900001, 'item_rename', jsonb_build_object('item_id', $1::bigint, 'type', $2::text), $2, 1, now())`, lead, evil)
	w.Exec("INSERT INTO outages (system, code) VALUES ('monday board ' || $1, $1)", evil)
	operates.post(item(lead)+"/resync", "reason", evil)
	operates.open("/errors")
	tab := browser.Tab(t)
	tab.Enter(w.Admin+"/", operator, operatorPassword)
	for _, path := range []string{"/", item(lead), "/errors", "/errors/" + w.Text("SELECT min(cause_id) FROM causes"), "/runs", "/search?q=%22%3E%3Cimg+src%3Dx+onerror%3Dx%3E"} {
		if status := tab.Visit(chromedp.Navigate(w.Admin + path)); status != http.StatusOK {
			t.Errorf("%s answered %d", path, status)
		}
		if title := e2e.Evaluate[string](tab, "document.title"); title == "pwned" {
			t.Errorf("%s runs what it shows", path)
		}
		if n := e2e.Evaluate[int](tab, "document.querySelectorAll('main img, main script, a[href^=javascript]').length"); n > 0 {
			t.Errorf("%s has %d elements that came from data", path, n)
		}
	}
	for _, complaint := range tab.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}
