package sfclient

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnswerErrors(t *testing.T) {
	t.Parallel()
	rest := func(code, message string) string { return `[{"errorCode":"` + code + `","message":"` + message + `"}]` }
	type meaning struct {
		Class   Class
		Wait    time.Duration
		Refused bool
	}
	tests := map[string]struct {
		status int
		body   string
		header string // Retry-After
		want   meaning
	}{
		"locked":            {400, rest("UNABLE_TO_LOCK_ROW", ""), "", meaning{Class: Transient}},
		"field":             {400, rest("INVALID_FIELD", "No such column private"), "", meaning{Permanent, 0, true}},
		"unknown 400":       {400, rest("NEW_CODE", ""), "", meaning{Permanent, 0, true}},
		"page 400":          {400, "<html>private", "", meaning{Permanent, 0, true}},
		"too large":         {413, "<html>private", "", meaning{Permanent, 0, true}},
		"too long":          {414, "", "", meaning{Permanent, 0, true}},
		"not found":         {404, rest("NOT_FOUND", ""), "", meaning{Gone, 0, true}},
		"deleted":           {404, rest("ENTITY_IS_DELETED", ""), "", meaning{Gone, 0, true}},
		"page 404":          {404, " <html>private", "", meaning{Outage, 5 * time.Second, false}},
		"404 of a server":   {404, "404 private not found", "", meaning{Outage, 5 * time.Second, false}},
		"governor":          {400, rest("UNKNOWN_EXCEPTION", "private Apex CPU time limit exceeded"), "", meaning{Oversized, 0, true}},
		"governor 500":      {500, rest("UNKNOWN_EXCEPTION", "Apex heap size too large: 7"), "", meaning{Oversized, 0, true}},
		"storage":           {400, rest("STORAGE_LIMIT_EXCEEDED", "private"), "", meaning{StorageFull, 5 * time.Minute, false}},
		"version":           {410, rest("UNSUPPORTED_API_VERSION", ""), "", meaning{Outage, 5 * time.Second, false}},
		"total":             {403, rest("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."), "", meaning{Quota, time.Minute, false}},
		"concurrent":        {403, rest("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded"), "", meaning{Throttle, 2 * time.Second, false}},
		"concurrent 503":    {503, rest("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (x) Limit exceeded"), "", meaning{Throttle, 2 * time.Second, false}},
		"429":               {429, "", "7", meaning{Throttle, 7 * time.Second, false}},
		"API off":           {403, rest("API_DISABLED_FOR_ORG", ""), "", meaning{Outage, 5 * time.Second, false}},
		"rights":            {403, rest("INSUFFICIENT_ACCESS_OR_READONLY", ""), "", meaning{Class: Permanent}},
		"method":            {405, rest("METHOD_NOT_ALLOWED", ""), "", meaning{Class: Permanent}},
		"406":               {406, rest("CustomNotAcceptable", ""), "", meaning{Class: Transient}},
		"500":               {500, rest("UNKNOWN_EXCEPTION", ""), "", meaning{Class: Transient}},
		"500 unknown":       {500, rest("NEW_CODE", ""), "", meaning{Class: Transient}},
		"500 page":          {500, "<html>private", "", meaning{Outage, 5 * time.Second, false}},
		"500 empty":         {500, "", "", meaning{Outage, 5 * time.Second, false}},
		"502":               {502, "", "", meaning{Outage, 5 * time.Second, false}},
		"503":               {503, rest("SERVER_UNAVAILABLE", ""), "3", meaning{Outage, 3 * time.Second, false}},
		"503 for days":      {503, "", "999999", meaning{Outage, time.Hour, false}},
		"504":               {504, "<html>", "", meaning{Outage, 5 * time.Second, false}},
		"moved":             {302, "", "", meaning{Outage, 5 * time.Second, false}},
		"several":           {300, `["/services/data/v67.0/sobjects/Lead/001000000000001AAA"]`, "", meaning{Class: Duplicate}},
		"duplicate":         {400, rest("DUPLICATES_DETECTED", ""), "", meaning{Class: Duplicate}},
		"trigger":           {400, rest("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "private"), "", meaning{Permanent, 0, true}},
		"trigger on a lock": {400, rest("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "x UNABLE_TO_LOCK_ROW y"), "", meaning{Class: Transient}},
		"value for a code":  {400, rest("private value", ""), "", meaning{Permanent, 0, true}},
		"not JSON":          {400, "private", "", meaning{Permanent, 0, true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := answerError(&answer{status: tt.status, header: http.Header{"Retry-After": {tt.header}}, body: []byte(tt.body)})
			if diff := cmp.Diff(tt.want, meaning{e.Class(), e.RetryAfter(), e.IsRejection()}); diff != "" {
				t.Errorf("%v (-want +got):\n%s", e, diff)
			}
			if strings.Contains(e.Error(), "private") {
				t.Errorf("error repeats the answer: %v", e)
			}
			if e.Permanent() != (tt.want.Class == Permanent) || e.Outage() != (tt.want.Class == Outage || tt.want.Class == Quota) {
				t.Errorf("Permanent() = %v, Outage() = %v for class %v", e.Permanent(), e.Outage(), e.Class())
			}
		})
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	found := `":{"matchResults":[{"matchRecords":[{"record":{"Id":"001000000000001"}},{"record":{"Id":"001000000000002AAA"}}]}]},"errorCode":"DUPLICATES_DETECTED"}]`
	for name, body := range map[string]string{
		"misspelt":   `[{"duplicateResut` + found,
		"as it says": `[{"duplicateResult` + found,
	} {
		e := answerError(&answer{status: 400, body: []byte(body)})
		if diff := cmp.Diff([]string{"001000000000001AAA", "001000000000002AAA"}, e.Matches); diff != "" || e.Class() != Duplicate {
			t.Errorf("%s: %v (-want +got):\n%s", name, e, diff)
		}
	}
}

func TestRowClasses(t *testing.T) {
	t.Parallel()
	for row, want := range map[[2]string]Class{
		{"", ""}:                         Transient,
		{"SERVER_UNAVAILABLE", ""}:       Transient,
		{"PROCESSING_HALTED", ""}:        Transient,
		{"INVALID_SESSION_ID", ""}:       Outage,
		{"DUPLICATE_VALUE", ""}:          Duplicate,
		{"INVALID_CROSS_REFERENCE_KEY"}:  Gone,
		{"CANNOT_UPDATE_CONVERTED_LEAD"}: Permanent,
		{"REQUIRED_FIELD_MISSING", ""}:   Permanent,
		{"SOMETHING_NEW", ""}:            Permanent,
		{"STORAGE_LIMIT_EXCEEDED", ""}:   StorageFull,
		{codeTrigger, "private"}:         Permanent,
		{codeTrigger, "x: execution of BeforeUpdate caused by: System.DmlException: UNABLE_TO_LOCK_ROW"}:   Transient,
		{codeTrigger, "x: Insert failed; first error: STORAGE_LIMIT_EXCEEDED, storage limit exceeded: []"}: StorageFull,
		{codeTrigger, "ns.Trigger: System.LimitException: ns:Too many SOQL queries: 101"}:                  Oversized,
		{codeTrigger, "ns.Trigger: System.LimitException: Apex CPU time limit exceeded"}:                   Oversized,
		{codeFlow, "Apex CPU time limit exceeded"}:                                                         Oversized,
		{"LIMIT_EXCEEDED", "Apex heap size too large: 6291968"}:                                            Oversized,
		{"UNKNOWN_EXCEPTION", "Too many DML rows: 10001"}:                                                  Oversized,
		{"UNKNOWN_EXCEPTION", "Maximum stack depth reached: 1001"}:                                         Oversized,
		{"FIELD_CUSTOM_VALIDATION_EXCEPTION", "Too many contacts on this account: 3"}:                      Permanent,
		{"REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded."}:         Throttle,
	} {
		if got := (RowError{Code: row[0], Message: row[1]}).Class(); got != want {
			t.Errorf("class of %v = %v, want %v", row, got, want)
		}
	}
}
