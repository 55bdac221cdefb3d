package console_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/net/html"

	"crmsync/internal/e2e"
)

const (
	operator, operatorPassword = "anna", "operator-password"
	viewer, viewerPassword     = "vera", "viewer-password"
)

// reader uses the console as a browser does.
type reader struct {
	w              *e2e.World
	user, password string
	change         func(*http.Request)
}

// withConsole is a world with a console, and its readers.
func withConsole(t *testing.T, options ...e2e.Option) (w *e2e.World, operates, views reader) {
	t.Helper()
	w = e2e.Serving(t, append([]e2e.Option{
		e2e.With("ADMIN_USER", operator), e2e.With("ADMIN_PASSWORD", operatorPassword),
		e2e.With("VIEWER_USER", viewer), e2e.With("VIEWER_PASSWORD", viewerPassword),
	}, options...)...)
	return w, reader{w: w, user: operator, password: operatorPassword}, reader{w: w, user: viewer, password: viewerPassword}
}

// page is an answer.
type page struct {
	status int
	header http.Header
	body   string
	at     string // path and query, after redirects
}

// do requests a page, and follows redirects.
func (r reader) do(method, path string, form url.Values) page {
	r.w.T.Helper()
	req, err := http.NewRequestWithContext(r.w.T.Context(), method, r.w.Admin+path, strings.NewReader(form.Encode()))
	if err != nil {
		r.w.T.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	req.SetBasicAuth(r.user, r.password)
	if r.change != nil {
		r.change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.w.T.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		r.w.T.Fatal(err)
	}
	return page{resp.StatusCode, resp.Header, string(body), resp.Request.URL.RequestURI()}
}

// open requests a page that must be there.
func (r reader) open(path string) page {
	r.w.T.Helper()
	p := r.do(http.MethodGet, path, nil)
	if p.status != http.StatusOK {
		r.w.T.Fatalf("%s answered %d:\n%s", path, p.status, p.text())
	}
	return p
}

// post sends the form of a page.
func (r reader) post(path string, pairs ...string) page {
	form := url.Values{}
	for n := 0; n+1 < len(pairs); n += 2 {
		form.Set(pairs[n], pairs[n+1])
	}
	return r.do(http.MethodPost, path, form)
}

var (
	tags   = regexp.MustCompile(`<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
	action = regexp.MustCompile(`<form method="post" action="([^"]+)"`)
)

// text is what the page shows.
func (p page) text() string {
	text := spaces.ReplaceAllString(tags.ReplaceAllString(p.body, " "), " ")
	return strings.NewReplacer("&#39;", "'", "&amp;", "&", "&#43;", "+", " .", ".", " ,", ",").Replace(text)
}

func (p page) shows(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(p.text(), text) {
			t.Errorf("%s does not show %q:\n%s", p.at, text, p.text())
		}
	}
}

// forms are the paths that the page's forms post to.
func (p page) forms() (paths []string) {
	for _, found := range action.FindAllStringSubmatch(p.body, -1) {
		paths = append(paths, found[1])
	}
	return paths
}

// TestRefusedMendedReplayed is the day of a lead that Salesforce refuses: the console says why, the cause is mended, the event is
// replayed from the page, and the page turns green.
func TestRefusedMendedReplayed(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	const bad = "refused@example.org"
	var mended atomic.Bool
	w.Salesforce.Refuse("Lead", "Email", func(v any) string {
		if v == bad && !mended.Load() {
			return e2e.Rejection
		}
		return ""
	})
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email(bad)})
	w.Quiet()
	path, job := fmt.Sprintf("/items/%d", item), w.DeadLetter()
	w.Eventually("the cause is known", func() bool { return w.Count("SELECT count(*) FROM causes WHERE closed_at IS NULL") == 1 })
	cause := w.Text("SELECT cause_id FROM causes")

	p := operates.open(path)
	p.shows(t, "Email differs: Salesforce refused it, INVALID_EMAIL_ADDRESS.", bad, "An event failed after 1 attempt", "Created in Monday")
	operates.open("/").shows(t, "Running; 1 event that failed waits for a person.", "Lead.Email: INVALID_EMAIL_ADDRESS")
	operates.open("/errors").shows(t, "Lead.Email: INVALID_EMAIL_ADDRESS", "1 open")
	operates.open("/errors/"+cause).shows(t, "1 dead letter of 1 item waits for a person.", "Ada Lovelace", fmt.Sprint(job), "Replay it")
	for _, path := range []string{fmt.Sprintf("/letters/%d/replay", job), path + "/resync"} {
		if !slices.Contains(p.forms(), path) {
			t.Errorf("no button for %s among %q", path, p.forms())
		}
	}

	mended.Store(true)
	p = operates.post(fmt.Sprintf("/letters/%d/replay", job), "item", fmt.Sprint(item))
	if !strings.HasPrefix(p.at, path+"?done=replayed") {
		t.Errorf("the button leads to %s", p.at)
	}
	p.shows(t, "1 event put back into the queue.")
	w.Quiet()
	p = operates.open(path)
	p.shows(t, "In sync since", "anna replayed job "+fmt.Sprint(job))
	w.Eventually("the cause is closed", func() bool { return w.Count("SELECT count(*) FROM causes WHERE closed_at IS NULL") == 0 })
	operates.open("/").shows(t, "All is well.")
	operates.open("/errors").shows(t, "Nothing is open.")
	if got := w.Text("SELECT string_agg(actor || ' ' || via || ' ' || act || ' ' || subject, ',') FROM operations"); got != fmt.Sprintf("anna console replay job %d", job) {
		t.Errorf("operations: %s", got)
	}
}

