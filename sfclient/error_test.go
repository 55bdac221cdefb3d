package sfclient

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fate is what the callers of an Error ask it.
type fate struct {
	Class                      Class
	RetryAfter                 time.Duration
	Permanent, Outage, Refused bool
}

var (
	fails     = fate{Class: Permanent, Permanent: true}
	refused   = fate{Class: Permanent, Permanent: true, Refused: true}
	transient = fate{Class: Transient}
	outage    = fate{Class: Outage, RetryAfter: 5 * time.Second, Outage: true}
	quota     = fate{Class: Quota, RetryAfter: 5 * time.Minute, Outage: true}
	throttle  = fate{Class: Throttle, RetryAfter: 2 * time.Second}
	gone      = fate{Class: Gone, Permanent: true}
	duplicate = fate{Class: Duplicate, Permanent: true, Refused: true}
)

func fateOf(e *Error) fate {
	return fate{e.Class(), e.RetryAfter(), e.Permanent(), e.Outage(), e.Refused()}
}

func TestAnswerError(t *testing.T) {
	t.Parallel()
	const html = "<html><body>jane@example.org</body></html>"
	rest := func(code, message string) string { return `[{"message":"` + message + `","errorCode":"` + code + `"}]` }
	tests := map[string]struct {
		status int
		body   string
		text   string
		want   fate
	}{
		"unknown field":     {400, `[{"message":"jane","errorCode":"INVALID_FIELD","fields":["Foo__c"]}]`, "400 INVALID_FIELD [Foo__c]", refused},
		"unknown code":      {400, rest("NEW_CODE", ""), "400 NEW_CODE", refused},
		"no array":          {400, `{"message":"jane","errorCode":"JSON_PARSER_ERROR"}`, "400 JSON_PARSER_ERROR", refused},
		"empty array":       {400, `[]`, "400 Bad Request", refused},
		"too large":         {413, ``, "413 Request Entity Too Large", refused},
		"long URL":          {414, html, "414 Request URI Too Long", refused},
		"long header":       {431, ``, "431 Request Header Fields Too Large", refused},
		"method":            {405, rest("METHOD_NOT_ALLOWED", ""), "405 METHOD_NOT_ALLOWED", fails},
		"no access":         {403, rest("INSUFFICIENT_ACCESS_OR_READONLY", ""), "403 INSUFFICIENT_ACCESS_OR_READONLY", fails},
		"locked row":        {400, rest("UNABLE_TO_LOCK_ROW", ""), "400 UNABLE_TO_LOCK_ROW", transient},
		"internal":          {500, rest("UNKNOWN_EXCEPTION", "jane"), "500 UNKNOWN_EXCEPTION", transient},
		"internal, html":    {500, html, "500 Internal Server Error", transient},
		"not acceptable":    {406, rest("CustomNotAcceptable", ""), "406 Not Acceptable", transient},
		"bad gateway":       {502, html, "502 Bad Gateway", outage},
		"maintenance":       {503, rest("SERVER_UNAVAILABLE", ""), "503 SERVER_UNAVAILABLE", outage},
		"gateway timeout":   {504, ``, "504 Gateway Timeout", outage},
		"moved":             {302, ``, "302 Found", outage},
		"a wall between us": {403, html, "403 Forbidden", outage},
		"edge":              {420, ``, "420 error", outage},
		"login":             {401, rest("INVALID_SESSION_ID", ""), "401 INVALID_SESSION_ID", outage},
		"disabled":          {403, rest("API_DISABLED_FOR_ORG", ""), "403 API_DISABLED_FOR_ORG", outage},
		"old version":       {410, rest("UNSUPPORTED_API_VERSION", ""), "410 UNSUPPORTED_API_VERSION", outage},
		"quota":             {403, rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "403 REQUEST_LIMIT_EXCEEDED", quota},
		"concurrent":        {403, rest("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."), "403 REQUEST_LIMIT_EXCEEDED", throttle},
		"long transactions": {403, rest("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."), "403 REQUEST_LIMIT_EXCEEDED", throttle},
		"too many":          {429, ``, "429 Too Many Requests", throttle},
		"not found":         {404, rest("NOT_FOUND", ""), "404 NOT_FOUND", gone},
		"not found, html":   {404, html, "404 Not Found", gone},
		"duplicate":         {400, rest("DUPLICATES_DETECTED", ""), "400 DUPLICATES_DETECTED", duplicate},
		"trigger":           {400, rest("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "x: execution of BeforeUpdate"), "400 CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", refused},
		"trigger, lock":     {400, rest("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "UNABLE_TO_LOCK_ROW, unable"), "400 CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", transient},
		"code is a value":   {400, rest("jane@example.org", ""), "400 Bad Request", refused},
		"field is a value":  {400, `[{"errorCode":"INVALID_FIELD","fields":["jane doe","Name"]}]`, "400 INVALID_FIELD [Name]", refused},
		"culprit":           {400, `[{"errorCode":"PROCESSING_HALTED"},{"errorCode":"INVALID_FIELD"}]`, "400 INVALID_FIELD", refused},
		"only consequences": {400, `[{"errorCode":"PROCESSING_HALTED"}]`, "400 PROCESSING_HALTED", transient},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, ok := errors.AsType[*Error](answerError(answer{status: tt.status, body: []byte(tt.body)}))
			if !ok {
				t.Fatal("not an *Error")
			}
			if diff := cmp.Diff(tt.want, fateOf(e)); diff != "" {
				t.Errorf("fate (-want +got):\n%s", diff)
			}
			if got, want := e.Error(), "salesforce: "+tt.text; got != want || strings.Contains(fmt.Sprintf("%+v", e), "jane") {
				t.Errorf("Error() = %q, want %q", got, want)
			}
		})
	}
}

func TestRowErrorClass(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		row  RowError
		want Class
	}{
		"lock":         {RowError{Code: "UNABLE_TO_LOCK_ROW"}, Transient},
		"server":       {RowError{Code: "SERVER_UNAVAILABLE"}, Transient},
		"quota":        {RowError{Code: "REQUEST_LIMIT_EXCEEDED", Message: "TotalRequests Limit exceeded."}, Quota},
		"throttle":     {RowError{Code: "REQUEST_LIMIT_EXCEEDED", Message: "ConcurrentRequests Limit exceeded."}, Throttle},
		"deleted":      {RowError{Code: "ENTITY_IS_DELETED"}, Gone},
		"no such Id":   {RowError{Code: "INVALID_CROSS_REFERENCE_KEY"}, Gone},
		"duplicate":    {RowError{Code: "DUPLICATES_DETECTED"}, Duplicate},
		"unique":       {RowError{Code: "DUPLICATE_VALUE"}, Duplicate},
		"flow, lock":   {RowError{Code: "CANNOT_EXECUTE_FLOW_TRIGGER", Message: "UNABLE_TO_LOCK_ROW"}, Transient},
		"converted":    {RowError{Code: "CANNOT_UPDATE_CONVERTED_LEAD"}, Permanent},
		"validation":   {RowError{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}, Permanent},
		"unknown code": {RowError{Code: "NEW_CODE"}, Permanent},
		"no code":      {RowError{}, Permanent},
		"odd answer":   {RowError{Code: codeUnexpected}, Transient},
	}
	for name, tt := range tests {
		if got := tt.row.Class(); got != tt.want {
			t.Errorf("%s: Class() = %s, want %s", name, got, tt.want)
		}
	}
}

func TestDuplicateNamesItsMatches(t *testing.T) {
	t.Parallel()
	for _, spelling := range []string{"duplicateResut", "duplicateResult"} {
		body := `[{"` + spelling + `":{"allowSave":true,"matchResults":[{"entityType":"Contact","matchRecords":[
			{"matchConfidence":100,"record":{"attributes":{"type":"Contact"},"Id":"` + id1 + `"}},{"record":{"Id":"jane"}},{"record":null}],"size":1},
			{"matchRecords":[{"record":{"Id":"` + id2 + `"}}]}]},"errorCode":"DUPLICATES_DETECTED","message":"Use one of these records?"}]`
		e, _ := errors.AsType[*Error](answerError(answer{status: 400, body: []byte(body)}))
		if diff := cmp.Diff([]string{id1, id2}, e.Matches); diff != "" || e.Class() != Duplicate {
			t.Errorf("%s: %v, matches (-want +got):\n%s", spelling, e, diff)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tests := map[string]struct {
			status int
			header string
			want   time.Duration
		}{
			"seconds":         {503, "7", 7 * time.Second},
			"a date":          {503, time.Now().UTC().Add(time.Minute).Format(http.TimeFormat), time.Minute},
			"a date gone by":  {503, time.Now().UTC().Add(-time.Minute).Format(http.TimeFormat), 5 * time.Second},
			"zero":            {429, "0", 2 * time.Second},
			"negative":        {429, "-5", 2 * time.Second},
			"not believed":    {429, "9999999999999", 15 * time.Minute},
			"nonsense":        {429, "soon", 2 * time.Second},
			"of no use there": {400, "7", 0},
		}
		for name, tt := range tests {
			e, _ := errors.AsType[*Error](answerError(answer{status: tt.status, header: http.Header{"Retry-After": {tt.header}}}))
			if got := e.RetryAfter(); got != tt.want {
				t.Errorf("%s: RetryAfter() = %s, want %s", name, got, tt.want)
			}
		}
	})
}
