package sfclient

import (
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDuplicates(t *testing.T) {
	t.Parallel()
	const found = `[{"duplicateResut":{"matchResults":[{"matchRecords":[{"record":{"Id":"003000000000001"}}]}]},"errorCode":"DUPLICATES_DETECTED"}]`
	type outcome struct {
		Found  []string
		Result Result
		Class  Class
		Failed bool
	}
	tests := map[string]struct {
		key, value, line string
		options          WriteOptions
		header           string
		status           int
		body             string
		want             outcome
	}{
		"refused": {
			line: "POST /sobjects/Lead", header: "allowSave=false; includeRecordDetails=true", status: 400, body: found,
			want: outcome{Found: []string{"003000000000001AAA"}, Class: Duplicate, Failed: true},
		},
		"created": {
			line: "POST /sobjects/Lead", header: "allowSave=true; includeRecordDetails=true", status: 201, body: `{"id":"x","success":true}`,
			options: WriteOptions{AllowDuplicates: true}, want: outcome{Result: Result{ID: "x", Success: true, Created: true}},
		},
		"created by key": {
			key: "k__C", value: "7", line: "PATCH /sobjects/Lead/k__C/7", header: "allowSave=false; includeRecordDetails=true",
			status: 201, body: `{"id":"x","success":true}`, want: outcome{Result: Result{ID: "x", Success: true, Created: true}},
		},
		"updated by key": {
			key: "K__c", value: "a/b?c", line: "PATCH /sobjects/Lead/K__c/a%2Fb%3Fc", header: "allowSave=false; includeRecordDetails=true",
			status: 200, body: `{"id":"x","success":true,"created":false}`, want: outcome{Result: Result{ID: "x", Success: true}},
		},
		"no body": {
			key: "K__c", value: "..", line: "PATCH /sobjects/Lead/K__c/%2E%2E", header: "allowSave=false; includeRecordDetails=true",
			status: 204, want: outcome{Result: Result{Success: true}},
		},
		"several": {
			key: "K__c", value: "7", line: "PATCH /sobjects/Lead/K__c/7", header: "allowSave=false; includeRecordDetails=true",
			status: 300, body: `["/a/001000000000001"]`, want: outcome{Found: []string{"001000000000001AAA"}, Class: Duplicate, Failed: true},
		},
		"something else": {
			line: "POST /sobjects/Lead", header: "allowSave=false; includeRecordDetails=true", status: 400,
			body: `[{"errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName"]}]`, want: outcome{Class: Permanent, Failed: true},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.mux.HandleFunc("/services/data/", func(w http.ResponseWriter, r *http.Request) {
				if got := r.Method + " " + r.RequestURI[len(root):]; got != tt.line {
					t.Errorf("request %s, want %s", got, tt.line)
				}
				if got := r.Header.Get("Sforce-Duplicate-Rule-Header"); got != tt.header {
					t.Errorf("duplicate rule header %q, want %q", got, tt.header)
				}
				if got := r.Header.Get("Sforce-Auto-Assign"); got != "FALSE" {
					t.Errorf("assignment header %q, want FALSE", got)
				}
				if body, _ := io.ReadAll(r.Body); string(body) != `{"Name":"N"}` {
					t.Errorf("body %s", body)
				}
				if tt.status == http.StatusNoContent {
					w.WriteHeader(tt.status)
					return
				}
				reply(w, tt.status, tt.body)
			})
			record := Record{"Name": "N", "Id": "x"}
			if tt.key != "" {
				record["K__c"] = tt.value
			}
			found, result, err := b.Duplicates(t.Context(), "Lead", tt.key, record, tt.options)
			got := outcome{Found: found, Result: result, Failed: err != nil}
			if err != nil {
				got.Class = asError(t, err).Class()
			}
			if diff := cmp.Diff(tt.want, got, withoutAt); diff != "" {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestDuplicatesWithoutItsKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if _, _, err := b.Duplicates(t.Context(), "Lead", "K__c", Record{"Name": "N"}, WriteOptions{}); !asError(t, err).Permanent() {
		t.Errorf("error = %v, want a permanent error", err)
	}
	if b.logins.Load() != 0 {
		t.Error("the client logged in")
	}
}
