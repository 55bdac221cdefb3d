package console_test

import (
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

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

// open requests a page that must exist.
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

// forms returns the paths that the page's forms post to.
func (p page) forms() (paths []string) {
	for _, found := range action.FindAllStringSubmatch(p.body, -1) {
		paths = append(paths, found[1])
	}
	return paths
}
