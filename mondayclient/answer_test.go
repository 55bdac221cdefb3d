package mondayclient

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// answers are calls that failed as a whole, in every shape that Monday is known to use. SECRET marks the places where
// Monday may repeat a value.
var answers = map[string]struct {
	status     int
	retryAfter string
	body       string

	want      Error
	wait      time.Duration
	permanent bool
	outage    bool
}{
	"complexity": {200, "", `{"errors":[{"message":"Complexity budget exhausted","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","retry_in_seconds":60}}]}`,
		Error{Status: 200, Code: "COMPLEXITY_BUDGET_EXHAUSTED", Wait: time.Minute}, time.Minute, false, false},
	"complexity, 429 inside": {200, "", `{"errors":[{"message":"SECRET","extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED","complexity":30001,"complexity_budget_left":19986,"retry_in_seconds":3,"status_code":429}}]}`,
		Error{Status: 429, Code: "COMPLEXITY_BUDGET_EXHAUSTED", Wait: 3 * time.Second}, 3 * time.Second, false, false},
	"complexity, older": {200, "", `{"error_code":"ComplexityException","status_code":429,"error_message":"Complexity budget exhausted, query cost 30001 budget remaining 19986 out of 1000000 reset in 3 seconds","error_data":{},"errors":["Complexity budget exhausted, SECRET"],"account_id":1}`,
		Error{Status: 429, Code: "ComplexityException", Wait: 3 * time.Second}, 3 * time.Second, false, false},
	"complexity, other case": {200, "", `{"errors":[{"extensions":{"code":"complexityBudgetExhausted"}}]}`,
		Error{Status: 200, Code: "complexityBudgetExhausted"}, 15 * time.Second, false, false},
	"complexity, strings": {200, "", `{"errors":["Complexity budget exhausted, query cost 1 reset in 20 seconds"]}`,
		Error{Status: 200, Code: "COMPLEXITY_BUDGET_EXHAUSTED", Wait: 20 * time.Second}, 20 * time.Second, false, false},
	"complexity beside another": {200, "", `{"data":null,"errors":[{"message":"SECRET","path":["a0"],"extensions":{"code":"ColumnValueException"}},{"extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED"}}]}`,
		Error{Status: 200, Code: "COMPLEXITY_BUDGET_EXHAUSTED"}, 15 * time.Second, false, false},
	"complexity of one": {200, "", `{"data":null,"errors":[{"path":["a0"],"extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED"}}]}`,
		Error{Status: 200, Code: "COMPLEXITY_BUDGET_EXHAUSTED"}, 15 * time.Second, false, false},
	"field limit": {200, "", `{"error_message":"Concurrency limit exceeded for the field","error_code":"FIELD_LIMIT_EXCEEDED","error_data":{"retry_in_seconds":15,"entity":"boards"},"status_code":429}`,
		Error{Status: 429, Code: "FIELD_LIMIT_EXCEEDED", Wait: 15 * time.Second}, 15 * time.Second, false, false},
	"429 with a header": {429, "38", `{"errors":[{"message":"Rate Limit Exceeded","extensions":{"code":"RATE_LIMIT_EXCEEDED","retry_in_seconds":5}}]}`,
		Error{Status: 429, Code: "RATE_LIMIT_EXCEEDED", Wait: 38 * time.Second}, 38 * time.Second, false, false},
	"429 in words":      {429, "", `{"error_message":"Minute limit rate exceeded"}`, Error{Status: 429, Code: "RATE_LIMIT_EXCEEDED"}, 15 * time.Second, false, false},
	"429 html":          {429, "7", `<html>SECRET</html>`, Error{Status: 429, Wait: 7 * time.Second}, 7 * time.Second, false, false},
	"429 for a year":    {429, "31536000", ``, Error{Status: 429, Wait: 15 * time.Minute}, 15 * time.Minute, false, false},
	"429 a bad header":  {429, "NaN", ``, Error{Status: 429}, 15 * time.Second, false, false},
	"429 at once":       {429, "0", ``, Error{Status: 429}, 15 * time.Second, false, false},
	"concurrency":       {429, "", `{"errors":[{"message":"SECRET","extensions":{"code":"maxConcurrencyExceeded"}}]}`, Error{Status: 429, Code: "maxConcurrencyExceeded"}, 15 * time.Second, false, false},
	"day's limit":       {429, "10", `{"errors":[{"message":"SECRET","extensions":{"code":"DAILY_LIMIT_EXCEEDED"}}]}`, Error{Status: 429, Code: "DAILY_LIMIT_EXCEEDED", Wait: 10 * time.Second}, time.Minute, false, true},
	"login refused":     {401, "", `{"error":"Not Authenticated"}`, Error{Status: 401, Code: "NOT_AUTHENTICATED"}, time.Minute, false, true},
	"login, bare":       {401, "", ``, Error{Status: 401}, time.Minute, false, true},
	"login, in 200":     {200, "", `{"errors":["Not Authenticated"]}`, Error{Status: 200, Code: "NOT_AUTHENTICATED"}, time.Minute, false, true},
	"access denied":     {403, "", `{"errors":[{"message":"SECRET","extensions":{"code":"USER_ACCESS_DENIED"}}]}`, Error{Status: 403, Code: "USER_ACCESS_DENIED"}, time.Minute, false, true},
	"500, data null":    {500, "", `{"data":null}`, Error{Status: 500}, 5 * time.Second, false, true},
	"500 with a code":   {500, "", `{"errors":[{"message":"Internal server error","path":["items"],"extensions":{"code":"INTERNAL_SERVER_ERROR","status_code":500}}],"extensions":{"request_id":"8f3c6f0e-1c1f-9b7a-a2b4-5c9f0d1e2a3b"}}`, Error{Status: 500, Code: "INTERNAL_SERVER_ERROR", RequestID: "8f3c6f0e-1c1f-9b7a-a2b4-5c9f0d1e2a3b"}, 5 * time.Second, false, true},
	"500 with data":     {500, "", `{"data":{"items":[]}}`, Error{Status: 500}, 5 * time.Second, false, true},
	"502 html":          {502, "", `<html>SECRET</html>`, Error{Status: 502}, 5 * time.Second, false, true},
	"503 come back":     {503, "30", ``, Error{Status: 503, Wait: 30 * time.Second}, 30 * time.Second, false, true},
	"blocked":           {200, "", `{"errors":[{"message":"SECRET","extensions":{"code":"API_TEMPORARILY_BLOCKED"}}]}`, Error{Status: 200, Code: "API_TEMPORARILY_BLOCKED"}, 5 * time.Second, false, true},
	"200 html":          {200, "", `<html>SECRET</html>`, Error{Status: 200, Code: "UNREADABLE_ANSWER"}, 5 * time.Second, false, true},
	"200 nothing":       {200, "", ``, Error{Status: 200, Code: "UNREADABLE_ANSWER"}, 5 * time.Second, false, true},
	"200 data null":     {200, "", `{"data":null}`, Error{Status: 200, Code: "UNREADABLE_ANSWER"}, 5 * time.Second, false, true},
	"302":               {302, "", ``, Error{Status: 302}, 5 * time.Second, false, true},
	"409 still running": {409, "2", `{"errors":[{"message":"SECRET","extensions":{"code":"IDEMPOTENCY_CONFLICT"}}]}`, Error{Status: 409, Code: "IDEMPOTENCY_CONFLICT", Wait: 2 * time.Second}, 2 * time.Second, false, false},
	"423 board locked":  {423, "", `{"errors":[{"message":"SECRET"}]}`, Error{Status: 423}, 5 * time.Second, false, false},
	"400":               {400, "", `{"errors":[{"message":"SECRET","extensions":{"code":"JsonParseException"}}]}`, Error{Status: 400, Code: "JsonParseException"}, 0, false, false},
	"404":               {404, "", `not here`, Error{Status: 404}, 0, false, false},
	"422":               {422, "", `{"errors":[{"message":"SECRET","extensions":{"code":"RecordInvalidException"}}]}`, Error{Status: 422, Code: "RecordInvalidException"}, 0, true, false},
	"parse error":       {200, "", `{"errors":[{"message":"Parse error on \"SECRET\"","locations":[{"line":1,"column":2}]}],"account_id":1}`, Error{Status: 200}, 0, false, false},
	"one error, bare":   {200, "", `{"errors":{"message":"SECRET","extensions":{"code":"ResourceNotFoundException"}}}`, Error{Status: 200, Code: "ResourceNotFoundException"}, 0, true, false},
	"older, permanent":  {200, "", `{"error_code":"InvalidBoardIdException","status_code":200,"error_message":"SECRET","error_data":{"board_id":1}}`, Error{Status: 200, Code: "InvalidBoardIdException", BoardID: 1}, 0, true, false},
	"names an item":     {200, "", `{"errors":[{"extensions":{"code":"ResourceNotFoundException","error_data":{"resource_type":"item","resource_id":"12736724196"}}}]}`, Error{Status: 200, Code: "ResourceNotFoundException", ItemID: 12736724196}, 0, true, false},
	"names a group":     {200, "", `{"errors":[{"extensions":{"code":"ResourceNotFoundException","error_data":{"resource_type":"group","resource_id":"topics"}}}]}`, Error{Status: 200, Code: "ResourceNotFoundException"}, 0, true, false},
	"version":           {200, "", `{"errors":[{"message":"SECRET","extensions":{"code":"InvalidVersionException"}}]}`, Error{Status: 200, Code: "InvalidVersionException"}, time.Minute, false, true},
	"code is a text":    {200, "", `{"errors":[{"extensions":{"code":"the value \"SECRET\" is wrong","status_code":"x"}}]}`, Error{Status: 200}, 0, false, false},
}

func TestReadAnswerRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readAnswer(tt.status, http.Header{"Retry-After": {tt.retryAfter}}, []byte(tt.body))
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("readAnswer: %v, want an *Error", err)
			}
			if diff := cmp.Diff(tt.want, *e, cmp.AllowUnexported(Error{})); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if e.RetryAfter() != tt.wait || e.Permanent() != tt.permanent || e.Outage() != tt.outage {
				t.Errorf("wait %v, permanent %v, outage %v; want %v, %v, %v",
					e.RetryAfter(), e.Permanent(), e.Outage(), tt.wait, tt.permanent, tt.outage)
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Errorf("the error's text repeats a value: %s", err)
			}
		})
	}
}

func TestRetryAfterDate(t *testing.T) {
	t.Parallel()
	soon := http.Header{"Retry-After": {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}}
	if got := retryAfter(soon); got < 50*time.Second || got > time.Minute {
		t.Errorf("in a minute: %v", got)
	}
	past := http.Header{"Retry-After": {"Wed, 23 Sep 2020 12:00:00 GMT"}}
	if got := retryAfter(past); got != 0 {
		t.Errorf("in the past: %v", got)
	}
}

// TestErrorSingle: the error of one write does not mean that Monday is unavailable.
func TestErrorSingle(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		err       Error
		wait      time.Duration
		permanent bool
	}{
		"column value":  {Error{Status: 200, Code: "ColumnValueException"}, 0, true},
		"unauthorized":  {Error{Status: 403, Code: "UserUnauthorizedException"}, 0, true},
		"forbidden":     {Error{Status: 403}, 0, true},
		"not found":     {Error{Status: 404}, 0, true},
		"its own 500":   {Error{Status: 500, Code: "INTERNAL_SERVER_ERROR"}, 0, false},
		"locked":        {Error{Status: 423}, 5 * time.Second, false},
		"throttled":     {Error{Status: 429, Wait: time.Second}, time.Second, false},
		"for a year":    {Error{Status: 429, Wait: 365 * 24 * time.Hour}, 15 * time.Minute, false},
		"unknown":       {Error{Status: 200, Code: "SomethingElse"}, 0, false},
		"no fate known": {Error{Status: 200, Code: codeNoFate}, 0, false},
	}
	for name, tt := range tests {
		tt.err.Single = true
		if e := &tt.err; e.RetryAfter() != tt.wait || e.Permanent() != tt.permanent || e.Outage() {
			t.Errorf("%s: wait %v, permanent %v, outage %v", name, e.RetryAfter(), e.Permanent(), e.Outage())
		}
	}
}

