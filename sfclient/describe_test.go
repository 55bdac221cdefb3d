package sfclient

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribe(t *testing.T) {
	t.Parallel()
	const modified = "Wed, 21 Oct 2026 07:28:00 GMT"
	client, mux := setup(t)
	logins(mux)
	var since []string
	mux.HandleFunc("GET "+base+"/sobjects/{object}/describe", func(w http.ResponseWriter, r *http.Request) {
		if since = append(since, r.Header.Get("If-Modified-Since")); since[len(since)-1] == modified {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Last-Modified", modified)
		answerJSON(w, http.StatusOK, `{"name":"Lead","label":"Lead","fields":[{"name":"Status","label":"Lead Status","type":"picklist","length":255,
			"createable":true,"updateable":true,"nillable":false,"defaultedOnCreate":true,"externalId":false,"unique":false,
			"restrictedPicklist":true,"picklistValues":[{"active":true,"defaultValue":true,"label":"Offen","value":"Open"}]},
			{"name":"Key__c","externalId":true,"unique":true,"nillable":true,"type":"string"}]}`)
	})
	want := &Object{Name: "Lead", Fields: []Field{
		{Name: "Status", Label: "Lead Status", Type: "picklist", Length: 255, Createable: true, Updateable: true, DefaultedOnCreate: true,
			RestrictedPicklist: true, Picklist: []PicklistValue{{Value: "Open", Label: "Offen", Active: true, Default: true}}},
		{Name: "Key__c", Type: "string", ExternalID: true, Unique: true, Nillable: true},
	}}
	for _, name := range []string{"Lead", "lead"} {
		got, err := client.Describe(t.Context(), name)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("Describe(%s) = %v (-want +got):\n%s", name, err, diff)
		}
	}
	if diff := cmp.Diff([]string{"", modified}, since); diff != "" {
		t.Errorf("If-Modified-Since (-want +got):\n%s", diff)
	}
}

func TestDescribeUnknownObject(t *testing.T) {
	t.Parallel()
	client, mux := setup(t)
	logins(mux)
	mux.HandleFunc("GET "+base+"/sobjects/{object}/describe", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusNotFound, `[{"errorCode":"NOT_FOUND","message":"The requested resource does not exist"}]`)
	})
	_, err := client.Describe(t.Context(), "Nothing__c")
	if e, ok := errors.AsType[*Error](err); !ok || e.Class() != Gone {
		t.Errorf("Describe = %v, want class gone", err)
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	client, mux := setup(t)
	logins(mux)
	mux.HandleFunc("GET "+base+"/limits", func(w http.ResponseWriter, r *http.Request) {
		answerJSON(w, http.StatusOK, `{"DailyApiRequests":{"Max":15000,"Remaining":14998,"Some App":{"Max":0,"Remaining":0}}}`)
	})
	got, err := client.Limits(t.Context())
	if diff := cmp.Diff(map[string]Limit{"DailyApiRequests": {Max: 15000, Remaining: 14998}}, got); diff != "" || err != nil {
		t.Errorf("Limits = %v (-want +got):\n%s", err, diff)
	}
}
