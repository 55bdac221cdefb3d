package mondayclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// maxAnswer bounds what one answer may hold, in bytes: a hundred items with long texts stay far below.
const maxAnswer = 64 << 20

// call is one request on its way: what the transport is to know of it, and what it learned from the answer.
// The GraphQL client passes neither on, so it travels in the context.
type call struct {
	key    string   // Idempotency-Key of a mutation; empty for a query
	scopes []string // for the guard

	answered  bool // what came back is an answer of Monday's
	failures  []failure
	remaining int // complexity
	told      bool
}

type callKey struct{}

// transport stands beneath the GraphQL client, which looks at neither status nor headers and drops all of an
// error but its message: here an answer is read first, and a failed one becomes an *Error. A redirect
// is one too, so that the token goes to no other host.
type transport struct {
	next   http.RoundTripper
	header http.Header
	heard  *heard
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, ok := req.Context().Value(callKey{}).(*call)
	if !ok {
		c = &call{}
	}
	out := req.Clone(req.Context())
	for name, values := range t.header {
		out.Header[name] = values
	}
	// A request with this header is sent anew when an idle connection turns out to be closed; without a value
	// it is not sent, and what remains is that a query may be repeated.
	out.Header["Idempotency-Key"] = nil
	if c.key != "" {
		out.Header.Set("Idempotency-Key", c.key)
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, unanswered(err)
	}
	defer resp.Body.Close()
	t.heard.take(resp.Header, time.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, unanswered(err)
	}
	if len(body) > maxAnswer {
		return nil, &Error{Status: resp.StatusCode, Code: codeUnexpected}
	}
	return c.take(resp, body)
}

// take keeps what the GraphQL client would drop, and leaves it the data alone.
func (c *call) take(resp *http.Response, body []byte) (*http.Response, error) {
	a, err := readAnswer(resp.StatusCode, resp.Header, body)
	if err != nil {
		return nil, err
	}
	c.answered, c.failures = true, a.failures
	c.remaining, c.told = remaining(objectOf(a.data))
	rest, err := json.Marshal(map[string]json.RawMessage{"data": a.data})
	if err != nil {
		return nil, &Error{Status: resp.StatusCode, Code: codeUnexpected}
	}
	resp.Body = io.NopCloser(bytes.NewReader(rest))
	resp.ContentLength = int64(len(rest))
	resp.Header.Set("Content-Length", strconv.Itoa(len(rest)))
	return resp, nil
}

// unanswered is an *Error for what the network says.
func unanswered(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: codeTimeout, cause: context.DeadlineExceeded}
	}
	return &Error{Code: codeUnreachable, cause: err}
}
