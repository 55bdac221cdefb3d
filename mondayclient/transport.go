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

	"crmsync/internal/nulchar"
)

// maxAnswer is the maximum size of an answer, in bytes: a hundred items with long texts stay far below.
const maxAnswer = 64 << 20

// call carries what the transport needs to know about a request, and what it learned from the answer. The GraphQL
// client passes neither on, so a call travels in the context.
type call struct {
	key    string   // Idempotency-Key of a mutation; empty for a query
	scopes []string // for the guard

	answered  bool // the response is an answer of Monday's
	failures  []failure
	remaining int // complexity
	metered   bool
}

type callKey struct{}

// transport sits beneath the GraphQL client, which ignores the status and the headers and drops everything of an error
// but its message. It reads an answer first, and turns a failed one into an *Error. It treats a redirect as an error,
// so that the token goes to no other host.
type transport struct {
	next    http.RoundTripper
	header  http.Header
	tracker *budgetTracker
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
	// Go repeats a request that has this header if an idle connection turns out to be closed. A header without a value
	// is not sent: for a query it only allows the repetition.
	out.Header["Idempotency-Key"] = nil
	if c.key != "" {
		out.Header.Set("Idempotency-Key", c.key)
	}
	resp, err := t.next.RoundTrip(out)
	if err != nil {
		return nil, unanswered(err)
	}
	defer resp.Body.Close()
	t.tracker.count(time.Now())
	t.tracker.take(resp.Header, time.Now())
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, unanswered(err)
	}
	if len(body) > maxAnswer {
		return nil, &Error{Status: resp.StatusCode, Code: codeUnexpected}
	}
	nulchar.InJSON(body)
	return c.take(resp, body)
}

// take keeps what the GraphQL client would drop, and passes on only the data.
func (c *call) take(resp *http.Response, body []byte) (*http.Response, error) {
	a, err := readAnswer(resp.StatusCode, resp.Header, body)
	if err != nil {
		return nil, err
	}
	c.answered, c.failures = true, a.failures
	c.remaining, c.metered = remaining(objectOf(a.data))
	rest, err := json.Marshal(map[string]json.RawMessage{"data": a.data})
	if err != nil {
		return nil, &Error{Status: resp.StatusCode, Code: codeUnexpected}
	}
	resp.Body = io.NopCloser(bytes.NewReader(rest))
	resp.ContentLength = int64(len(rest))
	resp.Header.Set("Content-Length", strconv.Itoa(len(rest)))
	return resp, nil
}

// unanswered returns an *Error for a failure of the network.
func unanswered(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &Error{Code: codeTimeout, cause: context.DeadlineExceeded}
	}
	return &Error{Code: codeUnreachable, cause: err}
}
