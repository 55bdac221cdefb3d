package sfclient

import (
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
			t.Errorf("next page as %s", r.RequestURI)
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

func TestDescribe(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const modified = "Mon, 02 Nov 2026 10:00:00 GMT"
	full := 0
	b.mux.HandleFunc("GET "+root+"/sobjects/Lead/describe", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-Modified-Since") == modified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		full++
		w.Header().Set("Last-Modified", modified)
		reply(w, 200, `{"name":"Lead","fields":[{"name":"Status","type":"picklist","length":9,"createable":true,"externalId":true,
			"restrictedPicklist":true,"picklistValues":[{"value":"v","label":"l","active":true}]}]}`)
	})
	want := &Object{Name: "Lead", Fields: []Field{{
		Name: "Status", Type: "picklist", Length: 9, Createable: true, ExternalID: true, RestrictedPicklist: true,
		Picklist: []PicklistValue{{Value: "v", Label: "l", Active: true}},
	}}}
	for range 2 {
		got, err := b.Describe(t.Context(), "Lead")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if full != 1 {
		t.Errorf("described in full %d times, want once", full)
	}
}
