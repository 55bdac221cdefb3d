package console_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"crmsync/internal/e2e"
)

// look is a size and a color scheme in which pages are viewed.
type look struct {
	name          string
	width, height int64
	scheme        string
}

var looks = []look{
	{"desktop", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}, {"phone", 390, 844, "light"}, {"phone-dark",
		390, 844, "dark"},
}

// pictured are the pictures in docs/console.md. The variable PICTURES_OF=all creates all of them.
var pictured = []string{"overview-desktop", "rejected-desktop", "rejected-phone-dark"}

// TestPagesInChromium views every page at the size of a desktop and of a phone, in light and dark: everything is
// accessible, no page is too wide, and the browser reports no problem. If the variable PICTURES names a folder, it
// stores pictures there.
func TestPagesInChromium(t *testing.T) {
	t.Parallel()
	browser := e2e.StartChromium(t)
	axe := readAxe(t)
	w, _, _ := withConsole(t, e2e.ByHand)
	s := play(w)
	pages := map[string]string{
		"overview": "/", "search": "/search?q=mar", "in-sync": item(s.synced), "rejected": item(s.rejected), "drift": item(s.drifted), "not-yet": item(s.waiting),
		"errors": "/errors", "cause": "/errors/" + s.cause, "conflicts": "/conflicts", "held": "/held", "held-item": item(8300000001), "runs": "/runs",
		"run": "/runs/sweeps/" + w.Text("SELECT max(id)::text FROM sweeps WHERE board_id = 1003"), "missing": "/items/4711",
	}
	tab := browser.Tab(t)
	if status := tab.Enter(w.Admin+"/", operator, operatorPassword); status != http.StatusOK {
		t.Fatalf("the console answered %d", status)
	}
	for _, l := range looks {
		tab.Do(chromedp.EmulateViewport(l.width, l.height, chromedp.EmulateMobile))
		tab.Prefer("prefers-color-scheme", l.scheme)
		for name, path := range pages {
			if status := tab.Visit(chromedp.Navigate(w.Admin + path)); status != http.StatusOK && name != "missing" {
				t.Errorf("%s answered %d", path, status)
			}
			if wide := e2e.Evaluate[int](tab, "document.documentElement.scrollWidth - innerWidth"); wide > 0 {
				t.Errorf("%s on a %s is %d pixels too wide", path, l.name, wide)
			}
			for _, violation := range violations(tab, axe) {
				t.Errorf("%s on a %s: %s", path, l.name, violation)
			}
			keepPicture(tab, name+"-"+l.name)
		}
	}
	for _, complaint := range tab.Complaints() {
		if !strings.Contains(complaint, "404") { // about the missing page
			t.Errorf("the browser complains: %s", complaint)
		}
	}
}

// keepPicture stores a picture of the page in the folder PICTURES, if it is wanted.
func keepPicture(tab *e2e.Tab, name string) {
	folder := os.Getenv("PICTURES")
	if folder == "" || !slices.Contains(pictured, name) && os.Getenv("PICTURES_OF") != "all" {
		return
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), tab.Picture(), 0o644); err != nil {
		tab.T.Fatal(err)
	}
}

func item(id int64) string { return fmt.Sprintf("/items/%d", id) }

// readAxe returns the script of axe-core. If it is missing, the test is skipped, except in CI.
func readAxe(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("../../../.ci/axe/node_modules/axe-core/axe.min.js")
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip("axe-core is missing: sh .ci/install axe")
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// violations returns what axe finds wrong with the page, by the rules of WCAG 2.2 AA and the best practices.
func violations(tab *e2e.Tab, axe string) []string {
	e2e.Evaluate[any](tab, axe+"; null")
	return e2e.Evaluate[[]string](tab, `axe.run(document, {resultTypes: ["violations"]}).then(found =>
		found.violations.map(v => v.impact + " " + v.id + ": " + v.help + " at " + v.nodes.map(n => n.target.join(" ") + " (" + n.any.map(a => a.message).join("; ") + ")").slice(0, 3).join(", ")))`)
}

// TestKeyboardOnly finds a lead and replays its event without a mouse. The focus is always visible.
func TestKeyboardOnly(t *testing.T) {
	t.Parallel()
	browser := e2e.StartChromium(t)
	w, _, _ := withConsole(t)
	w.Reject("Lead", "Email", "rejected@example.org")
	lead := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("rejected@example.org")})
	w.Quiet()
	tab := browser.Tab(t)
	far := strings.Replace(w.Admin, "127.0.0.1", e2e.FarHost, 1)
	if status := tab.Enter(far+"/", operator, operatorPassword); status != http.StatusOK {
		t.Fatalf("the console answered %d", status)
	}
	tab.Do(chromedp.KeyEvent(kb.Tab))
	if text := e2e.Evaluate[string](tab, "document.activeElement.textContent"); text != "Skip to the content" || focusHidden(tab) {
		t.Errorf("the first that has the focus is %q", text)
	}
	tab.Do(chromedp.KeyEvent("/"), chromedp.KeyEvent("ada"))
	if status := tab.Visit(chromedp.KeyEvent(kb.Enter)); status != http.StatusOK {
		t.Errorf("the search answered %d", status)
	}
	tab.Do(e2e.See(fmt.Sprintf("//p[contains(., 'item %d')]", lead)))
	seen := 0
	for range 40 { // to the button
		tab.Do(chromedp.KeyEvent(kb.Tab))
		if seen++; focusHidden(tab) {
			t.Errorf("the focus is not seen on %s", e2e.Evaluate[string](tab, "document.activeElement.outerHTML"))
		}
		if e2e.Evaluate[string](tab, "document.activeElement.textContent") == "Replay" {
			break
		}
	}
	if status := tab.Visit(chromedp.KeyEvent(kb.Enter)); status != http.StatusOK || seen == 40 {
		t.Fatalf("the button answered %d, after %d steps", status, seen)
	}
	tab.Do(e2e.See("//p[@role='status' and contains(., '1 event put back')]"))
	w.Eventually("the event was replayed", func() bool { return w.Count("SELECT count(*) FROM operations WHERE act = 'replay'") == 1 })
	for _, complaint := range tab.Complaints() {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// focusHidden reports whether the focused element has no outline, or lies outside of the page.
func focusHidden(tab *e2e.Tab) bool {
	return e2e.Evaluate[bool](tab, `(() => {
		const e = document.activeElement, at = e.getBoundingClientRect(), style = getComputedStyle(e);
		return e === document.body || style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2 || at.width === 0 || at.bottom < 0 || at.right < 0;
	})()`)
}
