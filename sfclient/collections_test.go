package sfclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// withoutAt ignores when an answer arrived.
var withoutAt = cmpopts.IgnoreFields(Result{}, "At")

func TestWrites(t *testing.T) {
	t.Parallel()
	const row = `[{"id":"001000000000001AAA","success":true,"errors":[]},
		{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"m","fields":["LastName"]}]}]`
	want := []Result{
		{ID: "001000000000001AAA", Success: true, Errors: []RowError{}},
		{Errors: []RowError{{Code: "REQUIRED_FIELD_MISSING", Fields: []string{"LastName"}, Message: "m"}}},
	}
	records := []Record{{"Name": "Zoë \"Z\" \\\n\x01\xff", "Count": int64(1) << 53, "attributes": "own"}, {"Ok": true, "No": nil, "F": 1.5}}
	sent := `{"allOrNone":false,"records":[{"attributes":{"type":"Lead"},"Name":"Zoë \"Z\" \\\n\u0001\ufffd","Count":9007199254740992},
		{"attributes":{"type":"Lead"},"Ok":true,"No":null,"F":1.5}]}`
	tests := map[string]struct {
		do         func(b *bundle) ([]Result, error)
		line, body string
	}{
		"create": {func(b *bundle) ([]Result, error) { return b.Create(t.Context(), "Lead", records, WriteOptions{}) }, "POST /composite/sobjects", sent},
		"update": {func(b *bundle) ([]Result, error) { return b.Update(t.Context(), "Lead", records, WriteOptions{}) }, "PATCH /composite/sobjects", sent},
		"upsert": {func(b *bundle) ([]Result, error) {
			return b.Upsert(t.Context(), "Lead", "K__c", records, WriteOptions{})
		}, "PATCH /composite/sobjects/Lead/K__c", sent},
		"delete": {func(b *bundle) ([]Result, error) { return b.Delete(t.Context(), []string{"a", "b&c"}) }, "DELETE /composite/sobjects?ids=a,b%26c&allOrNone=false", ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
				if got := r.Method + " " + strings.TrimPrefix(r.RequestURI, root); got != tt.line {
					t.Errorf("request %s, want %s", got, tt.line)
				}
				body, _ := io.ReadAll(r.Body)
				if diff := cmp.Diff(decoded(t, tt.body), decoded(t, string(body))); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
				reply(w, 200, row)
			})
			got, err := tt.do(b)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, withoutAt); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			for _, result := range got {
				if time.Since(result.At) > time.Minute {
					t.Errorf("answered at %v, want the time of the answer", result.At)
				}
			}
		})
	}
	if _, touched := records[0]["attributes"].(string); !touched || len(records[0]) != 3 {
		t.Errorf("the caller's record was changed: %v", records[0])
	}
}

func TestWriteOptions(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		options            WriteOptions
		assign, duplicates string
	}{
		"neither":    {WriteOptions{}, "FALSE", ""},
		"assign":     {WriteOptions{AutoAssign: true}, "TRUE", ""},
		"duplicates": {WriteOptions{AllowDuplicates: true}, "FALSE", "allowSave=true"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			calls := 0
			b.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
				calls++
				if got := r.Header.Get("Sforce-Auto-Assign"); got != tt.assign {
					t.Errorf("%s %s with Sforce-Auto-Assign %q, want %q", r.Method, r.URL.Path, got, tt.assign)
				}
				if got := r.Header.Get("Sforce-Duplicate-Rule-Header"); got != tt.duplicates {
					t.Errorf("%s %s with Sforce-Duplicate-Rule-Header %q, want %q", r.Method, r.URL.Path, got, tt.duplicates)
				}
				reply(w, 200, `[{"id":"001000000000001AAA","success":true,"errors":[]}]`)
			})
			one := []Record{{"Name": "N"}}
			_, create := b.Create(t.Context(), "Lead", one, tt.options)
			_, update := b.Update(t.Context(), "Lead", one, tt.options)
			_, upsert := b.Upsert(t.Context(), "Lead", "K__c", one, tt.options)
			if err := errors.Join(create, update, upsert); err != nil || calls != 3 {
				t.Errorf("%d calls, error %v", calls, err)
			}
		})
	}
}

func decoded(t testing.TB, text string) (v any) {
	t.Helper()
	if text != "" {
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
	return v
}

func TestUnexpectedAnswers(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]Class{
		`[]`: Transient, `null`: Transient, `{}`: Transient, `[{},{},{}]`: Transient, `[{}`: Transient, ``: Transient, `<html>`: Outage,
	} {
		t.Run(body, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.answers("PATCH "+root+"/composite/sobjects", 200, body)
			_, err := b.Update(t.Context(), "Lead", make([]Record, 2), WriteOptions{})
			if e := asError(t, err); e.Class() != want || e.IsRejection() {
				t.Errorf("error = %v, class %v, want %v", e, e.Class(), want)
			}
		})
	}
}

func TestCallsThatAreNotSent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if results, err := b.Update(t.Context(), "Lead", nil, WriteOptions{}); err != nil || len(results) != 0 {
		t.Errorf("Update() of no records = %v, %v", results, err)
	}
	if _, err := b.Update(t.Context(), "Lead", make([]Record, 201), WriteOptions{}); !asError(t, err).Permanent() || !asError(t, err).Unsent() {
		t.Errorf("Update() of too many records: %v", err)
	}
	if _, err := b.Update(t.Context(), "Lead", []Record{{"N": math.NaN()}}, WriteOptions{}); !asError(t, err).IsRejection() || strings.Contains(err.Error(), "NaN") {
		t.Errorf("Update() with a value that JSON cannot represent: %v", err)
	}
	if b.logins.Load() != 0 {
		t.Error("the client logged in")
	}
}

func TestRetrieve(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answers("POST "+root+"/composite/sobjects/Lead", 200, `[null,{"attributes":{"type":"Lead"},"Id":"b"}]`)
	got, err := b.Retrieve(t.Context(), "Lead", []string{"a", "b"}, []string{"Id"})
	if diff := cmp.Diff([]Record{nil, {"Id": "b"}}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func BenchmarkEncode200(b *testing.B) {
	records := make([]Record, 200)
	for n := range records {
		records[n] = Record{"Id": fmt.Sprintf("00Q%012dAAA", n), "Company": "Example and Sons", "Status": "Qualified", "Open__c": true}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encode("Lead", records); err != nil {
			b.Fatal(err)
		}
	}
}
