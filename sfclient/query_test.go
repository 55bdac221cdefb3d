package sfclient

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const soql = `SELECT Id FROM Lead WHERE Name = 'a+b & c'`
	b.mux.HandleFunc("GET "+root+"/query", func(w http.ResponseWriter, r *http.Request) {
		if got := r.FormValue("q"); got != soql {
			t.Errorf("q = %s", got)
		}
		reply(w, 200, `{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v63.0/query/01g-1?x=%2F","records":[{"attributes":{},"Id":"1"}]}`)
	})
	b.mux.HandleFunc("GET /services/data/v63.0/query/01g-1", func(w http.ResponseWriter, r *http.Request) {
		if r.RequestURI != "/services/data/v63.0/query/01g-1?x=%2F" {
			t.Errorf("next page requested as %s", r.RequestURI)
		}
		reply(w, 200, `{"totalSize":2,"done":true,"records":[{"Id":"2"}]}`)
	})
	got, err := b.Select(t.Context(), soql)
	if diff := cmp.Diff([]Record{{"Id": "1"}, {"Id": "2"}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for record, err := range b.Query(t.Context(), soql) {
		if record["Id"] != "1" || err != nil {
			t.Errorf("first = %v, %v", record, err)
		}
		break
	}
}

func TestQueryEnds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answers("GET "+root+"/query", 200, `{"done":false,"nextRecordsUrl":"`+root+`/again","records":[{"Id":"1"}]}`)
	b.answers("GET "+root+"/again", 200, `{"done":false,"nextRecordsUrl":"`+root+`/again","records":[{"Id":"1"}]}`)
	if got, err := b.Select(t.Context(), "x"); got != nil || asError(t, err).Code != codeUnexpected {
		t.Errorf("Select() = %v, %v", got, err)
	}
}

func TestQueryAllEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mux.HandleFunc("POST "+root+"/composite", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := `{"allOrNone":false,"compositeRequest":[
			{"method":"GET","url":"` + root + `/queryAll?q=SELECT+Id+FROM+Lead+WHERE+Name+%3D+%27%26%27","referenceId":"q0"},
			{"method":"GET","url":"` + root + `/queryAll?q=nonsense","referenceId":"q1"},
			{"method":"GET","url":"` + root + `/queryAll?q=SELECT+Id+FROM+Case","referenceId":"q2"}]}`
		if diff := cmp.Diff(decoded(t, want), decoded(t, string(body))); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		reply(w, 200, `{"compositeResponse":[
			{"referenceId":"q1","httpStatusCode":400,"body":[{"errorCode":"MALFORMED_QUERY","message":"private"}]},
			{"referenceId":"q0","httpStatusCode":200,"body":{"totalSize":1,"done":true,"records":[{"attributes":{},"Id":"1"}]}},
			{"referenceId":"q2","httpStatusCode":200,"body":{"totalSize":3,"done":false,"nextRecordsUrl":"`+root+`/query/01g-1","records":[{"Id":"2"}]}}]}`)
	})
	b.answers("GET "+root+"/query/01g-1", 200, `{"totalSize":3,"done":true,"records":[{"Id":"3"}]}`)
	got, err := b.QueryAllEach(t.Context(), []string{"SELECT Id FROM Lead WHERE Name = '&'", "nonsense", "SELECT Id FROM Case"})
	if err != nil || len(got) != 3 {
		t.Fatalf("%d results, error %v", len(got), err)
	}
	if diff := cmp.Diff(Page{Total: 1, Records: []Record{{"Id": "1"}}}, got[0].Page); diff != "" || got[0].Err != nil {
		t.Errorf("first: %v (-want +got):\n%s", got[0].Err, diff)
	}
	if e := asError(t, got[1].Err); !e.Permanent() || e.Code != "MALFORMED_QUERY" || strings.Contains(got[1].Err.Error(), "private") {
		t.Errorf("second: %v", got[1].Err)
	}
	if diff := cmp.Diff(Page{Total: 3, Next: root + "/query/01g-1", Records: []Record{{"Id": "2"}}}, got[2].Page); diff != "" || got[2].Err != nil {
		t.Errorf("third: %v (-want +got):\n%s", got[2].Err, diff)
	}
	next, err := b.NextPage(t.Context(), got[2].Next)
	if diff := cmp.Diff(Page{Total: 3, Records: []Record{{"Id": "3"}}}, next); diff != "" || err != nil {
		t.Errorf("next: %v (-want +got):\n%s", err, diff)
	}
}

func TestQueryAllEachRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if results, err := b.QueryAllEach(t.Context(), nil); results != nil || err != nil {
		t.Errorf("QueryAllEach() of no queries = %v, %v", results, err)
	}
	if _, err := b.QueryAllEach(t.Context(), make([]string, 6)); !asError(t, err).Permanent() {
		t.Errorf("QueryAllEach() of six queries: %v", err)
	}
	for name, body := range map[string]string{
		"too few":   `{"compositeResponse":[{"referenceId":"q0","httpStatusCode":200,"body":{"done":true}}]}`,
		"twice":     `{"compositeResponse":[{"referenceId":"q0","httpStatusCode":200,"body":{"done":true}},{"referenceId":"q0","httpStatusCode":200,"body":{"done":true}}]}`,
		"unknown":   `{"compositeResponse":[{"referenceId":"q0","httpStatusCode":200,"body":{"done":true}},{"referenceId":"x","httpStatusCode":200,"body":{"done":true}}]}`,
		"not pages": `{"compositeResponse":[{"referenceId":"q0","httpStatusCode":200,"body":7},{"referenceId":"q1","httpStatusCode":200,"body":{"done":true}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.answers("POST "+root+"/composite", 200, body)
			if results, err := b.QueryAllEach(t.Context(), []string{"a", "b"}); results != nil || asError(t, err).Code != codeUnexpected {
				t.Errorf("QueryAllEach() = %v, %v", results, err)
			}
		})
	}
}

func TestSelectAll(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answers("GET "+root+"/queryAll", 200, `{"totalSize":2,"done":false,"nextRecordsUrl":"`+root+`/query/01g-1","records":[{"Id":"1"}]}`)
	b.answers("GET "+root+"/query/01g-1", 200, `{"totalSize":2,"done":true,"records":[{"Id":"2"}]}`)
	got, err := b.SelectAll(t.Context(), "SELECT Id FROM Lead")
	if diff := cmp.Diff([]Record{{"Id": "1"}, {"Id": "2"}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	if got, want := Quote("O'Neil \\' \"x\"\n\t"), `'O\'Neil \\\' \"x\"\n\t'`; got != want {
		t.Errorf("Quote() = %s, want %s", got, want)
	}
}

func TestID18(t *testing.T) {
	t.Parallel()
	const whole = "001D000000Kv3g5IAB"
	for id, want := range map[string]string{
		whole:                  whole,
		whole[:15]:             whole,
		strings.ToLower(whole): whole,
		strings.ToUpper(whole): whole,
		"001000000000001":      "001000000000001AAA",
		"001D000000Kv3g5IAC":   "",
		"001d000000Kv3g5IAB":   "",
		"001000000000001ZZZ":   "",
		"001D000000Kv3g5IA":    "",
		"001D000000Kv3g-":      "",
		"001D000000Kv3gé":      "",
		"":                     "",
	} {
		if got, ok := ID18(id); got != want && ok || ok != (want != "") {
			t.Errorf("ID18(%q) = %q, %v, want %q", id, got, ok, want)
		}
	}
}
