package outage_test

import (
	"net/http"
	"sync"
	"testing"

	"crmsync/internal/e2e"
	"crmsync/internal/stage"
)

// TestOrgMoves moves the org to another host while the program is running: the next login finds it, and no event fails.
func TestOrgMoves(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int  // that the old host answers with
		closed bool // the old host refuses connections
	}{
		"redirect": {status: http.StatusFound},
		"page":     {status: http.StatusNotFound},
		"refused":  {status: http.StatusNotFound, closed: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t)
			before, leave := host(w)
			w.Salesforce.Move(before, http.StatusNotFound)
			w.Start("ingest")
			w.Subscribe()
			w.Start("worker")
			item := w.Lead("Before", "Engines")
			w.Quiet()
			now, _ := host(w)
			w.Salesforce.Move(now, tt.status)
			if tt.closed {
				leave()
			}
			w.Monday.SetColumn(item, "amount", "7")
			later := w.Lead("Later", "Engines")
			w.Quiet()
			unscathed(w)
			w.Holds(w.Record("Opportunity", item), map[string]any{"Amount": 7.0})
			w.Record("Opportunity", later)
		})
	}
}

// host serves the simulated org at a separate host until leave is called.
func host(w *e2e.World) (url string, leave func()) {
	w.T.Helper()
	url, stop, err := stage.Host("127.0.0.1:0", w.Salesforce)
	if err != nil {
		w.T.Fatal(err)
	}
	leave = sync.OnceFunc(func() {
		if err := stop(); err != nil {
			w.T.Error(err)
		}
	})
	w.T.Cleanup(leave)
	return url, leave
}
