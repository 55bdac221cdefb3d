// Package console serves the web pages of the internal listener. They show the state of the installation, what needs a
// person, and for any item whether it is in sync and, if not, why. Operators can act there.
//
// Pages are rendered on the server and work without JavaScript. Values of an item are read from both systems when its
// page is requested, and are not stored.
package console

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"crmsync/internal/buildinfo"
	"crmsync/internal/report"
	"crmsync/schema/mapping"
	"crmsync/schema/queue"
	"crmsync/schema/store"
)

//go:embed templates static
var files embed.FS

// Config configures a Console.
type Config struct {
	Mapping  *mapping.Mapping
	Store    *store.Store
	Queue    *queue.Queue
	Reporter *report.Reporter

	// QueueSweep queues the job of a comparison in the transaction.
	QueueSweep func(ctx context.Context, tx pgx.Tx, w store.Sweep) error

	// Release queues in the transaction what lets the records of ended items be deleted, and Take what writes chosen
	// values to both sides.
	Release, Take store.Requeue

	// Erase removes the values of an item, for good if it must not return, and returns from how many rows.
	Erase func(ctx context.Context, item int64, forGood bool, by store.By) (rows int, err error)

	MaxAttempts int
	Jobs        string // path of the queue's dashboard
	Log         *slog.Logger
	Now         func() time.Time
}

// Console serves the pages. It is safe for concurrent use.
type Console struct {
	Config
	pages map[string]*template.Template
	asset map[string]string // file -> path with the hash of its content
	mux   *http.ServeMux
}

// New returns a console.
func New(c Config) (*Console, error) {
	s := &Console{Config: c, pages: map[string]*template.Template{}, asset: map[string]string{}, mux: http.NewServeMux()}
	if err := s.hashAssets(); err != nil {
		return nil, fmt.Errorf("preparing the console: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("preparing the console: %w", err)
	}
	for _, name := range names {
		page := strings.TrimSuffix(strings.TrimPrefix(name, "templates/"), ".html")
		s.pages[page], err = template.New("layout.html").Funcs(s.functions()).ParseFS(files, "templates/layout.html",
			"templates/parts.html", name)
		if err != nil {
			return nil, fmt.Errorf("preparing the console: %w", err)
		}
	}
	s.route()
	return s, nil
}

// ServeHTTP serves a page to the user of the request's context.
func (s *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", policy)
	// With no referrer at all, browsers send forms over plain HTTP with the origin "null", which is refused as foreign.
	w.Header().Set("Referrer-Policy", "same-origin")
	if !isLegible(r) {
		s.fail(w, r, illegible)
		return
	}
	s.mux.ServeHTTP(w, r)
}

// isLegible reports whether the address consists of text that can be stored and searched for.
func isLegible(r *http.Request) bool {
	query, err := url.ParseQuery(r.URL.RawQuery)
	return err == nil && isText(r.URL.Path) && areTexts(query)
}

func areTexts(values url.Values) bool {
	for name, all := range values {
		if !isText(name) || slices.ContainsFunc(all, func(text string) bool { return !isText(text) }) {
			return false
		}
	}
	return true
}

// isText reports whether Postgres can store the text, as it can every name, reason and id.
func isText(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

var illegible = &pageError{http.StatusBadRequest, "The address could not be read.",
	"It has characters that no name and no id has. Was it cut off, or pasted from something else?"}

// policy lets a page load nothing but our own style, script and pictures, and send forms only to us.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

func (s *Console) route() {
	pages := map[string]func(*http.Request) (view, error){
		"GET /{$}":              s.home,
		"GET /search":           s.search,
		"GET /items/{id}":       s.item,
		"GET /errors":           s.errors,
		"GET /errors/{cause}":   s.cause,
		"GET /conflicts":        s.conflicts,
		"GET /held":             s.held,
		"GET /runs":             s.runs,
		"GET /runs/sweeps/{id}": s.sweep,
	}
	acts := map[string]func(*http.Request, store.By) (done, error){
		"POST /items/{id}/resync":     s.resync,
		"POST /items/{id}/send":       s.send,
		"POST /items/{id}/back":       s.sendBack,
		"POST /items/{id}/replay":     s.replayItem,
		"POST /items/{id}/erase":      s.erase,
		"POST /items/{id}/release":    s.releaseItem,
		"POST /items/{id}/drop":       s.dropItem,
		"POST /letters/{job}/replay":  s.replayDeadLetter,
		"POST /letters/{job}/ignore":  s.ignoreDeadLetter,
		"POST /errors/{cause}/replay": s.replayCause,
		"POST /errors/{cause}/ignore": s.ignoreCause,
		"POST /conflicts/{id}/take":   s.take,
		"POST /held/{board}/release":  s.release,
		"POST /held/{board}/drop":     s.drop,
	}
	for pattern, page := range pages {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.show(w, r, page) })
	}
	for pattern, act := range acts {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.act(w, r, act) })
	}
	s.mux.HandleFunc("GET /static/{hash}/{file}", s.static)
	s.mux.HandleFunc("/", func(w http.ResponseWriter,
		r *http.Request) {
		s.fail(w, r, notFound("There is no such page."))
	})
}

