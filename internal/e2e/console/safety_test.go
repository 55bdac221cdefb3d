package console_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"crmsync/internal/e2e"
)

// TestViewerMayNotAct: a viewer sees every page without buttons, and every act is refused, as for any other site.
func TestViewerMayNotAct(t *testing.T) {
	t.Parallel()
	w, operates, views := withConsole(t)
	const bad = "rejected@example.org"
	w.Reject("Lead", "Email", bad)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email(bad)})
	w.Quiet()
	w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES (7, 1001, 'held')")
	w.Exec(`INSERT INTO conflicts (board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce, rule)
		VALUES (1003, $1, 'lead', '00Q000000000001AAA', 'Company', 'company', '"a"', '"b"', '"c"', 'monday')`, item)
	operates.open("/errors") // assigns the cause
	w.Alerted()
	cause, job := w.Text("SELECT cause_id FROM causes"), w.DeadLetter()
	before := state(w)
	var acts []string
	for _, path := range []string{"/", "/search?q=ada", fmt.Sprintf("/items/%d", item), "/errors", "/errors/" + cause, "/conflicts", "/held", "/runs"} {
		acts = append(acts, operates.open(path).forms()...)
		if p := views.open(path); len(p.forms()) > 0 || strings.Contains(strings.ReplaceAll(p.body, `<button type="submit">Find</button>`, ""), "<button") {
			t.Errorf("%s shows a viewer buttons: %q", path, p.forms())
		}
	}
	acts = append(acts, fmt.Sprintf("/items/%d/replay", item), fmt.Sprintf("/items/%d/send", item),
		fmt.Sprintf("/items/%d/back", item), fmt.Sprintf("/letters/%d/ignore", job))
	slices.Sort(acts)
	if acts = slices.Compact(acts); len(acts) < 12 {
		t.Fatalf("only %d acts: %q", len(acts), acts)
	}
	refuseAll(t, w, operates, views, acts)
	if after := state(w); after != before {
		t.Errorf("something was changed:\n%s\n%s", before, after)
	}
	if p := views.do(http.MethodGet, "/jobs/", nil); p.status != http.StatusForbidden {
		t.Errorf("the list of jobs answered %d to a viewer", p.status)
	}
	if n := w.Scrape(); !strings.Contains(n, "crmsync_admin_logins_refused_total 1\n") {
		t.Error("the wrong password is not counted")
	}
}

// refuseAll checks that acts are refused for a viewer, another site, a wrong password, and GET.
func refuseAll(t *testing.T, w *e2e.World, operates, views reader, acts []string) {
	t.Helper()
	for _, act := range acts {
		if p := views.post(act, "sure", "yes", "side", "monday"); p.status != http.StatusForbidden {
			t.Errorf("%s of a viewer answered %d", act, p.status)
		}
		foreign := operates
		foreign.change = func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }
		if p := foreign.post(act, "sure", "yes", "side", "monday"); p.status != http.StatusForbidden {
			t.Errorf("%s of another site answered %d", act, p.status)
		}
		nobody := reader{w: w, user: operator, password: "wrong-password"}
		if act == acts[0] { // each guess takes a second
			if p := nobody.post(act, "sure", "yes"); p.status != http.StatusUnauthorized {
				t.Errorf("%s with a wrong password answered %d", act, p.status)
			}
		}
		if p := operates.do(http.MethodGet, act, nil); p.status != http.StatusMethodNotAllowed && p.status != http.StatusNotFound {
			t.Errorf("GET %s answered %d", act, p.status)
		}
	}
}

// state is what acts could change.
func state(w *e2e.World) string {
	return w.Text(`SELECT (SELECT count(*) FROM operations)::text || ' ' || (SELECT count(*) FROM river_job)::text || ' ' ||
		(SELECT string_agg(to_jsonb(d)::text, '') FROM dead_letters d) || (SELECT string_agg(to_jsonb(d)::text, '') FROM deletions d) ||
		(SELECT string_agg(to_jsonb(c)::text, '') FROM conflicts c) || (SELECT string_agg(i.name || i.columns::text, '') FROM items i)`)
}

// TestNamedByProxy: the header that a proxy sets names the person who acts, but does not admit anybody.
func TestNamedByProxy(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.With("CONSOLE_USER_HEADER", "X-Forwarded-User"))
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	operates.change = func(r *http.Request) { r.Header.Set("X-Forwarded-User", "grace@example.org") }
	operates.post(fmt.Sprintf("/items/%d/resync", item)).shows(t, "grace@example.org")
	if got := w.Text("SELECT actor FROM operations"); got != "grace@example.org" {
		t.Errorf("%s acted", got)
	}
	for name, change := range map[string]func(*http.Request){
		"twice":  func(r *http.Request) { r.Header["X-Forwarded-User"] = []string{"mallory", "grace@example.org"} },
		"absent": func(*http.Request) {},
	} {
		operates.change = change
		operates.post(fmt.Sprintf("/items/%d/resync", item))
		if got := w.Text("SELECT actor FROM operations ORDER BY id DESC LIMIT 1"); got != operator {
			t.Errorf("the header is there %s: %s acted", name, got)
		}
	}
	operates.change = func(r *http.Request) { r.Header.Set("X-Forwarded-User", "grace@example.org") }
	nobody := operates
	nobody.user, nobody.password = "", ""
	if p := nobody.do(http.MethodGet, "/", nil); p.status != http.StatusUnauthorized {
		t.Errorf("the header alone answered %d", p.status)
	}
}

