package sfclient

import (
	"net/http"
	"strings"
	"testing"
)

func FuzzResults(f *testing.F) {
	for _, seed := range []string{
		`[{"id":"001000000000001AAA","success":true,"errors":[]}]`,
		`[{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"m","fields":["LastName"]}]}]`,
		`[null]`, `null`, `{}`, `[`, `<html>`, `[{"errors":[null]}]`,
	} {
		f.Add([]byte(seed), 1)
	}
	f.Fuzz(func(t *testing.T, body []byte, want int) {
		want &= 0xff
		results, err := decodeResults(&answer{body: body}, want)
		if err == nil && len(results) != want {
			t.Errorf("%d results, want %d", len(results), want)
		}
		for _, result := range results {
			for _, e := range result.Errors {
				_ = e.Class().String()
			}
		}
		records, err := decodeRecords(body, want)
		if err == nil && len(records) != want {
			t.Errorf("%d records, want %d", len(records), want)
		}
	})
}

func FuzzError(f *testing.F) {
	for _, seed := range []string{
		stale, `["/services/data/v67.0/sobjects/Lead/001000000000001"]`, `{"error":"invalid_grant"}`, `<html>`, ``, `[[[`, `[1]`, `{"fields":"x"}`,
		`[{"duplicateResut":{"matchResults":[{"matchRecords":[{"record":{"Id":"001000000000001"}}]}]},"errorCode":"DUPLICATES_DETECTED"}]`,
	} {
		f.Add(400, "7", []byte(seed))
		f.Add(300, "", []byte(seed))
		f.Add(503, "Mon, 02 Nov 2026 10:00:00 GMT", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, wait string, body []byte) {
		e := answerError(&answer{status: status, header: http.Header{"Retry-After": {wait}}, body: body})
		if strings.ContainsAny(e.Error(), "<>\"\n") {
			t.Errorf("error repeats the answer: %q", e.Error())
		}
		if e.RetryAfter() < 0 || e.Permanent() && e.RetryAfter() > 0 || e.IsRejection() && e.Outage() {
			t.Errorf("%v: wait %v, class %v", e, e.RetryAfter(), e.Class())
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		`{"done":true,"records":[{"attributes":{},"Id":"1"}]}`, `{"done":false,"nextRecordsUrl":"/x","records":[]}`, `{"done":false}`,
		`{"compositeResponse":[{"referenceId":"q1","httpStatusCode":400,"body":[{"errorCode":"X"}]},{"referenceId":"q0","httpStatusCode":200,"body":{"done":true}}]}`,
		`{"compositeResponse":[{"referenceId":"q9","httpStatusCode":200,"body":null},null]}`,
		`{"records":[null]}`, `null`, `[]`, `{"done":false,"nextRecordsUrl":"https://evil.example/"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if p, err := decodePage(body); err == nil && p.Next != "" && p.Next[0] != '/' {
			t.Errorf("next %q", p.Next)
		}
		if answers, err := partsOf(body, 2); err == nil && len(answers) != 2 {
			t.Errorf("%d answers of 2 parts", len(answers))
		}
	})
}
