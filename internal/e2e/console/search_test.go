package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// TestSearch finds a lead by each key that a person may have at hand.
func TestSearch(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	lead := w.Lead("Ada King-Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("Ada@Example.org")})
	w.Lead("Charles Babbage", "Difference Engines", map[string]any{"email": e2e.Email("charles@example.org")})
	company := w.Monday.CreateItem(e2e.Accounts, "Engines & Sons",
		map[string]any{"phone": map[string]any{"phone": "+1 (212) 555-0100", "countryShortName": "US"}})
	texts := w.Lead("Mary Somerville", "mary@somerville.example")
	note := w.Lead("Ann Lister", "(646) 555-0188")
	abroad := w.Lead("Emmy Noether", "+49 30 90182-0")
	w.Quiet()
	id := w.Record("Lead", lead)["Id"].(string)
	page := fmt.Sprintf("/items/%d", lead)
	for q, want := range map[string]string{
		"king":            page,
		"Lovelace, Ada":   page,
		"ada@example.ORG": page,
		fmt.Sprint(lead):  page,
		id:                page,
		id[:15]:           page,
		"https://acme.lightning.force.com/lightning/r/Lead/" + id + "/view":               page,
		"https://acme.my.salesforce.com/" + id[:15]:                                       page,
		fmt.Sprintf("https://example.monday.com/boards/1003/pulses/%d", lead):             page,
		fmt.Sprintf("https://example.monday.com/boards/1003/views/9/pulses/%d?x=1", lead): page,
		"212 555 0100":   fmt.Sprintf("/items/%d", company),
		"+1-212-5550100": fmt.Sprintf("/items/%d", company),
		"(212) 555-0100": fmt.Sprintf("/items/%d", company),
		// in columns of text
		"Mary@somerville.example": fmt.Sprintf("/items/%d", texts),
		"6465550188":              fmt.Sprintf("/items/%d", note),
		"646-555-0188":            fmt.Sprintf("/items/%d", note),
		"646.555.0188":            fmt.Sprintf("/items/%d", note),
		"+1 (646) 555 0188":       fmt.Sprintf("/items/%d", note),
		"1-646-555-0188":          fmt.Sprintf("/items/%d", note),
		"+49 30 901820":           fmt.Sprintf("/items/%d", abroad),
		"0049 (30) 90182-0":       fmt.Sprintf("/items/%d", abroad),
		"4930901820":              fmt.Sprintf("/items/%d", abroad),
	} {
		if p := operates.open("/search?q=" + url.QueryEscape(q)); p.at != want {
			t.Errorf("%q leads to %s, want %s", q, p.at, want)
		}
	}
	p := operates.open("/search?q=engines")
	if strings.HasPrefix(p.at, "/items/") != true {
		t.Errorf("a single item by its name is not opened: %s", p.at)
	}
	operates.open("/search?q=nobody").shows(t, "Nothing was found.")
	operates.open("/search?q=4711").shows(t, "crmsync has not seen an item 4711 yet.")
	if p := operates.do(http.MethodGet, "/items/4711", nil); p.status != http.StatusNotFound {
		t.Errorf("an unknown item answered %d", p.status)
	}
}