// TestActsOnItems: resync writes what an event was lost for, and nothing over drift; Monday's values go over drift; erase removes.
func TestActsOnItems(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.ByHand)
	item := w.Lead("Ada Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Flush()
	path, id := fmt.Sprintf("/items/%d", item), w.Record("Lead", item)["Id"].(string)
	w.Salesforce.Update("Lead", id, map[string]any{"Email": "drifted@example.org"})
	w.Monday.SetColumn(item, "company", "Difference Engines")
	w.Mail.Take() // lost
	p := operates.open(path)
	p.shows(t, "Email differs: it was changed in Salesforce", "drifted@example.org", "A resync would write 5 fields", "Lead.Company: Analytical Engines → Difference Engines",
		"Account: another one is found or created, with the Name Difference Engines", "Contact.AccountId: ", "→ Id of the other Account")

	operates.post(path+"/resync", "board", fmt.Sprint(e2e.Leads)).shows(t, "The item is being compared again.")
	w.Flush()
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"Company": "Difference Engines", "Email": "drifted@example.org"})
	operates.open(path).shows(t, "Email differs: it was changed in Salesforce", "A resync would write nothing.")

	operates.post(path+"/send", "board", fmt.Sprint(e2e.Leads), "reason", "typo in Salesforce").shows(t, "Monday’s values are being sent.")
	w.Flush()
	w.Holds(w.Salesforce.Get("Lead", id), map[string]any{"Email": "ada@example.org"})
	operates.open(path).shows(t, "In sync since", "anna took one side's value of item "+fmt.Sprint(item)+": Monday's values", "“typo in Salesforce”")

	if p := operates.post(path + "/erase"); p.status != http.StatusBadRequest {
		t.Errorf("erasing without being sure answered %d", p.status)
	}
	operates.post(path+"/erase", "sure", "yes").shows(t, "Values erased in ")
	if name := w.Text("SELECT name FROM items WHERE item_id = $1", item); name != "" {
		t.Errorf("the name is still %q", name)
	}
	if got := w.Text("SELECT string_agg(act, ' ' ORDER BY id) FROM operations WHERE items = ARRAY[$1::bigint]", item); got != "resync take erase" {
		t.Errorf("operations: %s", got)
	}
}

// TestViewerMayNotAct: a viewer sees every page without a button, and is refused every act, as is any other site.
func TestViewerMayNotAct(t *testing.T) {
	t.Parallel()
	w, operates, views := withConsole(t)
	const bad = "refused@example.org"
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
	acts = append(acts, fmt.Sprintf("/items/%d/replay", item), fmt.Sprintf("/items/%d/send", item), fmt.Sprintf("/items/%d/back", item), fmt.Sprintf("/letters/%d/ignore", job))
	slices.Sort(acts)
	if acts = slices.Compact(acts); len(acts) < 12 {
		t.Fatalf("only %d acts: %q", len(acts), acts)
	}
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

// state is what acts could change.
func state(w *e2e.World) string {
	return w.Text(`SELECT (SELECT count(*) FROM operations)::text || ' ' || (SELECT count(*) FROM river_job)::text || ' ' ||
		(SELECT string_agg(to_jsonb(d)::text, '') FROM dead_letters d) || (SELECT string_agg(to_jsonb(d)::text, '') FROM deletions d) ||
		(SELECT string_agg(to_jsonb(c)::text, '') FROM conflicts c) || (SELECT string_agg(i.name || i.columns::text, '') FROM items i)`)
}

// TestNamedByProxy: the header that a proxy sets names who acts, and lets nobody in.
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
	nobody := operates
	nobody.user, nobody.password = "", ""
	if p := nobody.do(http.MethodGet, "/", nil); p.status != http.StatusUnauthorized {
		t.Errorf("the header alone answered %d", p.status)
	}
}

