package e2e

import (
	"context"
	"iter"
	"os"
	"os/exec"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/fetch"
	"github.com/chromedp/chromedp"
)

// FarHost is a name of this machine that the browser does not know as such. Over plain HTTP it does not tell a server
// where a request comes from as fully as it does on localhost.
const FarHost = "console.test"

// Browser is a running browser with a new profile.
type Browser struct{ ctx context.Context }

// StartChromium runs the browser until the test ends. If there is none, the test is skipped, except in CI.
func StartChromium(t *testing.T) Browser {
	t.Helper()
	path := findChromium()
	if path == "" && os.Getenv("CI") != "true" {
		t.Skip("chromium is missing: sh .ci/install chromium")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1280, 900),
		chromedp.DisableGPU,
		chromedp.NoSandbox, // the sandbox needs rights that a container lacks, and only pages of the tests are opened
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP "+FarHost+" 127.0.0.1"))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, _ = chromedp.NewContext(ctx)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting chromium: %v", err)
	}
	t.Cleanup(func() { _ = chromedp.Cancel(ctx) }) // waits until its files are gone
	return Browser{ctx}
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

// Tab is a tab of the browser. A login in one applies to all that are opened later.
type Tab struct {
	T       *testing.T
	ctx     context.Context
	console iter.Seq2[chromedp.ConsoleMessage, error]
}

// Tab opens a tab.
func (c Browser) Tab(t *testing.T) *Tab {
	ctx, closing := chromedp.NewContext(c.ctx)
	t.Cleanup(closing)
	return &Tab{T: t, ctx: ctx, console: chromedp.Console(ctx)}
}

// Enter opens a page, and returns the status of its answer. When prompted, it enters the password once, if there
// is one, and cancels after that.
func (b *Tab) Enter(url, user, password string) (status int) {
	b.T.Helper()
	go b.proceed(chromedp.Events(b.ctx, fetch.RequestPaused))
	go b.reply(chromedp.Events(b.ctx, fetch.AuthRequired), user, password)
	handle := true
	if _, err := chromedp.Call(b.ctx, fetch.Enable, fetch.EnableParams{HandleAuthRequests: &handle}); err != nil {
		b.T.Fatal(err)
	}
	return b.Visit(chromedp.Navigate(url))
}

// proceed continues a request: the browser only prompts for passwords if all requests are intercepted.
func (b *Tab) proceed(paused iter.Seq2[fetch.EventRequestPaused, error]) {
	for event := range paused {
		_, _ = chromedp.Call(b.ctx, fetch.ContinueRequest, fetch.ContinueRequestParams{RequestID: event.RequestID})
	}
}

// reply enters the password at the first prompt, and cancels the next.
func (b *Tab) reply(asked iter.Seq2[fetch.EventAuthRequired, error], user, password string) {
	for event := range asked {
		reply := &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseCancelAuth}
		if password != "" {
			reply = &fetch.AuthChallengeResponse{Response: fetch.AuthChallengeResponseResponseProvideCredentials,
				Username: user, Password: password}
		}
		password = ""
		_, _ = chromedp.Call(b.ctx, fetch.ContinueWithAuth,
			fetch.ContinueWithAuthParams{RequestID: event.RequestID, AuthChallengeResponse: reply})
	}
}

// Visit performs a step that leads to another page, and returns the status of its answer.
func (b *Tab) Visit(step chromedp.Action[chromedp.Void]) (status int) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	resp, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		b.T.Fatal(err)
	}
	return int(resp.Status)
}

// Do performs steps, each as soon as it is possible.
func (b *Tab) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.T.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.T.Fatalf("%v; the page shows:\n%s", err, b.Text())
	}
}

// See waits until everything that an XPath finds is visible.
func See(xpath string) chromedp.Action[chromedp.Void] { return chromedp.WaitVisible(xpath) }

// Click clicks on the first element that an XPath finds, once it is visible.
func Click(xpath string) chromedp.Action[chromedp.Void] { return chromedp.Click(xpath) }

// Text returns the text of the page.
func (b *Tab) Text() string {
	b.T.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("document.body.innerText"))
	if err != nil {
		b.T.Fatal(err)
	}
	return text
}

// Complaints returns the messages of the browser's console so far, such as violations of a page's policy.
func (b *Tab) Complaints() (found []string) {
	b.T.Helper()
	if err := chromedp.Do(b.ctx, chromedp.Evaluate[chromedp.Void]("console.log('so far')")); err != nil {
		b.T.Fatal(err)
	}
	for message, err := range b.console {
		if err != nil {
			b.T.Fatal(err)
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

// Prefer makes the browser report a preference of its user, such as a color scheme.
func (b *Tab) Prefer(feature, value string) {
	b.T.Helper()
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: feature, Value: value}},
	})
	if err != nil {
		b.T.Fatal(err)
	}
}

// Picture returns a picture of the whole page as PNG.
func (b *Tab) Picture() []byte {
	b.T.Helper()
	picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		b.T.Fatal(err)
	}
	return picture
}

// Evaluate returns the value of a JavaScript expression, or what its promise is fulfilled with.
func Evaluate[T any](b *Tab, expression string) T {
	b.T.Helper()
	value, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.T.Fatal(err)
	}
	return value
}
