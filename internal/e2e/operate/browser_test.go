package operate_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// TestDashboardInChromium: with the password, jobs are visible, and a discarded one is completed after a click on
// retry; without it, nothing is visible, and another site that a logged-in operator visits cannot trigger anything.
func TestDashboardInChromium(t *testing.T) {
	t.Parallel()
	browser := startChromium(t)
	w := e2e.Serving(t, e2e.With("ADMIN_USER", "admin"), e2e.With("ADMIN_PASSWORD", "a-password"), e2e.With("MAX_ATTEMPTS", "2"))
	item, job := discarded(w)
	for _, password := range []string{"", "another-one"} {
		if status := browser.tab(t).enter(w.Admin, password); status != http.StatusUnauthorized {
			t.Errorf("with the password %q the dashboard answered %d, want 401", password, status)
		}
	}
	operator := browser.tab(t)
	if status := operator.enter(w.Admin, "a-password"); status != http.StatusOK {
		t.Fatalf("the dashboard answered %d, want 200", status)
	}
	operator.do(click("//a[starts-with(., 'Completed')]"), see("//main//a[.='item_create']"), see("//main//a[.='column_update']"))
	if list := operator.text(); strings.Contains(list, "Lovelace") || strings.Contains(list, "item_id") {
		t.Errorf("the list shows arguments:\n%s", list)
	}

	for _, host := range []string{"127.0.0.1", "localhost"} { // another origin of the same site, another site
		visitor := browser.tab(t)
		visitor.visit(chromedp.Navigate(forger(t, host, w.Admin, job)))
		if status := visitor.visit(click("//button")); status != http.StatusForbidden {
			t.Errorf("a POST of a page of %s answered %d, want 403", host, status)
		}
	}
	w.Expect(1, "SELECT count(*) FROM river_job WHERE id = $1 AND state = 'discarded' AND attempt = 2", job)

	operator.do(click("//a[starts-with(., 'Discarded')]"), click(fmt.Sprintf("//main//a[@href='/jobs/jobs/%d']", job)), click("//button[.='Retry']"))
	w.Eventually("the job is done", func() bool {
		return w.Count("SELECT count(*) FROM river_job WHERE id = $1 AND state = 'completed' AND attempt = 3", job) == 1
	})
	w.Record("Account", item)
	operator.do(see("//dd[.='Completed']"))
	for _, complaint := range operator.complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// discarded creates completed jobs, and one whose last attempt failed although its cause is gone now.
func discarded(w *e2e.World) (item, job int64) {
	w.T.Helper()
	w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	w.Failing(sfsim.Fault{Status: http.StatusInternalServerError}, func(c sfsim.Call) bool { return c.Operation == "upsert" })
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

// chromium is a running browser with a new profile.
type chromium struct{ ctx context.Context }

// startChromium runs the browser until the test ends. If there is none, the test is skipped, except in CI.
func startChromium(t *testing.T) chromium {
	t.Helper()
	path := findChromium()
	if path == "" && os.Getenv("CI") != "true" {
		t.Skip("chromium is missing: sh .ci/install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1280, 900), chromedp.DisableGPU,
		chromedp.NoSandbox, // it wants rights that a container has not, and sees no pages but the tests'
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until its files are gone
	return chromium{ctx}
}

// findChromium returns the first that works: on Ubuntu, a script of that name only says how to install it.
func findChromium() (name string) {
	for _, name := range []string{"chromium", "google-chrome", "chromium-browser"} {
		if exec.Command(name, "--version").Run() == nil {
			return name
		}
	}
	return ""
}

// tab is a tab of the browser. A login in one applies to all that are opened later.
type tab struct {
	t       *testing.T
	ctx     context.Context
	console iter.Seq2[chromedp.ConsoleMessage, error]
}

func (c chromium) tab(t *testing.T) *tab {
	ctx, closing := chromedp.NewContext(c.ctx)
	t.Cleanup(closing)
	return &tab{t: t, ctx: ctx, console: chromedp.Console(ctx)}
}

// enter opens the dashboard, and returns the status of its answer. When prompted, it enters the password once, if there
// is one, and cancels after that.
func (b *tab) enter(admin, password string) (status int) {
	b.t.Helper()
	go b.proceed(chromedp.Events(b.ctx, fetch.RequestPaused))
	go b.reply(chromedp.Events(b.ctx, fetch.AuthRequired), password)
	handle := true
	if _, err := chromedp.Call(b.ctx, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &handle}); err != nil {
		b.t.Fatal(err)
	}
	return b.visit(chromedp.Navigate(admin + "/jobs/"))
}

// proceed continues a request: the browser only prompts for passwords if all requests are intercepted.
func (b *tab) proceed(paused iter.Seq2[fetch.EventRequestPaused, error]) {
	for event := range paused {
		_, _ = chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: event.RequestID})
	}
}

// reply enters the password at the first prompt, and cancels the next.
func (b *tab) reply(asked iter.Seq2[fetch.EventAuthRequired, error], password string) {
	for event := range asked {
		reply := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
		if password != "" {
			reply = &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseProvideCredentials, Username: "admin", Password: password}
		}
		password = ""
		_, _ = chromedp.Call(b.ctx, fetch.ContinueWithAuth, fetch.ContinueWithAuthParams{RequestID: event.RequestID, AuthChallengeResponse: reply})
	}
}

// visit performs a step that leads to another page, and returns the status of its answer.
func (b *tab) visit(step chromedp.Action[chromedp.Void]) (status int) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, e2e.Patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		b.t.Fatal(err)
	}
	return int(resp.Status)
}

// do performs steps, each as soon as it is possible.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, e2e.Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%v; the page shows:\n%s", err, b.text())
	}
}

// see waits until everything that an XPath finds is visible.
func see(xpath string) chromedp.Action[chromedp.Void] { return chromedp.WaitVisible(xpath) }

// click clicks on the first element that an XPath finds, once it is visible.
func click(xpath string) chromedp.Action[chromedp.Void] { return chromedp.Click(xpath) }

// text returns the text of the page.
func (b *tab) text() string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.t.Fatal(err)
	}
	return text
}

// complaints returns the messages of the browser's console so far, such as violations of a page's policy.
func (b *tab) complaints() (found []string) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void]("console.log('so far')")); err != nil {
		b.t.Fatal(err)
	}
	for message, err := range b.console {
		if err != nil {
			b.t.Fatal(err)
		}
		if message.Text == "so far" {
			break
		}
		if message.IsException() || message.Type == chromedp.ConsoleError {
			found = append(found, message.String())
		}
	}
	return found
}