// view is a page to show.
type view struct {
	page  string // name of its template
	title string
	data  any
	again int    // seconds after which the page loads itself again; 0: not
	at    string // and from where
}

// done is what an act did, and the page to continue with.
type done struct {
	at   string // path
	what string // key of notices
	n    int
}

// show renders a page.
func (s *Console) show(w http.ResponseWriter, r *http.Request, page func(*http.Request) (view, error)) {
	v, err := page(r)
	var elsewhere redirect
	switch {
	case errors.As(err, &elsewhere):
		http.Redirect(w, r, string(elsewhere), http.StatusSeeOther)
	case err != nil:
		s.fail(w, r, err)
	default:
		s.render(w, r, http.StatusOK, v)
	}
}

// act does what an operator asks for, and shows the result on the page that the act leads to.
func (s *Console) act(w http.ResponseWriter, r *http.Request, act func(*http.Request, store.By) (done, error)) {
	user := userOf(r)
	if !user.Operator {
		s.fail(w, r, &pageError{http.StatusForbidden, "You may read, but not act.",
			"Ask someone who signs in as an operator."})
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil || !areTexts(r.PostForm) {
		s.fail(w, r, &pageError{http.StatusBadRequest, "The form could not be read.", ""})
		return
	}
	d, err := act(r, store.By{Actor: user.Name, Via: store.ViaConsole,
		Reason: clip(strings.TrimSpace(r.PostForm.Get("reason")), store.LongestReason)})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	http.Redirect(w, r, fmt.Sprintf("%s?done=%s&n=%d", d.at, d.what, d.n), http.StatusSeeOther)
}

// redirect sends the reader to another page.
type redirect string

func (r redirect) Error() string { return "see " + string(r) }

// pageError is an error that a page shows to its reader.
type pageError struct {
	status        int
	title, advice string
}

func (e *pageError) Error() string { return e.title }

func notFound(title string) error { return &pageError{http.StatusNotFound, title, ""} }

// pathID returns the id in a part of the path. what names it in the error if there is none.
func pathID(r *http.Request, part, what string) (int64, error) {
	id, ok := idOf(r.PathValue(part))
	if !ok {
		return 0, notFound(what + " is a number.")
	}
	return id, nil
}

// idOf returns the id in a text: a number above zero.
func idOf(text string) (id int64, ok bool) {
	n, err := strconv.ParseUint(text, 10, 63)
	return int64(n), err == nil && n > 0
}

func (s *Console) fail(w http.ResponseWriter, r *http.Request, err error) {
	var shown *pageError
	if !errors.As(err, &shown) {
		if r.Context().Err() != nil {
			return // the reader has left
		}
		s.Log.Error("page failed", "path", r.URL.Path, "error", err)
		shown = &pageError{http.StatusInternalServerError, "This page could not be shown.",
			"The log has the reason. Postgres may be away: try again in a moment."}
	}
	s.render(w, r, shown.status, view{page: "error", title: shown.title,
		data: map[string]string{"Title": shown.title, "Advice": shown.advice}})
}

// frame is what every page shows around its own data.
type frame struct {
	Title   string
	Section string
	User    User
	Query   string
	Notice  string
	Counts  counts
	Jobs    string
	Version string
	Again   int
	At      string
	Data    any
	Now     time.Time
}

func (s *Console) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	f := frame{
		Title: v.title, Section: section(r.URL.Path), User: userOf(r), Query: clip(r.URL.Query().Get("q"), 200),
		Notice: notice(r),
		Counts: s.counts(r.Context()), Jobs: s.Jobs + "/", Version: buildinfo.Read().Version, Again: v.again, At: v.at,
		Data: v.data, Now: s.Now().UTC(),
	}
	var page bytes.Buffer // so that an error does not leave half a page
	if err := s.pages[v.page].Execute(&page, f); err != nil {
		s.Log.Error("page failed", "path", r.URL.Path, "error", err)
		http.Error(w, "This page could not be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = page.WriteTo(w) // to a reader who left
}

// section returns the first part of a path, by which the navigation marks the current page.
func section(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

func (s *Console) hashAssets() error {
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		return err
	}
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		file := strings.TrimPrefix(name, "static/")
		s.asset[file] = "/static/" + hex.EncodeToString(sum[:6]) + "/" + file
	}
	return nil
}

// static serves a file whose path has the hash of its content, and which therefore never changes.
func (s *Console) static(w http.ResponseWriter, r *http.Request) {
	file := r.PathValue("file")
	if s.asset[file] != r.URL.Path {
		s.fail(w, r, notFound("There is no such page."))
		return
	}
	w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	http.ServeFileFS(w, r, files, "static/"+file)
}
