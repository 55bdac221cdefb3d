package sfclient

import (
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWriteEach: each lot has its own answer, as if it had been a call of its own.
func TestWriteEach(t *testing.T) {
	t.Parallel()
	b := setup(t)
	part := func(path, id, header, rows string) string {
		return `{"method":"PATCH","url":"` + root + path + `","referenceId":"` + id + `","httpHeaders":{` + header + `},"body":{"allOrNone":false,"records":[` + rows + `]}}`
	}
	row := func(id, value string) string {
		return `{"attributes":{"type":"Lead"},` + id + `,"Name":"` + value + `"}`
	}
	b.mux.HandleFunc("POST "+root+"/composite", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		want := `{"allOrNone":false,"compositeRequest":[` + part("/composite/sobjects", "q0", `"Sforce-Auto-Assign":"FALSE"`, row(`"Id":"1"`, "A")) + "," +
			part("/composite/sobjects/Lead/K__c", "q1", `"Sforce-Auto-Assign":"TRUE","Sforce-Duplicate-Rule-Header":"allowSave=true"`, row(`"K__c":"2"`, "B")+","+row(`"K__c":"3"`, "C")) + `]}`
		if diff := cmp.Diff(decoded(t, want), decoded(t, string(body))); diff != "" {
			t.Errorf("body (-want +got):\n%s", diff)
		}
		reply(w, 200, `{"compositeResponse":[
			{"referenceId":"q1","httpStatusCode":200,"body":[{"id":"2","success":true,"created":true,"errors":[]},{"success":false,"errors":[{"statusCode":"BAD","fields":["Name"]}]}]},
			{"referenceId":"q0","httpStatusCode":400,"body":[{"errorCode":"INVALID_FIELD","message":"private"}]}]}`)
	})
	got, err := b.WriteEach(t.Context(), []Lot{
		{Object: "Lead", Records: []Record{{"Id": "1", "Name": "A"}}},
		{Object: "Lead", Key: "K__c", Records: []Record{{"K__c": "2", "Name": "B"}, {"K__c": "3", "Name": "C"}}, Options: WriteOptions{AutoAssign: true, AllowDuplicates: true}},
	})
	if err != nil || len(got) != 2 {
		t.Fatalf("%d lots, error %v", len(got), err)
	}
	if e := asError(t, got[0].Err); e.Code != "INVALID_FIELD" || strings.Contains(got[0].Err.Error(), "private") {
		t.Errorf("first lot: %v", got[0].Err)
	}
	want := []Result{{ID: "2", Success: true, Created: true, Errors: []RowError{}}, {Errors: []RowError{{Code: "BAD", Fields: []string{"Name"}}}}}
	if diff := cmp.Diff(want, got[1].Results, withoutAt); diff != "" || got[1].Err != nil {
		t.Errorf("second lot: %v (-want +got):\n%s", got[1].Err, diff)
	}
}

func TestWriteEachRejects(t *testing.T) {
	t.Parallel()
	b := setup(t)
	lots := func(n, rows int) []Lot {
		all := make([]Lot, n)
		for i := range all {
			all[i] = Lot{Object: "Lead", Records: make([]Record, rows)}
		}
		return all
	}
	for name, lots := range map[string][]Lot{"six lots": lots(6, 1), "an empty lot": lots(1, 0), "201 rows": lots(1, 201)} {
		if _, err := b.WriteEach(t.Context(), lots); !asError(t, err).Permanent() {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.answers("POST "+root+"/composite", 200, `{"compositeResponse":[{"referenceId":"q0","httpStatusCode":200,"body":[]}]}`)
	if got, err := b.WriteEach(t.Context(), lots(1, 1)); got != nil || asError(t, err).Code != codeUnexpected {
		t.Errorf("an answer without rows: %v, %v", got, err)
	}
}

// TestWithoutComposite: where the host has no composite resource, each part is a call of its own.
func TestWithoutComposite(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var asked atomic.Int64
	b.mux.HandleFunc("POST "+root+"/composite", func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		reply(w, 404, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
	})
	b.mux.HandleFunc("PATCH "+root+"/composite/sobjects", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 400, `[{"errorCode":"INVALID_FIELD","message":"private"}]`)
	})
	b.mux.HandleFunc("PATCH "+root+"/composite/sobjects/Lead/K__c", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `[{"id":"2","success":true,"created":true,"errors":[]}]`)
	})
	b.mux.HandleFunc("GET "+root+"/query", func(w http.ResponseWriter, r *http.Request) {
		reply(w, 200, `{"totalSize":1,"done":true,"records":[{"Id":"`+strings.Fields(r.URL.Query().Get("q"))[3]+`"}]}`)
	})
	for range 2 {
		lots, err := b.WriteEach(t.Context(), []Lot{
			{Object: "Lead", Records: []Record{{"Id": "1", "Name": "A"}}}, {Object: "Lead", Key: "K__c", Records: []Record{{"K__c": "2"}}},
		})
		if err != nil || asError(t, lots[0].Err).Code != "INVALID_FIELD" || lots[1].Err != nil || lots[1].Results[0].ID != "2" {
			t.Errorf("lots %+v, error %v", lots, err)
		}
		found, err := b.QueryEach(t.Context(), []string{"SELECT Id FROM A", "SELECT Id FROM B"})
		if err != nil || found[0].Records[0]["Id"] != "A" || found[1].Records[0]["Id"] != "B" {
			t.Errorf("found %+v, error %v", found, err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("the composite resource was asked for %d times, want once", n)
	}
}
