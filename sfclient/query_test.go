package sfclient

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQueryPages(t *testing.T) {
	t.Parallel()
	const soql = `SELECT Id FROM Account WHERE Name = 'A & B + C'`
	client, mux := setup(t)
	logins(mux)
	var asked []string
	mux.HandleFunc("GET "+base+"/query", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("q"))
		answerJSON(w, http.StatusOK, `{"totalSize":3,"done":false,"nextRecordsUrl":"/services/data/v65.0/query/01g%2F-2?x=%20","records":[{"attributes":{},"Id":"1"},{"Id":"2"}]}`)
	})
	mux.HandleFunc("GET /services/data/v65.0/query/{locator}", func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.RequestURI())
		if token(r) == "token-1" {
			answerJSON(w, http.StatusUnauthorized, expired)
			return
		}
		answerJSON(w, http.StatusOK, `{"totalSize":3,"done":true,"records":[{"Id":"3"}]}`)
	})
	for record, err := range client.Query(t.Context(), soql) {
		if err != nil || record["Id"] != "1" {
			t.Errorf("first record %v, %v", record, err)
		}
		break
	}
	if diff := cmp.Diff([]string{soql}, asked); diff != "" {
		t.Errorf("asked for one record (-want +got):\n%s", diff)
	}
	asked = nil
	got, err := client.Select(t.Context(), soql)
	if diff := cmp.Diff([]Record{{"Id": "1"}, {"Id": "2"}, {"Id": "3"}}, got); diff != "" || err != nil {
		t.Errorf("Select = %v (-want +got):\n%s", err, diff)
	}
	next := "/services/data/v65.0/query/01g%2F-2?x=%20"
	if diff := cmp.Diff([]string{soql, next, next}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestQueryNeverLosesRecordsSilently(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ answer, code string }{
		"no next page":        {`{"done":false,"records":[{"Id":"1"}]}`, codeUnexpected},
		"not said to be done": {`{"records":[{"Id":"1"}]}`, codeUnexpected},
		"the same page again": {`{"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-1","records":[]}`, codeUnexpected},
		"an error later":      {`{"done":false,"nextRecordsUrl":"/services/data/v67.0/query/01g-9","records":[{"Id":"1"}]}`, "INVALID_QUERY_LOCATOR"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mux := setup(t)
			logins(mux)
			page := func(w http.ResponseWriter, r *http.Request) { answerJSON(w, http.StatusOK, tt.answer) }
			mux.HandleFunc("GET "+base+"/query", page)
			mux.HandleFunc("GET "+base+"/query/01g-1", page)
			mux.HandleFunc("GET "+base+"/query/01g-9", func(w http.ResponseWriter, r *http.Request) {
				answerJSON(w, http.StatusBadRequest, `[{"errorCode":"INVALID_QUERY_LOCATOR","message":"invalid query locator"}]`)
			})
			records, err := client.Select(t.Context(), "SELECT Id FROM Account")
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != tt.code || e.Class() != Transient || records != nil {
				t.Errorf("Select = %v, %v, want %s", records, err, tt.code)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		``:                  `''`,
		`Bob's BBQ`:         `'Bob\'s BBQ'`,
		`\' OR Name != '`:   `'\\\' OR Name != \''`,
		"a\nb\rc\td\x00e":   `'a\nb\rc\td\u0000e'`,
		`José "x" 100% a_b`: `'José "x" 100% a_b'`,
		"broken \xff":       "'broken \ufffd'",
	}
	for text, want := range tests {
		if got := Quote(text); got != want {
			t.Errorf("Quote(%q) = %s, want %s", text, got, want)
		}
	}
}

func TestID18(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // empty: none
		"001D000000Kv3g5":     "001D000000Kv3g5IAB",
		"001D000000Kv3g5IAB":  "001D000000Kv3g5IAB",
		"001D000000Kv3g5iab":  "",
		"001d000000kv3g5IAB":  "",
		"001000000000001":     id1,
		"00100000000000é":     "",
		"00100000000000,":     "",
		"0010000000000011":    "",
		"":                    "",
		" 001000000000001AAA": "",
	}
	for id, want := range tests {
		if got, ok := ID18(id); got != want || ok != (want != "") {
			t.Errorf("ID18(%q) = %q, %t, want %q", id, got, ok, want)
		}
	}
}
