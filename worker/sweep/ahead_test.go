package sweep_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/schema/store"
)

// TestReadAhead: the next page is read while the current one is compared, and each page is read once. Salesforce
// answers the first page's writes only when Monday was asked for the second page.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.create(501)
	second := make(chan struct{})
	var once sync.Once
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "next_items_page") {
			once.Do(func() { close(second) })
		}
		return nil
	})
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Has("upsert", "") || c.Has("create", "") {
			select {
			case <-second:
			case <-time.After(10 * time.Second):
				t.Error("the second page was not asked for while the first was compared")
				return &sfsim.Fault{Status: http.StatusInternalServerError}
			}
		}
		return nil
	})
	id, calls := w.add("apply", store.SweepOptions{}), w.calls()
	end := store.JobEnd{ID: id, Kind: "sweep_board", Attempt: 1, CreatedAt: time.Now()}
	if done, err := w.Work(t.Context(), id, end, time.Now().Add(time.Hour)); !done || err != nil {
		t.Fatalf("done %t, %v", done, err)
	}
	if s := w.sweep(id); s.Pages != 2 || s.Items != 501 || s.State != "done" {
		t.Errorf("at the end: %+v", s)
	}
	if got := calls(); got[1] != 2 {
		t.Errorf("%d calls to Monday, want one for each page", got[1])
	}
}

// TestReadAheadExpires: if a page cannot be read ahead because Monday no longer knows the cursor, the board starts
// again.
func TestReadAheadExpires(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.create(501)
	var once sync.Once
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "next_items_page") {
			once.Do(func() { w.ahead(61 * time.Minute) })
		}
		return nil
	})
	id := w.add("apply", store.SweepOptions{})
	end := store.JobEnd{ID: id, Kind: "sweep_board", Attempt: 1, CreatedAt: time.Now()}
	if done, err := w.Work(t.Context(), id, end, time.Now().Add(time.Hour)); !done || err != nil {
		t.Fatalf("done %t, %v", done, err)
	}
	if s := w.sweep(id); s.Pages != 2 || s.Items != 501 || s.State != "done" {
		t.Errorf("at the end: %+v", s)
	}
	if n := len(w.contacts()); n != 501 {
		t.Errorf("%d records, want 501", n)
	}
}
