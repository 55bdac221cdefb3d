// Package sfclient is a client of Salesforce's REST API. It logs in, writes and reads records in sets, and
// returns errors that say what a failure means and when to retry. It makes one attempt per call; the only
// repetition is after renewing an expired session.
package sfclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"crmsync/internal/nulchar"
)

// maxAnswer is the maximum size of an answer in bytes. A page of 2,000 records is far smaller.
const maxAnswer = 64 << 20

// Config configures a Client.
type Config struct {
	LoginURL     string // the org's My Domain, such as https://acme.my.salesforce.com
	ClientID     string // consumer key of the External Client App
	ClientSecret string // consumer secret, for the client credentials flow

	// Username and PrivateKey (RSA, as PEM of PKCS#1 or PKCS#8) select the JWT bearer flow instead of the
	// secret.
	Username   string
	PrivateKey string

	APIVersion string // empty: v67.0

	// InstanceHosts lists further hosts, as host or host:port, that a login may point to: they receive the
	// token.
	InstanceHosts []string

	// HTTPClient sends the requests; nil means one with a timeout of 2 minutes. It is copied, and does not
	// follow redirects.
	HTTPClient *http.Client
	UserAgent  string // empty: crmsync

	// Usage, if not nil, is called after every answer with the calls used in the rolling 24 hours, and their
	// limit.
	Usage func(used, limit int)

	// Observe, if not nil, is called once for every API call. The code is the HTTP status or "error";
	// succeeded and failed count records. A login is the operation "token".
	Observe func(operation, code string, took time.Duration, succeeded, failed int)
}

// Client calls Salesforce's REST API. It is safe for concurrent use.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/intro-rest.html
type Client struct {
	config    Config
	http      *http.Client
	root      string // base path of the API version
	tokens    *tokens
	shapes    *shapes
	lastUsage *atomic.Pointer[usage]
	apart     *atomic.Bool // there is no composite resource
	guard     Guard        // nil: all calls are sent
}

// New creates a Client without connecting. Its error names every fault of the config.
func New(config Config) (*Client, error) {
	config.APIVersion = cmp.Or(config.APIVersion, "v67.0")
	config.UserAgent = cmp.Or(config.UserAgent, "crmsync")
	c := &Client{
		config: config, http: httpClient(config.HTTPClient), root: "/services/data/" + config.APIVersion + "/",
		shapes: &shapes{}, lastUsage: &atomic.Pointer[usage]{}, apart: &atomic.Bool{},
	}
	var faults []error
	if !regexp.MustCompile(`^v[1-9]\d{0,3}\.0$`).MatchString(config.APIVersion) {
		faults = append(faults, errors.New("salesforce API version: must have the form v67.0"))
	}
	tokens, err := newTokens(config, c.http, c.observe)
	if err := errors.Join(append(faults, err)...); err != nil {
		return nil, err
	}
	c.tokens = tokens
	return c, nil
}

