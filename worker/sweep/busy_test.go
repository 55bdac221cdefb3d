package sweep_test

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/retry"
	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/worker/reserve"
)

// TestChosenForBusyItems: a person's choice for an item that another worker had is carried out once the item is free.
func TestChosenForBusyItems(t *testing.T) {
	t.Parallel()
	w := setup(t)
	items := w.create(2)
	w.run(w.add("apply", store.SweepOptions{}))
	name := func(item int64) any { return w.contacts()[fmt.Sprint(item)]["LastName"] }
	for _, record := range w.contacts() {
		w.salesforce.Update("Contact", record["Id"].(string), map[string]any{"LastName": "Changed"})
	}
	w.exec("UPDATE items SET lease_holder = gen_random_uuid(), lease_until = now() + interval '1 minute' WHERE item_id = $1", items[1])
	all := w.run(w.add("apply", store.SweepOptions{Enforce: true}))
	if all.Busy != 1 || name(items[0]) != "Person 0" || name(items[1]) != "Changed" {
		t.Errorf("%+v, %v and %v", all, name(items[0]), name(items[1]))
	}
	queued := w.jobs()
	again, ok := queued[len(queued)-1].(jobs.SweepBoardArgs)
	if !ok {
		t.Fatalf("queued: %v", queued)
	}
	if s := w.sweep(again.SweepID); !slices.Equal(s.Options.Items, items[1:]) || !s.Options.Enforce || s.State != "running" {
		t.Errorf("the sweep of what was busy: %+v", s)
	}
	var busy *retry.BusyError
	if done, err := w.page(again.SweepID); done || !errors.As(err, &busy) {
		t.Errorf("while the item is busy: done %t, %v", done, err)
	}
	w.exec("UPDATE items SET lease_holder = NULL, lease_until = NULL")
	if s := w.run(again.SweepID); s.State != "done" || name(items[1]) != "Person 1" {
		t.Errorf("once it is free: %+v, %v", s, name(items[1]))
	}
}

// TestNamedItemsAndReserve: a few named items are not bulk work, which the reserve stops.
func TestNamedItemsAndReserve(t *testing.T) {
	t.Parallel()
	w := setup(t)
	items := w.create(1)
	w.Reserve = &reserve.Reserve{
		Usage: func() (int, int) { return 100, 100 }, Budget: func() mondayclient.Budget { return mondayclient.Budget{} }, Salesforce: 15, Now: time.Now,
	}
	var hold *reserve.HoldError
	many := make([]int64, 101)
	for n := range many {
		many[n] = items[0] + int64(n)
	}
	for _, options := range []store.SweepOptions{{}, {Items: many}} {
		if done, err := w.page(w.add("apply", options)); done || !errors.As(err, &hold) {
			t.Errorf("%d items: done %t, %v", len(options.Items), done, err)
		}
	}
	if s := w.run(w.add("apply", store.SweepOptions{Items: items})); s.State != "done" || len(w.contacts()) != 1 {
		t.Errorf("one named item: %+v", s)
	}
}

// TestGivesWay: a page waits while many live events are processed, but not forever.
func TestGivesWay(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.create(1)
	var looks atomic.Int64
	w.Patience, w.Busy = time.Hour, func() bool {
		if n := w.monday.TotalCalls(); n > 0 {
			t.Errorf("%d calls to Monday while there are many events", n)
		}
		return looks.Add(1) < 5
	}
	if s := w.run(w.add("apply", store.SweepOptions{})); s.State != "done" || looks.Load() != 5 {
		t.Errorf("%+v after %d looks", s, looks.Load())
	}
	w.Patience, w.Busy = time.Millisecond, func() bool { return true }
	if s := w.run(w.add("apply", store.SweepOptions{})); s.State != "done" {
		t.Errorf("while events keep coming: %+v", s)
	}
}
