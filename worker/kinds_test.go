package worker

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"crmsync/jobs"
	"crmsync/worker/engine"
)

// TestDecode: each kind's arguments become the event that they describe.
func TestDecode(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 27, 6, 0, 0, 0, time.UTC)
	webhook := jobs.Event{Key: "k", Type: "an_event", BoardID: 1, ItemID: 2, UserID: -4, TriggeredAt: at, ReceivedAt: at.Add(time.Second),
		Redelivered: true}
	event := func(kind engine.Kind, e engine.Event) engine.Event {
		e.JobID, e.Attempt, e.Kind = 7, 3, kind
		e.Type, e.BoardID, e.ItemID, e.UserID, e.TriggeredAt, e.ReceivedAt, e.Redelivered = "an_event", 1, 2, -4, at, at.Add(time.Second), true
		return e
	}
	value := json.RawMessage(`{"value":"x"}`)
	decodes(t, newEventWorker(nil, (*jobs.ColumnUpdateArgs).ReadJSON, columnUpdate),
		jobs.ColumnUpdateArgs{Event: webhook, ColumnID: "c", ColumnType: "text", Value: value, ChangedAt: 1.5},
		event(engine.Updated, engine.Event{ColumnID: "c", ColumnType: "text", Value: value, ChangedAt: 1.5}))
	decodes(t, newEventWorker(nil, readArgs, itemCreate), jobs.ItemCreateArgs{Event: webhook, Name: "n"}, event(engine.Created, engine.Event{Name: "n"}))
	decodes(t, newEventWorker(nil, readArgs, itemRename), jobs.ItemRenameArgs{Event: webhook, Name: "n"}, event(engine.Renamed, engine.Event{Name: "n"}))
	decodes(t, newEventWorker(nil, readArgs, itemDelete), jobs.ItemDeleteArgs{Event: webhook}, event(engine.Deleted, engine.Event{}))
	decodes(t, newEventWorker(nil, readArgs, itemRestore), jobs.ItemRestoreArgs{Event: webhook}, event(engine.Restored, engine.Event{}))
	decodes(t, newEventWorker(nil, readArgs, itemResync), jobs.ItemResyncArgs{BoardID: 1, ItemID: 2, Force: true, Release: true, Chosen: true, Read: true},
		engine.Event{JobID: 7, Attempt: 3, Kind: engine.Resync, Type: jobs.KindItemResync, BoardID: 1, ItemID: 2, ReceivedAt: created,
			Force: true, Release: true, Chosen: true, Read: true})
}

var created = time.Date(2026, 11, 27, 5, 0, 0, 0, time.UTC)

func decodes[T river.JobArgs](t *testing.T, w *eventWorker[T], args T, want engine.Event) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.decode(&rivertype.JobRow{ID: 7, Attempt: 3, CreatedAt: created, EncodedArgs: text})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Errorf("%s: want (-), got (+):\n%s", args.Kind(), diff)
	}
}

// TestUndecodable: arguments that cannot be decoded fail the attempt with encoding/json's error, and River does not
// decode them itself.
func TestUndecodable(t *testing.T) {
	t.Parallel()
	w := setup(t)
	p := &Pool{config: Config{Log: quiet}, store: w.Store}
	workers := river.NewWorkers()
	if err := p.register(workers); err != nil {
		t.Fatal(err)
	}
	client, err := river.NewClient(riverpgxv5.New(w.db), &river.Config{
		Queues: map[string]river.QueueConfig{jobs.QueueEvents: {MaxWorkers: 10}}, Workers: workers, ErrorHandler: errorHandler{p}, Logger: quiet,
		RetryPolicy: backoff{base: time.Hour, max: time.Hour}, FetchPollInterval: 10 * time.Millisecond, FetchCooldown: 5 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := []string{jobs.KindColumnUpdate, jobs.KindItemCreate, jobs.KindItemRename, jobs.KindItemDelete, jobs.KindItemRestore, jobs.KindItemResync}
	w.exec(`INSERT INTO river_job (kind, args, queue, max_attempts) SELECT unnest($1::text[]), '{"item_id": "seven"}', 'events', 3`, kinds)
	if err := client.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.until("all attempts failed", "SELECT bool_and(state = 'retryable' AND attempt = 1) FROM river_job")
	stopping, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
	defer cancel()
	if err := client.Stop(stopping); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		got := ask[string](w, "SELECT errors[1]->>'error' FROM river_job WHERE kind = $1", kind)
		if want := undecodable[kind].Error(); got != want {
			t.Errorf("%s: error %q, want %q", kind, got, want)
		}
	}
	if n := ask[int](w, "SELECT count(*) FROM sync_logs"); n != 0 {
		t.Errorf("%d rows in the log, want none: the job's own errors say it", n)
	}
}

// undecodable is what encoding/json says about an item's id that is a string, by kind of job.
var undecodable = map[string]error{
	jobs.KindColumnUpdate: json.Unmarshal([]byte(`{"item_id": "seven"}`), new(jobs.ColumnUpdateArgs)),
	jobs.KindItemCreate:   json.Unmarshal([]byte(`{"item_id": "seven"}`), new(jobs.ItemCreateArgs)),
	jobs.KindItemRename:   json.Unmarshal([]byte(`{"item_id": "seven"}`), new(jobs.ItemRenameArgs)),
	jobs.KindItemDelete:   json.Unmarshal([]byte(`{"item_id": "seven"}`), new(jobs.ItemDeleteArgs)),
	jobs.KindItemRestore:  json.Unmarshal([]byte(`{"item_id": "seven"}`), new(jobs.ItemRestoreArgs)),
	jobs.KindItemResync:   json.Unmarshal([]byte(`{"item_id": "seven"}`), new(jobs.ItemResyncArgs)),
}

// TestMiddleware: an attempt is made without the rest of River's chain, which decodes the arguments.
func TestMiddleware(t *testing.T) {
	t.Parallel()
	w := newEventWorker(&Pool{}, readArgs, itemDelete)
	row := &rivertype.JobRow{EncodedArgs: []byte(`[]`)}
	for _, m := range w.Middleware(row) {
		err := m.Work(t.Context(), row, func(context.Context) error {
			t.Error("River goes on with the job")
			return nil
		})
		if err == nil {
			t.Error("no error of the arguments")
		}
	}
	if len(w.Middleware(row)) != 1 {
		t.Errorf("%d middlewares, want 1", len(w.Middleware(row)))
	}
}