// httpClient returns a client that does not follow redirects: a token goes only to the host that was checked,
// and a redirected write would become a read.
func httpClient(given *http.Client) *http.Client {
	client := http.Client{Timeout: 2 * time.Minute}
	if given != nil {
		client = *given
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t = t.Clone()
		t.MaxIdleConns, t.MaxIdleConnsPerHost = 64, 64
		client.Transport = t
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

// call is one API call.
type call struct {
	operation string // name for Observe
	method    string
	path      string      // with the query, relative to the API version; absolute on the host if it begins with a slash
	body      []byte      // JSON; nil: none
	since     string      // If-Modified-Since; empty: none
	header    http.Header // further headers
	rows      int         // records it writes
	scopes    []string    // for the guard

	// refused, if not nil, reports to the guard what the rows of a successful call say about other calls.
	refused func() error
}

// answer is an HTTP answer. Its body is valid until the call's decode returns.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// decoder decodes an answer and counts its rows.
type decoder func(*answer) (succeeded, failed int, err error)

// attempt sends a call. It renews an expired session and repeats the call once. If nothing at the session's host
// answers as the API, it drops the session, so that the next call logs in and learns the org's current host.
func (c *Client) attempt(ctx context.Context, q call, decode decoder) error {
	t, err := c.tokens.get(ctx)
	if err != nil {
		return err
	}
	err = c.send(ctx, t, q, decode)
	var refused *Error
	if !errors.As(err, &refused) || !refused.isExpired() && !refused.moved {
		return err
	}
	c.tokens.drop(t)
	if refused.moved {
		return err
	}
	if t, err = c.tokens.get(ctx); err != nil {
		return err
	}
	err = c.send(ctx, t, q, decode)
	if errors.As(err, &refused) && refused.isExpired() {
		refused.login = true
	}
	return err
}

// send sends a call with the given token.
func (c *Client) send(ctx context.Context, t *token, q call, decode decoder) (err error) {
	req, err := c.request(ctx, t, q)
	if err != nil {
		return err
	}
	start, code, succeeded, failed := time.Now(), "error", 0, q.rows
	defer func() { c.observe(q.operation, code, time.Since(start), succeeded, failed) }()
	resp, err := c.http.Do(req)
	if err != nil {
		return networkError(ctx, err)
	}
	defer resp.Body.Close()
	buf := buffers.Get().(*bytes.Buffer)
	defer recycle(buf)
	if _, err := buf.ReadFrom(io.LimitReader(resp.Body, maxAnswer+1)); err != nil {
		return networkError(ctx, err)
	}
	code = strconv.Itoa(resp.StatusCode)
	c.tellUsage(resp.Header)
	if buf.Len() > maxAnswer {
		return &Error{Status: resp.StatusCode, Code: codeTooLarge}
	}
	nulchar.InJSON(buf.Bytes())
	a := &answer{status: resp.StatusCode, header: resp.Header, body: buf.Bytes()}
	if a.status/100 != 2 && (a.status != http.StatusNotModified || q.since == "") {
		return answerError(a)
	}
	succeeded, failed, err = decode(a)
	if err != nil {
		return unexpected(a)
	}
	return nil
}

// request builds the HTTP request. It fails if the token would go to a host other than the one that was
// checked.
func (c *Client) request(ctx context.Context, t *token, q call) (*http.Request, error) {
	path := q.path
	if !strings.HasPrefix(path, "/") {
		path = c.root + path
	}
	u, err := t.instance.Parse(path)
	if err != nil || u.Host != t.instance.Host || u.Scheme != t.instance.Scheme || u.User != nil {
		return nil, &Error{Code: codeForeignHost}
	}
	var body io.Reader
	if q.body != nil {
		body = bytes.NewReader(q.body)
	}
	req, err := http.NewRequestWithContext(ctx, q.method, u.String(), body)
	if err != nil {
		return nil, &Error{Code: codeForeignHost}
	}
	maps.Copy(req.Header, q.header)
	req.Header.Set("Authorization", "Bearer "+t.access)
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.config.UserAgent)
	if q.body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	if q.since != "" {
		req.Header.Set("If-Modified-Since", q.since)
	}
	return req, nil
}

func (c *Client) observe(operation, code string, took time.Duration, succeeded, failed int) {
	if c.config.Observe != nil {
		c.config.Observe(operation, code, took, succeeded, failed)
	}
}

// usage is how many calls of the rolling 24 hours are used, and their limit.
type usage struct {
	used, limit int
	at          time.Time
}

// usageHolds is how long Salesforce's last answer about the usage counts: calls become available again all the time.
const usageHolds = 10 * time.Minute

// tellUsage reports the contents of the header Sforce-Limit-Info, such as "api-usage=18/5000;
// per-app-api-usage=17/250(appName=x)".
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-api-usage.html
func (c *Client) tellUsage(h http.Header) {
	info, found := strings.CutPrefix(h.Get("Sforce-Limit-Info"), "api-usage=")
	if !found {
		return
	}
	info, _, _ = strings.Cut(info, ";")
	left, right, _ := strings.Cut(strings.TrimSpace(info), "/")
	used, err := strconv.Atoi(left)
	limit, err2 := strconv.Atoi(right)
	if err != nil || err2 != nil {
		return
	}
	c.lastUsage.Store(&usage{used, limit, time.Now()})
	if c.config.Usage != nil {
		c.config.Usage(used, limit)
	}
}

// Usage returns how many of the calls of the rolling 24 hours are used, and how many there are, according to
// Salesforce's last answer. Both are 0 if there was none in the last minutes.
func (c *Client) Usage() (used, limit int) {
	if u := c.lastUsage.Load(); u != nil && time.Since(u.at) < usageHolds {
		return u.used, u.limit
	}
	return 0, 0
}

// segment escapes a path segment, including one made of dots alone, which would otherwise be taken as a
// parent directory.
func segment(s string) string {
	if strings.Trim(s, ".") == "" {
		return strings.ReplaceAll(s, ".", "%2E")
	}
	return url.PathEscape(s)
}

// while wraps err with what was being done when it occurred.
func while(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf(format+": %w", append(args, err)...)
}
