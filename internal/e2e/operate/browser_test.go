package operate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestDashboardInChromium: with the password, jobs are visible, and a discarded one is completed after a click on
// retry; without it, nothing is visible, and another site that a logged-in operator visits cannot trigger anything.
func TestDashboardInChromium(t *testing.T) {
	t.Parallel()
	browser := e2e.StartChromium(t)
	w := e2e.Serving(t, e2e.With("ADMIN_USER", "admin"), e2e.With("ADMIN_PASSWORD", "a-password"), e2e.With("MAX_ATTEMPTS", "2"))
	item, job := discarded(w)
	for _, password := range []string{"", "another-one"} {
		if status := browser.Tab(t).Enter(w.Admin+"/jobs/", "admin", password); status != http.StatusUnauthorized {
			t.Errorf("with the password %q the dashboard answered %d, want 401", password, status)
		}
	}
	operator := browser.Tab(t)
	if status := operator.Enter(w.Admin+"/jobs/", "admin", "a-password"); status != http.StatusOK {
		t.Fatalf("the dashboard answered %d, want 200", status)
	}
	operator.Do(e2e.Click("//a[starts-with(., 'Completed')]"), e2e.See("//main//a[.='item_create']"), e2e.See("//main//a[.='column_update']"))
	if list := operator.Text(); strings.Contains(list, "Lovelace") || strings.Contains(list, "item_id") {
		t.Errorf("the list shows arguments:\n%s", list)
	}

	for _, host := range []string{"127.0.0.1", "localhost"} { // another origin of the same site, another site
		visitor := browser.Tab(t)
		visitor.Visit(chromedp.Navigate(forger(t, host, w.Admin, job)))
		if status := visitor.Visit(e2e.Click("//button")); status != http.StatusForbidden {
			t.Errorf("a POST of a page of %s answered %d, want 403", host, status)
		}
	}
	w.Expect(1, "SELECT count(*) FROM river_job WHERE id = $1 AND state = 'discarded' AND attempt = 2", job)

	operator.Do(e2e.Click("//a[starts-with(., 'Discarded')]"), e2e.Click(fmt.Sprintf("//main//a[@href='/jobs/jobs/%d']", job)), e2e.Click("//button[.='Retry']"))
	w.Eventually("the job is done", func() bool {
		return w.Count("SELECT count(*) FROM river_job WHERE id = $1 AND state = 'completed' AND attempt = 3", job) == 1
	})
	w.Record("Account", item)
	operator.Do(e2e.See("//dd[.='Completed']"))
	for _, complaint := range operator.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// discarded creates completed jobs, and one whose last attempt failed although its cause is gone now.
func discarded(w *e2e.World) (item, job int64) {
	w.T.Helper()
	w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Failing(sfsim.Fault{Status: http.StatusInternalServerError}, func(c sfsim.Call) bool { return c.Has("upsert", "") })
	item = w.Monday.CreateItem(e2e.Accounts, "Difference Engines", nil)
	w.Quiet()
	w.Salesforce.OnCall(nil)
	return item, w.DeadLetter()
}

// forger serves a page whose button posts a retry of the job to the dashboard, which any page can do.
func forger(t *testing.T, host, admin string, job int64) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<form method="post" enctype="text/plain" action="%s/jobs/api/jobs/retry">
			<input name='{"ids":["%d"],"x":"' value='"}'><button>Win</button></form>`, admin, job)
	}))
	t.Cleanup(server.Close)
	return strings.Replace(server.URL, "127.0.0.1", host, 1)
}