// FuzzAnswer: readAnswer never panics, and every answer yields data or an error.
func FuzzAnswer(f *testing.F) {
	for _, tt := range answers {
		f.Add(tt.status, tt.retryAfter, []byte(tt.body))
	}
	f.Add(200, "", []byte(`{"data":{"a0":{"id":"1"},"a1":null},"errors":[{"message":"...","path":["a1"],"extensions":{"code":"ColumnValueException"}}],"extensions":{"request_id":"..."}}`))
	f.Add(200, "", []byte(`{"data":[],"errors":[{"path":["me"],"extensions":{"code":"UserUnauthorizedException","status_code":403}}]}`))
	f.Add(200, "", []byte(`{"data":{"items":[{"id":"1","updated_at":"x"}],"complexity":{"after":1}}}`))
	f.Fuzz(func(t *testing.T, status int, after string, body []byte) {
		a, err := readAnswer(status, http.Header{"Retry-After": {after}}, body)
		if err == nil {
			if objectOf(a.data) == nil {
				t.Fatalf("%d %q: no data and no error", status, body)
			}
			remaining(objectOf(a.data))
			for _, fate := range fatesOf(2, objectOf(a.data), a.failures) {
				var e *Error
				if fate != nil && (!errors.As(fate, &e) || e.Error() == "") {
					t.Fatalf("%d %q: fate %v", status, body, fate)
				}
			}
			return
		}
		var e *Error
		if !errors.As(err, &e) || e.RetryAfter() < 0 || e.RetryAfter() > waitLongest || e.Permanent() && (e.RetryAfter() > 0 || e.Outage()) {
			t.Fatalf("%d %q: %v", status, body, err)
		}
	})
}
