package sfclient

import (
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
		reply(w, 200, `{"name":"Lead","keyPrefix":"00Q","fields":[{"name":"Status","type":"picklist","length":9,"createable":true,"externalId":true,
			"calculated":true,"restrictedPicklist":true,"picklistValues":[{"value":"v","label":"l","active":true}]}]}`)
	})
	want := &Object{Name: "Lead", KeyPrefix: "00Q", Fields: []Field{{
		Name: "Status", Type: "picklist", Length: 9, Createable: true, Calculated: true, ExternalID: true, RestrictedPicklist: true,
		Picklist: []PicklistValue{{Value: "v", Label: "l", Active: true}},
	}}}
	for range 2 {
		got, err := b.Describe(t.Context(), "Lead")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
	}
	if full != 1 {
		t.Errorf("%d full descriptions, want 1", full)
	}
}

func TestShapeOfObject(t *testing.T) {
	t.Parallel()
	o := &Object{Name: "Contact", KeyPrefix: "003", Fields: []Field{{Name: "IsPersonAccount"}}}
	if !o.Has("ispersonaccount") || o.Has("MasterRecordId") {
		t.Error("Has() is wrong")
	}
	for id, want := range map[string]bool{
		"003000000000001": true, "003000000000001AAA": true, "001000000000001": false, "003": false, "": false,
	} {
		if got := o.Fits(id); got != want {
			t.Errorf("Fits(%q) = %v, want %v", id, got, want)
		}
	}
}

// transport answers without a network, since a synctest bubble cannot wait for one.
type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestShapeIsAskedOnceAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked, down, gone atomic.Int64
		c := offline(t, func(w http.ResponseWriter, r *http.Request) {
			asked.Add(1)
			time.Sleep(time.Second) // let the others start meanwhile
			if down.Load() > 0 {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			if gone.Load() > 0 {
				reply(w, 404, `[{"errorCode":"NOT_FOUND"}]`)
				return
			}
			reply(w, 200, `{"name":"Lead","keyPrefix":"00Q","fields":[{"name":"LastName"}]}`)
		})
		shape := func(calls int64) {
			t.Helper()
			var all sync.WaitGroup
			for range 5 {
				all.Go(func() {
					if o, err := c.Shape(t.Context(), "Lead"); err != nil || o.KeyPrefix != "00Q" {
						t.Errorf("Shape() = %v, %v", o, err)
					}
				})
			}
			all.Wait()
			if got := asked.Load(); got != calls {
				t.Errorf("%d calls, want %d", got, calls)
			}
		}
		shape(1)
		time.Sleep(shapeLife - time.Minute)
		shape(1)
		time.Sleep(2 * time.Minute)
		shape(2)
		down.Store(1)
		time.Sleep(shapeLife)
		shape(3) // the last known description
		shape(3)
		time.Sleep(shapeRetry)
		shape(4)
		down.Store(0)
		gone.Store(1)
		time.Sleep(shapeRetry)
		if o, err := c.Shape(t.Context(), "Lead"); err != nil || o.Has("LastName") || !o.Has("IsConverted") {
			t.Errorf("Shape() of an object that no longer exists = %v, %v", o, err)
		}
		gone.Store(0)
		time.Sleep(shapeRetry)
		if o, err := c.Shape(t.Context(), "Lead"); err != nil || !o.Has("LastName") {
			t.Errorf("Shape() of an object that is back = %v, %v", o, err)
		}
	})
}

// TestShapeThatWasNeverKnown: an object that is not described has what is standard, for a minute. Other errors are
// returned.
func TestShapeThatWasNeverKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for object, prefix := range map[string]string{"Lead": "00Q", "contact": "003", "Grant__c": ""} {
		b.answers("GET "+root+"/sobjects/"+object+"/describe", 404, `[{"errorCode":"NOT_FOUND"}]`)
		o, err := b.Shape(t.Context(), object)
		if err != nil || o.Name != object || o.KeyPrefix != prefix || !o.Has("IsDeleted") || o.Has("IsConverted") != (object == "Lead") {
			t.Errorf("Shape(%s) = %v, %v", object, o, err)
		}
	}
	b.answers("GET "+root+"/sobjects/Account/describe", 403, `[{"errorCode":"API_DISABLED_FOR_ORG"}]`)
	if o, err := b.Shape(t.Context(), "Account"); o != nil || asError(t, err).Code != "API_DISABLED_FOR_ORG" {
		t.Errorf("Shape() = %v, %v", o, err)
	}
}
