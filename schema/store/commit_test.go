package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

func logged(job int64, status string) store.Log {
	return store.Log{JobID: job, Event: "update_name", BoardID: board, ItemID: 1, Status: status, Attempt: 1, Response: map[string]any{"was": status}, ReceivedAt: time.Now()}
}

// TestLogPrecedence checks which end of an event is kept if two are stored: a worker may die before it completes the
// job.
func TestLogPrecedence(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ first, second, want string }{
		"done, then nothing left to do": {"success", "unchanged", "success"},
		"done, then skipped":            {"success", "skipped", "success"},
		"done again":                    {"success", "success", "success"},
		"done, then failed":             {"success", "failed", "failed"},
		"failed, then replayed":         {"failed", "success", "success"},
		"failed, then unchanged":        {"failed", "unchanged", "unchanged"},
		"skipped, then done":            {"skipped", "success", "success"},
	}
	w := setup(t)
	holder, job := uuid.New(), int64(0)
	for name, tt := range tests {
		job++
		for _, status := range []string{tt.first, tt.second} {
			if status == "failed" {
				f := store.Failure{JobID: job, Event: "update_name", Class: "permanent", Code: "X", Message: "no", ReceivedAt: time.Now(), Final: true}
				if err := w.LogFailure(t.Context(), f); err != nil {
					t.Fatal(err)
				}
				continue
			}
			w.claim(holder, 1)
			w.save(holder, store.Commit{Items: items(&ledger.Item{ID: 1}), Logs: []store.Log{logged(job, status)}})
		}
		if got := ask[string](w, "SELECT status FROM sync_logs WHERE job_id = $1", job); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

func TestSaveLost(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	w.claim(holder, 1, 2)
	w.claim(uuid.New(), 3)
	other := logged(30, "success")
	other.ItemID = 3
	unclaimed := logged(40, "skipped")
	unclaimed.ItemID, unclaimed.Unclaimed = 99, true
	lost := w.save(holder, store.Commit{
		Items: items(&ledger.Item{ID: 1, Name: "a"}, &ledger.Item{ID: 2, Name: "b"}, &ledger.Item{ID: 3, Name: "c"}),
		Links: []*ledger.Link{{ItemID: 1, Record: "r", Object: "Lead"}, {ItemID: 3, Record: "r", Object: "Lead"}},
		Logs:  []store.Log{logged(10, "success"), other, unclaimed},
	})
	got := map[string]any{
		"lost": lost, "names": ask[string](w, "SELECT string_agg(name, ',' ORDER BY item_id) FROM items"),
		"links": ask[string](w, "SELECT string_agg(item_id::text, ',') FROM links"),
		"logs":  ask[string](w, "SELECT string_agg(job_id::text, ',' ORDER BY job_id) FROM sync_logs"),
		"held":  ask[string](w, "SELECT string_agg(item_id::text, ',') FROM items WHERE lease_holder IS NOT NULL"),
	}
	want := map[string]any{"lost": []int64{3}, "names": "a,b,", "links": "1", "logs": "10,40", "held": "3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
}

// TestSaveWhole: if a part of a batch fails, nothing of the batch is stored.
func TestSaveWhole(t *testing.T) {
	t.Parallel()
	w := setup(t)
	holder := uuid.New()
	w.claim(holder, 1)
	if _, err := w.Lease(t.Context(), holder, []string{"k"}, time.Minute); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the queue is broken")
	wait := store.Wait{Ref: ledger.Ref{BoardID: board, ItemID: 1}, Target: ledger.RecordRef{ItemID: 1, Record: "r"}}
	_, err := w.Save(t.Context(), holder, store.Commit{
		Items: items(&ledger.Item{ID: 1, Name: "a"}), Keys: []string{"k"}, Appeared: true, Waits: []store.Wait{wait},
		Links:   []*ledger.Link{{ItemID: 1, Record: "r", Object: "Lead", SalesforceID: "X"}},
		Requeue: func(context.Context, pgx.Tx, []ledger.Ref) error { return broken },
	})
	if !errors.Is(err, broken) {
		t.Fatalf("error %v", err)
	}
	if n := ask[int](w, "SELECT (SELECT count(*) FROM links) + (SELECT count(*) FROM waits) + (SELECT count(*) FROM items WHERE name <> '' OR lease_holder IS NULL)"); n != 0 {
		t.Errorf("%d rows are kept", n)
	}
}

// TestWaitsRace saves a record and the wait for it at the same time, many times: exactly one of them settles the wait.
func TestWaitsRace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	for round := range int64(40) {
		target, waiting := 2*round+1, 2*round+2
		var mu sync.Mutex
		var requeued []ledger.Ref
		requeue := func(_ context.Context, _ pgx.Tx, items []ledger.Ref) error {
			mu.Lock()
			defer mu.Unlock()
			requeued = append(requeued, items...)
			return nil
		}
		var wait sync.WaitGroup
		wait.Go(func() {
			holder := uuid.New()
			w.claim(holder, target)
			link := &ledger.Link{ItemID: target, Record: "account", Object: "Account", SalesforceID: "A"}
			w.save(holder, store.Commit{Items: items(&ledger.Item{ID: target}), Links: []*ledger.Link{link}, Appeared: true, Requeue: requeue})
		})
		wait.Go(func() {
			holder := uuid.New()
			w.claim(holder, waiting)
			open := store.Wait{Ref: ledger.Ref{BoardID: board, ItemID: waiting}, Target: ledger.RecordRef{ItemID: target, Record: "account"}}
			other := store.Wait{Ref: open.Ref, Target: ledger.RecordRef{ItemID: 99_999, Record: "account"}}
			w.save(holder, store.Commit{Items: items(&ledger.Item{ID: waiting}), Waits: []store.Wait{open, open, other}, Requeue: requeue})
		})
		wait.Wait()
		if diff := cmp.Diff([]ledger.Ref{{BoardID: board, ItemID: waiting}}, requeued); diff != "" {
			t.Fatalf("round %d: compared again (-want +got):\n%s", round, diff)
		}
	}
	if n := ask[int](w, "SELECT count(*) FROM waits WHERE target_item_id <> 99999"); n != 0 {
		t.Errorf("%d waits are left", n)
	}
}