// TestSearch finds a lead by each key that a person may have at hand.
func TestSearch(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	lead := w.Lead("Ada King-Lovelace", "Analytical Engines", map[string]any{"email": e2e.Email("Ada@Example.org")})
	w.Lead("Charles Babbage", "Difference Engines", map[string]any{"email": e2e.Email("charles@example.org")})
	company := w.Monday.CreateItem(e2e.Accounts, "Engines & Sons", map[string]any{"phone": map[string]any{"phone": "+1 (212) 555-0100", "countryShortName": "US"}})
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
	} {
		if p := operates.open("/search?q=" + url.QueryEscape(q)); p.at != want {
			t.Errorf("%q leads to %s, want %s", q, p.at, want)
		}
	}
	p := operates.open("/search?q=engines")
	if strings.HasPrefix(p.at, "/items/") != true {
		t.Errorf("a single item by its name is not opened: %s", p.at)
	}
	operates.open("/search?q=nobody").shows(t, "Nothing fits.")
	operates.open("/search?q=4711").shows(t, "crmsync has not seen an item 4711 yet.")
	if p := operates.do(http.MethodGet, "/items/4711", nil); p.status != http.StatusNotFound {
		t.Errorf("an unknown item answered %d", p.status)
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

// TestTextsStayTexts: names, labels, values and error texts are shown as they are, whatever they look like, and the policy of
// every page would stop what slipped through.
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
		paths = append(paths, fmt.Sprintf("/items/%d", item), "/search?q="+url.QueryEscape(evil[n]), "/search?q=zz"+url.QueryEscape(evil[n]))
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

// TestHeld: what the brake holds is listed, and decided about.
func TestHeld(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t)
	var items []int64
	for n := range 3 {
		items = append(items, w.Lead(fmt.Sprint("Ada ", n), "Analytical Engines"))
	}
	w.Quiet()
	for _, item := range items {
		w.Exec("INSERT INTO deletions (item_id, board_id, state) VALUES ($1, 1003, 'held')", item)
	}
	operates.open("/").shows(t, "3 held deletions wait for a person.")
	operates.open("/held").shows(t, "leads 3 items, since", "Ada 0", "Keep the records…", "Delete the records…")
	operates.post("/held/1003/drop", "reason", "a mistake").shows(t, "The records of 3 items are kept.", "The delete brake holds nothing.")
	if got := w.Text("SELECT actor || ' ' || act || ' ' || reason FROM operations"); got != "anna drop a mistake" {
		t.Errorf("operations: %s", got)
	}
}

// TestConflictTaken: both sides change a field; the console shows both values, and the one that lost is brought back from there.
func TestConflictTaken(t *testing.T) {
	t.Parallel()
	w, operates, _ := withConsole(t, e2e.BothWays)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada King", map[string]any{"email": e2e.Email("ada@example.org")})
	w.Quiet()
	id := w.Record("Contact", item)["Id"].(string)
	w.Together(e2e.Contacts, func() {
		w.Salesforce.Update("Contact", id, map[string]any{"Email": "salesforce@example.org"})
		w.Monday.SetColumn(item, "email", e2e.Email("monday@example.org"))
	})
	w.Eventually("the conflict is decided", func() bool { return w.Count("SELECT count(*) FROM conflicts") == 1 })
	w.Quiet()
	w.Holds(w.Salesforce.Get("Contact", id), map[string]any{"Email": "monday@example.org"})
	operates.open("/").shows(t, "Conflict of the last 7 days")
	operates.open("/conflicts").shows(t, "Ada King", "contact.Email", "monday@example.org", "salesforce@example.org", "ada@example.org", "By rule: Monday wins")
	path := fmt.Sprintf("/items/%d", item)
	operates.open(path).shows(t, "In sync since", "Conflict contact.Email", "Take Salesforce’s")
	take := fmt.Sprintf("/conflicts/%s/take", w.Text("SELECT id::text FROM conflicts"))
	operates.post(take, "side", "salesforce", "item", fmt.Sprint(item)).shows(t, "The value is being taken over on both sides.")
	w.Eventually("the value stands on both sides", func() bool {
		return w.Salesforce.Get("Contact", id)["Email"] == "salesforce@example.org" && w.Shown(item, "email") == "salesforce@example.org"
	})
	w.Quiet()
	operates.open(path).shows(t, "In sync since", "Salesforce’s value was taken", "anna took one side's value of conflict")
	if p := operates.post(take, "side", "nobody"); p.status != http.StatusNotFound {
		t.Errorf("a side that does not exist: %d", p.status)
	}
}
