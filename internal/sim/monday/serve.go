package monday

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"regexp"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator"
)

// request is the body of an API call.
type request struct {
	Query         string         `json:"query"`
	Variables     map[string]any `json:"variables"`
	OperationName string         `json:"operationName"`
}

// answer is an HTTP answer.
type answer struct {
	status     int
	retryAfter string
	replayed   bool
	body       []byte
}

// maxBody is the maximum size of a request.
const maxBody = 16 << 20

// ServeHTTP answers POST /v2. To cut a connection, it panics with http.ErrAbortHandler, as the standard server expects.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Down() {
		panic(http.ErrAbortHandler)
	}
	a := s.serve(r)
	h := w.Header()
	s.limits.setHeaders(h, s.cfg.Now())
	h.Set("Content-Type", "application/json; charset=utf-8")
	if !bytes.HasPrefix(a.body, []byte("{")) {
		h.Set("Content-Type", "text/html")
	}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	if a.replayed {
		h.Set("Idempotency-Replayed", "true")
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body)
}

func (s *Sim) serve(r *http.Request) answer {
	switch {
	case strings.TrimSuffix(r.URL.Path, "/") != "/v2":
		return refused(http.StatusNotFound, &apiError{message: "Not Found", code: "NOT_FOUND"})
	case r.Method != http.MethodPost:
		return refused(http.StatusMethodNotAllowed, &apiError{message: "Method Not Allowed", code: "METHOD_NOT_ALLOWED"})
	case s.cfg.Token == "" || strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") != s.cfg.Token:
		return answer{status: http.StatusUnauthorized, body: []byte(`{"errors":["Not Authenticated"]}`)}
	}
	req, err := readRequest(r)
	if err != nil {
		return refused(http.StatusBadRequest, &apiError{message: err.Error(), code: "JsonParseException"})
	}
	doc := s.docs.parse(s.schema, req.Query)
	call := Call{Operation: "invalid", Query: req.Query, At: s.cfg.Now()}
	var op *ast.OperationDefinition
	if doc.errors == nil {
		if op = doc.operation(req.OperationName); op != nil {
			call.Operation = doc.rootFields(op)
		}
	}
	f := s.strike(r.Context(), call)
	if f.Fails() && !f.After {
		return instead(f)
	}
	a := s.answer(r.Header, req, doc, op)
	if f.Fails() {
		return instead(f)
	}
	return a
}

func readRequest(r *http.Request) (request, error) {
	var req request
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return req, errors.New("the content type must be application/json")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return req, errors.New("the body cannot be read")
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&req); err != nil {
		return req, errors.New("the body is not a GraphQL request in JSON")
	}
	plainNumbers(req.Variables)
	return req, nil
}

// currentVersion is the version for callers that name none.
const currentVersion = "2026-07"

// versionForm matches a quarterly version of the API.
var versionForm = regexp.MustCompile(`^(20\d\d-(01|04|07|10)|dev)$`)

// answer serves an admitted call, within the limits and once for its idempotency key.
func (s *Sim) answer(header http.Header, req request, doc *document, op *ast.OperationDefinition) answer {
	if wait := s.limits.call(s.cfg.Now()); wait > 0 {
		seconds := int(wait.Seconds()) + 1
		a := refused(http.StatusTooManyRequests, &apiError{message: "Daily limit exceeded", code: "DAILY_LIMIT_EXCEEDED",
			retry: seconds})
		a.retryAfter = fmt.Sprint(seconds)
		return a
	}
	version := cmp.Or(header.Get("API-Version"), currentVersion)
	switch {
	case !versionForm.MatchString(version), s.isRetired(version):
		return refused(http.StatusOK, &apiError{message: "Invalid API version", code: "InvalidVersionException"})
	case req.Query == "":
		return refused(http.StatusOK, &apiError{message: "No query string was present"})
	case doc.errors != nil:
		return refused(http.StatusOK, doc.errors...)
	case op == nil:
		return refused(http.StatusOK, &apiError{message: "An operation name is required", code: "GRAPHQL_VALIDATION_FAILED"})
	}
	vars, err := validator.VariableValues(s.schema, op, req.Variables)
	if err != nil {
		return refused(http.StatusOK, variableError(err))
	}
	execute := func() answer { return s.execute(version, op, vars) }
	if key := header.Get("Idempotency-Key"); key != "" && op.Operation == ast.Mutation {
		defer s.revision.Add(1) // with the answer, which is kept
		return s.replays.once(key, s.cfg.Now(), execute)
	}
	return execute()
}

func (s *Sim) isRetired(version string) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.retired[version]
}

func variableError(err error) *apiError {
	out := &apiError{message: err.Error(), code: "variableMismatch"}
	var found *gqlerror.Error
	if errors.As(err, &found) {
		out.message = strings.TrimPrefix(found.Path.String(), "variable.") + " " + found.Message
	}
	out.message = "Variable " + out.message
	return out
}

func (s *Sim) execute(version string, op *ast.OperationDefinition, vars map[string]any) answer {
	price := cost(op, vars)
	if price > maxCost {
		return refused(http.StatusOK, &apiError{
			message: fmt.Sprintf("Query has complexity of %d, which exceeds max complexity of %d", price, maxCost),
			code:    "maxComplexityExceeded",
		})
	}
	paid, ok := s.limits.spend(s.cfg.Now(), price)
	if !ok {
		return exhausted(paid.resetIn)
	}
	x := &execution{sim: s, version: version, vars: vars, cost: paid}
	x.operation(op)
	out := append([]byte(`{"data":`), x.out...)
	if len(x.errors) > 0 {
		list, err := json.Marshal(x.errors)
		if err != nil {
			panic("mondaysim: encoding errors: " + err.Error())
		}
		out = append(append(out, `,"errors":`...), list...)
	}
	out = fmt.Appendf(out, `,"extensions":{"request_id":"%s"}`, requestID())
	if len(x.errors) > 0 {
		out = fmt.Appendf(out, `,"account_id":%d`, accountID)
	}
	return answer{status: http.StatusOK, body: append(out, '}')}
}

// refused returns the answer to a call that is not executed.
func refused(status int, errs ...*apiError) answer {
	body, err := json.Marshal(object{"errors": errs, "account_id": accountID,
		"extensions": object{"request_id": requestID()}})
	if err != nil {
		panic("mondaysim: encoding errors: " + err.Error())
	}
	return answer{status: status, body: body}
}

func requestID() string {
	a, b := rand.Uint64(), rand.Uint64()
	return fmt.Sprintf("%08x-%04x-9%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}
