package e2e

import (
	"fmt"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	mondaysim "crmsync/internal/sim/monday"
	"crmsync/jobs"
	"crmsync/schema/schematest"
)

// Together calls act and makes its events run in one batch: it keeps the queue busy with an item that does not exist
// until all of them are waiting. It needs Monday's deliveries and one serving process, with nothing else going on.
func (w *World) Together(board int64, act func()) {
	w.T.Helper()
	busy, release := make(chan struct{}), make(chan struct{})
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()
	reached := sync.OnceFunc(func() { close(busy) })
	w.Monday.OnCall(func(mondaysim.Call) *mondaysim.Fault {
		reached()
		<-release
		return nil
	})
	w.Deliver(fmt.Sprintf(`{"event":{"type":"create_pulse","boardId":%d,"pulseId":1,`+
		`"pulseName":"x","triggerUuid":"busy %d"}}`,
		board, time.Now().UnixNano()))
	w.Eventually("the queue is busy", func() bool {
		select {
		case <-busy:
			return true
		default:
			return false
		}
	})
	act()
	w.Eventually("all events are waiting in the queue", func() bool {
		return w.Monday.Pending() == 0 && w.Count("SELECT count(*) FROM river_job WHERE state IN ('available', "+
			"'retryable', 'scheduled')") == 0
	})
	w.Monday.OnCall(nil)
	goOn()
	w.Quiet()
}

// Resync queues a resync of an item.
func (w *World) Resync(args jobs.ItemResyncArgs) {
	w.T.Helper()
	client, err := river.NewClient(riverpgxv5.New(w.DB), &river.Config{})
	if err != nil {
		w.T.Fatal(err)
	}
	if _, err := client.Insert(w.T.Context(), args, nil); err != nil {
		w.T.Fatal(err)
	}
}

// DeadLetters returns the reasons of an item's dead letters, oldest first.
func (w *World) DeadLetters(item int64) []string {
	w.T.Helper()
	return schematest.Ask[[]string](w.T, w.DB, `SELECT coalesce(array_agg(reason ORDER BY job_id), '{}')
		FROM dead_letters WHERE (args->>'item_id')::bigint = $1`, item)
}

// Writes returns how many calls so far wrote to Salesforce.
func (w *World) Writes() (calls int) {
	for operation, n := range w.Salesforce.Calls() {
		switch operation {
		case "create", "update", "upsert", "delete":
			calls += n
		}
	}
	return calls
}
