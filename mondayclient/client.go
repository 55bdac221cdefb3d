// Package mondayclient is a client of Monday: it reads and writes items over the GraphQL API, and decodes and
// authenticates the webhooks that Monday sends.
package mondayclient

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/machinebox/graphql"
)

// Config configures a Client.
type Config struct {
	URL     string // the API's endpoint, such as https://api.monday.com/v2
	Token   string // sent as the Authorization header, without a prefix
	Version string // API version, such as 2026-07; empty: the account's

	// HTTPClient sends the requests; nil: one with a timeout of 30 s. It is copied; redirects are not followed.
	HTTPClient *http.Client
	UserAgent  string // empty: crmsync

	// Observe, if not nil, is called once for every API call: the code is "ok", "partial", "canceled" or that of the
	// error; rows are items, columns, writes or users.
	Observe func(operation, code string, took time.Duration, succeeded, failed int)

	// Complexity, if not nil, is called after a call with the remaining complexity budget.
	Complexity func(remaining int)
}

// Client calls Monday's GraphQL API. It makes one attempt per call; its errors say when to retry. It is safe for
// concurrent use.
//
// https://developer.monday.com/api-reference/docs/introduction-to-graphql
type Client struct {
	config  Config
	graphql *graphql.Client
	tracker *budgetTracker
	guard   Guard // nil: all calls are sent
}

var versionForm = regexp.MustCompile(`^(\d{4}-\d{2}|dev|)$`)

// New returns a Client that has not connected yet.
func New(config Config) (*Client, error) {
	var faults []error
	if err := checkURL(config.URL); err != nil {
		faults = append(faults, fmt.Errorf("monday API URL: %w", err))
	}
	if config.Token == "" || strings.ContainsFunc(config.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		faults = append(faults, errors.New("monday API token: empty, or with characters that no token has"))
	}
	if !versionForm.MatchString(config.Version) {
		faults = append(faults, errors.New("monday API version: must have the form 2026-07, or be dev"))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	client := http.Client{Timeout: 30 * time.Second}
	if config.HTTPClient != nil {
		client = *config.HTTPClient
	}
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	tracker := &budgetTracker{}
	client.Transport = &transport{next: next, header: header(config), tracker: tracker}
	return &Client{config: config, graphql: graphql.NewClient(config.URL, graphql.WithHTTPClient(&client)),
		tracker: tracker}, nil
}

// checkURL rejects URLs that would send the token unencrypted, except to this machine.
func checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("not an http or https URL without credentials")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return errors.New("http would send the token unencrypted; use https (http is allowed for loopback addresses only)")
	}
	return nil
}

func header(config Config) http.Header {
	h := http.Header{}
	h.Set("Authorization", config.Token)
	h.Set("User-Agent", cmp.Or(config.UserAgent, "crmsync"))
	if config.Version != "" {
		h.Set("API-Version", config.Version)
	}
	return h
}

// run sends one document through the guard and decodes the answer's data. It returns the failures of parts of the call.
func (c *Client) run(ctx context.Context, call *call, document string, vars map[string]any,
	into any) ([]failure, error) {
	return c.through(call, func() ([]failure, error) { return c.send(ctx, call, document, vars, into) })
}

func (c *Client) send(ctx context.Context, call *call, document string, vars map[string]any,
	into any) ([]failure, error) {
	req := graphql.NewRequest(document)
	for name, value := range vars {
		req.Var(name, value)
	}
	err := c.graphql.Run(context.WithValue(ctx, callKey{}, call), req, into)
	if call.metered && c.config.Complexity != nil {
		c.config.Complexity(call.remaining)
	}
	if err != nil {
		return nil, c.plainError(ctx, call, err)
	}
	return call.failures, nil
}

// plainError removes the wrapping of the layers in between, whose messages may repeat an answer.
func (c *Client) plainError(ctx context.Context, call *call, err error) error {
	var ours *Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return context.Canceled
	case errors.As(err, &ours):
		ours.version = c.config.Version
		return ours
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{Code: codeTimeout, cause: context.DeadlineExceeded}
	case call.answered:
		return &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	return &Error{Code: codeUnreachable}
}

// observe reports a finished call to Observe.
func (c *Client) observe(operation string, start time.Time, succeeded, failed int, err error) {
	if _, notMade := errors.AsType[unsentError](err); notMade || c.config.Observe == nil {
		return
	}
	code := "ok"
	var e *Error
	switch {
	case errors.As(err, &e):
		code = cmp.Or(e.Code, fmt.Sprint(e.Status))
	case errors.Is(err, context.Canceled):
		code = "canceled"
	case err != nil:
		code = "error"
	case failed > 0:
		code = "partial"
	}
	c.config.Observe(operation, code, time.Since(start), succeeded, failed)
}