// TestNamedByStranger: somebody who bypasses the proxy cannot act under another name.
func TestNamedByStranger(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.With("CONSOLE_USER_HEADER", "X-Forwarded-User"), e2e.With("CONSOLE_PROXIES", "10.0.0.7, 192.168.0.0/16"))
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Quiet()
	operates.change = func(r *http.Request) { r.Header.Set("X-Forwarded-User", "mallory") }
	p := operates.post(fmt.Sprintf("/items/%d/resync", item))
	if got := w.Text("SELECT actor FROM operations"); got != operator || strings.Contains(p.text(), "mallory") {
		t.Errorf("%s acted:\n%s", got, p.text())
	}
	if !w.Logs[0].Contains("CONSOLE_PROXIES") {
		t.Error("the log does not say that the header is ignored")
	}
}

// inert checks that the page has nothing that runs or loads but our own files.
func (p page) inert(t *testing.T) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(p.body))
	if err != nil {
		t.Fatal(err)
	}
	for node := range root.Descendants() {
		if node.Type != html.ElementNode {
			continue
		}
		own := false
		for _, a := range node.Attr {
			own = own || a.Key == "src" && strings.HasPrefix(a.Val, "/static/")
			isAddress := a.Key == "href" || a.Key == "action" || a.Key == "src"
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || isAddress && strings.Contains(strings.ToLower(a.Val), "javascript:") {
				t.Errorf("%s: <%s %s=%q>", p.at, node.Data, a.Key, a.Val)
			}
		}
		if loads := node.Data == "script" || node.Data == "img"; loads && !own || node.Data == "style" || node.Data == "iframe" {
			t.Errorf("%s has a <%s>: %v", p.at, node.Data, node.Attr)
		}
	}
}

// evil are texts that must stay texts.
var evil = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>alert(1)</script>`,
	`{{.User}}`, `javascript:alert(1)`, "\u202etxt.exe",
}

// TestTextsStayTexts: names, labels, values and error texts are shown unchanged, whatever they look like, and every
// page's policy would stop one that was not escaped.
func TestTextsStayTexts(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	var items []int64
	for _, text := range evil {
		items = append(items, w.Lead(text, text))
	}
	w.Quiet()
	w.Exec("INSERT INTO error_logs (job_id, attempt, event, item_id, class, code, message) SELECT 1, 1, $2, $1, 'permanent', $2, $2", items[0], evil[0])
	w.Exec(`INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at) VALUES (900001, 'item_rename', jsonb_build_object('item_id', $1::bigint, 'type', $2::text), $2, 1, now())`, items[0], evil[0])
	w.Exec(`INSERT INTO conflicts (board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce, rule)
		VALUES (1003, $1, $2, $2, $2, $2, to_jsonb($2::text), to_jsonb($2::text), to_jsonb($2::text), $2)`, items[0], evil[0])
	w.Exec("INSERT INTO outages (system, code) VALUES ('monday board ' || $1, $1)", evil[0])
	w.Exec("INSERT INTO operations (actor, via, act, subject, reason, items) VALUES ($2, 'console', $2, $2, $2, ARRAY[$1::bigint])", items[0], evil[0])
	w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1003, 'held')", items[1])
	operates.open("/errors")
	paths := []string{"/", "/errors", "/errors/" + w.Text("SELECT min(cause_id) FROM causes"), "/conflicts", "/held", "/runs", "/nowhere", "/items/x"}
	for n, item := range items {
		paths = append(paths, fmt.Sprintf("/items/%d", item), "/search?q="+url.QueryEscape(evil[n]),
			"/search?q=zz"+url.QueryEscape(evil[n]))
	}
	for _, path := range paths {
		p := operates.do(http.MethodGet, path, nil)
		p.inert(t)
		policy := p.header.Get("Content-Security-Policy")
		if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s has the policy %q", path, policy)
		}
		if p.status == http.StatusOK && (p.header.Get("Cache-Control") != "no-store" || p.header.Get("X-Content-Type-Options") != "nosniff") {
			t.Errorf("%s: headers %v", path, p.header)
		}
		if len(p.body) > 100_000 {
			t.Errorf("%s has %d bytes", path, len(p.body))
		}
	}
	operates.open(fmt.Sprintf("/items/%d", items[0])).shows(t, "&lt;script&gt;alert(1)&lt;/script&gt;")
}
