package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"crmsync/internal/e2e"
)

// gets and posts are the routes of the console. A star stands for any text.
var (
	gets  = []string{"/", "/search", "/items/*", "/errors", "/errors/*", "/conflicts", "/held", "/runs", "/runs/sweeps/*", "/static/*/*", "/*"}
	posts = []string{
		"/items/*/resync", "/items/*/send", "/items/*/back", "/items/*/replay", "/items/*/erase", "/items/*/release", "/items/*/drop",
		"/letters/*/replay", "/letters/*/ignore", "/errors/*/replay", "/errors/*/ignore", "/conflicts/*/take", "/held/*/release", "/held/*/drop",
	}
)

// hostile generates texts, many of which no form of ours sends.
func hostile(known ...string) *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.SampledFrom(append(known,
			"", "0", "-1", "1", "+1", "007", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1e3", "0x10", "٣",
			"\x00", "a\x00b", "\xff", "a\xc3", "\xed\xa0\x80", "\u202e", "'", `"`, "%", "%00", "a & !b:* | '", ":*", "\\", "💥", "ab@", "@",
			"https://acme.monday.com/boards/1/pulses/0", "https://acme.monday.com/boards/1/pulses/99999999999999999999",
			"https://x/00Q5f000001AbCdEAK", "http://[::1", "+1 212 555 0100", "(((((((((", "000000", "yes", "monday", "salesforce",
			"<script>alert(1)</script>", "../../etc/passwd", strings.Repeat("x", 5000))),
		rapid.String(),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 12), func(b []byte) string { return string(b) }),
	)
}

// path replaces the stars of a route.
func path(t *rapid.T, route string, segment *rapid.Generator[string]) string {
	for strings.Contains(route, "*") {
		route = strings.Replace(route, "*", url.PathEscape(segment.Draw(t, "segment")), 1)
	}
	return route
}

// values draws the values of a form or a query.
func values(t *rapid.T, segment *rapid.Generator[string], names ...string) url.Values {
	v := url.Values{}
	for _, name := range names {
		if rapid.Bool().Draw(t, name) {
			v.Set(name, segment.Draw(t, name))
		}
	}
	return v
}

// TestAnyInput: whatever paths, queries and forms contain, the console answers with a page, and never fails.
func TestAnyInput(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	w.Reject("Lead", "Email", "rejected@example.org")
	lead := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("rejected@example.org")})
	w.Quiet()
	operates.open("/errors")
	known := []string{fmt.Sprint(lead), fmt.Sprint(w.DeadLetter()), w.Text("SELECT min(cause_id) FROM causes"), "1003"}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	segment := hostile(known...)
	rapid.Check(t, func(t *rapid.T) {
		method, body, target := http.MethodGet, "", ""
		if rapid.Bool().Draw(t, "post") {
			method, target = http.MethodPost, path(t, rapid.SampledFrom(posts).Draw(t, "route"), segment)
			body = values(t, segment, "reason", "item", "board", "side", "sure", "suppress", "cause").Encode()
		} else {
			target = path(t, rapid.SampledFrom(gets).Draw(t, "route"), segment)
		}
		query := values(t, segment, "q", "done", "n", "look", "cause").Encode()
		if rapid.IntRange(0, 4).Draw(t, "broken") == 0 {
			query += segment.Draw(t, "query")
		}
		answered(t, w, client, method, target, query, body)
	})
	for _, log := range w.Logs {
		if log.Contains("page failed") || log.Contains("panic") {
			t.Error("the log says that a page failed")
		}
	}
}

// answered sends a request, and checks that the answer is a page without a failure.
func answered(t *rapid.T, w *e2e.World, client *http.Client, method, target, query, body string) {
	u, err := url.Parse(w.Admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path, err = url.PathUnescape(target)
	if err != nil {
		t.Fatal(err)
	}
	u.RawPath, u.RawQuery = target, strings.Map(visible, query)
	req, err := http.NewRequestWithContext(w.T.Context(), method, u.String(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL = u
	req.SetBasicAuth(operator, operatorPassword)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := client.Do(req)
	if err != nil {
		t.Fatalf("%s %s?%s: %v", method, target, query, err)
	}
	defer resp.Body.Close()
	isPage := strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") || resp.StatusCode/100 == 3 ||
		strings.HasPrefix(target, "/static/") && resp.StatusCode == http.StatusOK
	if resp.StatusCode >= 500 || !isPage {
		t.Fatalf("%s %s?%s %q answered %d, %s", method, target, query, body, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
}

// visible removes what a request line cannot contain.
func visible(c rune) rune {
	if c <= ' ' || c >= 0x7f || c == '#' {
		return -1
	}
	return c
}

// TestBadAddresses: unknown ids, and texts that are not ids, lead to pages that say so.
func TestBadAddresses(t *testing.T) {
	t.Parallel()
	_, operates, _ := withConsole(t)
	for _, id := range []string{"0", "-1", "x", "9223372036854775808", "%2B7"} {
		for _, form := range []string{"", "/resync", "/send", "/back", "/replay", "/erase", "/release", "/drop"} {
			method := http.MethodPost
			if form == "" {
				method = http.MethodGet
			}
			p := operates.do(method, "/items/"+id+form, url.Values{"sure": {"yes"}, "board": {"1003"}})
			if p.status != http.StatusNotFound {
				t.Errorf("%s /items/%s%s answered %d", method, id, form, p.status)
			}
			p.shows(t, "An item's id is a number.", "Overview")
		}
	}
	for _, path := range []string{"/items/%00", "/errors/%FF", "/search?q=%00", "/search?q=ada%FF", "/search?q=%zz", "/errors?x=%00"} {
		p := operates.do(http.MethodGet, path, nil)
		if p.status != http.StatusBadRequest {
			t.Errorf("%s answered %d", path, p.status)
		}
		p.shows(t, "The address could not be read.", "Overview")
	}
	for _, reason := range []string{"a\x00b", "\xff"} {
		p := operates.post("/held/1003/drop", "reason", reason)
		if p.status != http.StatusBadRequest {
			t.Errorf("the reason %q answered %d", reason, p.status)
		}
		p.shows(t, "The form could not be read.")
	}
	for _, id := range []string{"0", "-1", "x"} {
		for _, args := range [][]string{{"item", "--", id}, {"tail", "--item=" + id}, {"erase", "--item=" + id}} {
			if code, _, stderr := operates.w.Command(args...); code != 2 || strings.Contains(stderr, "SQLSTATE") {
				t.Errorf("%q: exit %d, %s", args, code, stderr)
			}
		}
	}
	for _, args := range [][]string{{"replay", "--cause", "\xff"}, {"replay", "--code", "a\x00"}, {"ignore", "7", "--reason", "\xff"}, {"errors", "--cause", "\x00"}} {
		if code, _, stderr := operates.w.Command(args...); code != 2 || !strings.Contains(stderr, "is not text: arguments are UTF-8") {
			t.Errorf("%q: exit %d, %s", args, code, stderr)
		}
	}
}
