package console_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"crmsync/internal/e2e"
)

// look is a size and a color scheme in which pages are looked at.
type look struct {
	name          string
	width, height int64
	scheme        string
}

var looks = []look{
	{"desktop", 1280, 900, "light"}, {"desktop-dark", 1280, 900, "dark"}, {"phone", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"},
}

// TestPagesInChromium looks at every page at the size of a desktop and of a phone, in light and dark: nothing is accessible to
// some only, nothing sticks out to the side, and the browser has no complaint. With the variable PICTURES, a folder, it leaves
// pictures there.
func TestPagesInChromium(t *testing.T) {
	t.Parallel()
	browser := e2e.StartChromium(t)
	axe := readAxe(t)
	w, _, _ := withConsole(t, e2e.ByHand)
	s := play(w)
	pages := map[string]string{
		"overview": "/", "search": "/search?q=mar", "in-sync": item(s.synced), "refused": item(s.refused), "drift": item(s.drifted), "not-yet": item(s.waiting),
		"errors": "/errors", "cause": "/errors/" + s.cause, "conflicts": "/conflicts", "held": "/held", "runs": "/runs",
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
			if folder := os.Getenv("PICTURES"); folder != "" {
				if err := os.WriteFile(filepath.Join(folder, name+"-"+l.name+".png"), tab.Picture(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, complaint := range tab.Complaints() {
		if !strings.Contains(complaint, "404") { // of the page that is missing
			t.Errorf("the browser complains: %s", complaint)
		}
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
