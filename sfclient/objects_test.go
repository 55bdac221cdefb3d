package sfclient

import (
	"net/http"
	"slices"
	"testing"
)

func TestObjectNames(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mux.HandleFunc("GET "+root+"/sobjects", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 200, `{"encoding":"UTF-8","sobjects":[{"name":"Account"},{"name":"Monday_Project__c"}]}`)
	})
	names, err := b.ObjectNames(t.Context())
	if err != nil || !slices.Equal(names, []string{"Account", "Monday_Project__c"}) {
		t.Errorf("objects %q, error %v", names, err)
	}
}

func TestObjectNamesDenied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mux.HandleFunc("GET "+root+"/sobjects", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, 403, `[{"errorCode":"API_DISABLED_FOR_ORG","message":"x"}]`)
	})
	names, err := b.ObjectNames(t.Context())
	if e := asError(t, err); e.Code != "API_DISABLED_FOR_ORG" || names != nil {
		t.Errorf("objects %q, error %v", names, err)
	}
}
