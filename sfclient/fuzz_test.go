package sfclient

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"unicode"
)

func FuzzResults(f *testing.F) {
	f.Add([]byte(`[{"id":"001000000000001AAA","success":true,"errors":[],"created":false}]`), 1)
	f.Add([]byte(`[{"success":false,"errors":[{"statusCode":"DUPLICATE_VALUE","message":"x","fields":["Email"]}]}]`), 1)
	f.Add([]byte(`[null,{}]`), 2)
	f.Add([]byte(`<html>`), 1)
	f.Fuzz(func(t *testing.T, body []byte, n int) {
		results, err := decodeResults(answer{status: 200, body: body}, n)
		if _, ok := errors.AsType[*Error](err); err != nil && !ok {
			t.Fatalf("error %T", err)
		}
		if err == nil && len(results) != n {
			t.Fatalf("%d results, want %d", len(results), n)
		}
		for _, r := range results {
			if r.Success && r.ID == "" || !r.Success && len(r.Errors) == 0 {
				t.Fatalf("neither success nor failure: %+v", r)
			}
			for _, e := range r.Errors {
				checkText(t, e.String())
			}
		}
	})
}

func FuzzError(f *testing.F) {
	f.Add(400, []byte(`[{"message":"x","errorCode":"INVALID_FIELD","fields":["Foo__c"]}]`))
	f.Add(400, []byte(`[{"duplicateResut":{"matchResults":[{"matchRecords":[{"record":{"Id":"001000000000001AAA"}}]}]},"errorCode":"DUPLICATES_DETECTED"}]`))
	f.Add(300, []byte(`["/services/data/v67.0/sobjects/Account/001000000000001AAA"]`))
	f.Add(403, []byte(`[{"errorCode":"REQUEST_LIMIT_EXCEEDED","message":"TotalRequests Limit exceeded."}]`))
	f.Add(503, []byte(`<html>`))
	f.Add(400, []byte(`{"error":"invalid_grant"}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e, ok := errors.AsType[*Error](answerError(answer{status: status, body: body}))
		if !ok {
			t.Fatal("not an *Error")
		}
		if e.Outage() && (e.Permanent() || e.RetryAfter() <= 0) || e.Refused() && !e.Permanent() || e.Class().String() == "unknown" {
			t.Fatalf("contradicts itself: %+v", fateOf(e))
		}
		for _, id := range e.Matches {
			if _, ok := ID18(id); !ok {
				t.Fatalf("match %q is no Id", id)
			}
		}
		checkText(t, e.Error())
	})
}

// checkText fails where a text holds a sign that codes and names of fields have no use for.
func checkText(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if r > unicode.MaxASCII || !unicode.IsPrint(r) || strings.ContainsRune(`@"<>{}`, r) {
			t.Fatalf("text %q", text)
		}
	}
}

func FuzzPage(f *testing.F) {
	f.Add([]byte(`{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-1","records":[{"attributes":{},"Id":"1"}]}`))
	f.Add([]byte(`{"done":true,"records":[null]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := decodePage(answer{status: 200, body: body}, "/x")
		if err == nil && !p.Done && (p.Next == "" || p.Next == "/x") {
			t.Fatalf("nowhere to go on from %+v", p)
		}
	})
}

func FuzzLocator(f *testing.F) {
	f.Add("/services/data/v67.0/query/01g-1")
	f.Add("//example.org/x")
	f.Add("https://acme.my.salesforce.com@example.org/")
	f.Add(`\\example.org\x`)
	trust, _ := newTrust("https://acme.my.salesforce.com", nil)
	f.Fuzz(func(t *testing.T, locator string) {
		req, err := call{method: http.MethodGet, locator: locator, path: []string{"query"}}.request(t.Context(), trust.login, "v67.0")
		if err == nil && (req.URL.Scheme != "https" || req.URL.Host != "acme.my.salesforce.com" || req.Host != req.URL.Host) {
			t.Fatalf("request to %s", req.URL)
		}
	})
}

func FuzzInstance(f *testing.F) {
	f.Add("https://acme.my.salesforce.com")
	f.Add("https://acme.my.salesforce.com:443@example.org")
	f.Add("http://[::1%25lo]:80")
	trust, _ := newTrust("https://acme.my.salesforce.com", []string{"crm.example.org:8443"})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := trust.instance(raw)
		if err != nil {
			return
		}
		known := strings.HasSuffix(u.Host, ".salesforce.com") || strings.HasSuffix(u.Host, ".force.com") ||
			strings.HasSuffix(u.Host, ".cloudforce.com") || strings.HasSuffix(u.Host, ".salesforce.mil") || u.Host == "crm.example.org:8443"
		if u.Scheme != "https" || !known || u.User != nil || u.String() != "https://"+u.Host {
			t.Fatalf("trusted %s", u)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add(`Bob's \ BBQ`)
	f.Add("\x00\n")
	f.Fuzz(func(t *testing.T, text string) {
		literal := Quote(text)
		inner := literal[1 : len(literal)-1]
		for n := 0; n < len(inner); n++ {
			switch c := inner[n]; {
			case c == '\\':
				n++ // what it escapes is there, or this goes past the end
			case c == '\'' || c < ' ':
				t.Fatalf("%q stands bare in %q", c, literal)
			}
			if n == len(inner) {
				t.Fatalf("the closing quote of %q is escaped", literal)
			}
		}
	})
}

func FuzzEncode(f *testing.F) {
	f.Add("Name", "José\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		encoded, err := encodeCollection("Account", []Record{{name: value}})
		if err != nil || !json.Valid(encoded) {
			t.Fatalf("%v: %s", err, encoded)
		}
		var got struct{ Records []Record }
		want := strings.ToValidUTF8(value, "\ufffd")
		if err := json.Unmarshal(encoded, &got); err != nil {
			t.Fatal(err)
		}
		if s, _ := got.Records[0][name].(string); name == "Name" && strings.ToValidUTF8(s, "\ufffd") != want && !strings.Contains(value, "\xff") {
			t.Logf("%q became %q", value, s)
		}
	})
}
