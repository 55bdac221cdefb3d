package e2e

import (
	"fmt"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	mondaysim "crmsync/internal/sim/monday"
	"crmsync/jobs"
	"crmsync/schema/schematest"
)

// Together calls act and makes its events run in one batch: it keeps the engine busy with an item that does not exist
// until all of them wait for their batch. It needs Monday's deliveries and one serving process, with nothing else going
// on.
func (w *World) Together(board int64, act func()) {
	w.T.Helper()
	w.Eventually("running workers have logged in", w.loggedIn) // a login must not be taken for the busy item's read
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
	w.Eventually("the engine is busy", func() bool {
		select {
		case <-busy:
			return true
		default:
			return false
		}
	})
	act()
	w.Eventually("all events wait for their batch", func() bool {
		return w.Monday.Pending() == 0 && w.Count("SELECT count(*) FROM river_job WHERE state IN ('available', "+
			"'retryable', 'scheduled')") == 0 &&
			w.waiting() == w.Count("SELECT count(*) FROM river_job WHERE queue = 'events' AND state = 'running'")-1
	})
	w.Monday.OnCall(nil)
	goOn()
	w.Quiet()
}

// waiting returns how many events the serving process has taken from the queue that wait for their batch.
func (w *World) waiting() int {
	w.T.Helper()
	found := regexp.MustCompile(`(?m)^crmsync_batch_waiting_events (\d+)$`).FindStringSubmatch(w.Scrape())
	if found == nil {
		w.T.Fatal("no crmsync_batch_waiting_events in the metrics")
	}
	n, err := strconv.Atoi(found[1])
	if err != nil {
		w.T.Fatal(err)
	}
	return n
}

// Paused calls act while the events' queue is paused, and then resumes it.
func (w *World) Paused(act func()) {
	w.T.Helper()
	const pause = "INSERT INTO river_queue (name, created_at, updated_at, paused_at) VALUES ($1, now(), now(), now())"
	w.Exec(pause, jobs.QueueEvents)
	act()
	client, err := river.NewClient(riverpgxv5.New(w.DB), &river.Config{})
	if err == nil {
		err = client.QueueResume(w.T.Context(), jobs.QueueEvents, nil)
	}
	if err != nil {
		w.T.Fatal(err)
	}
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
