package worker

import (
	"context"
	"encoding/json"
	"errors"
	"unique"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/jobs"
	"crmsync/worker/engine"
)

// eventWorker passes jobs of one kind to the engine.
type eventWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	pool  *Pool
	read  func(args *T, text []byte) error
	event func(*T) *engine.Event
	chain []rivertype.WorkerMiddleware
}

func newEventWorker[T river.JobArgs](p *Pool, read func(*T, []byte) error,
	event func(*T) *engine.Event) *eventWorker[T] {
	w := &eventWorker[T]{pool: p, read: read, event: event}
	w.chain = []rivertype.WorkerMiddleware{river.WorkerMiddlewareFunc(w.attempt)}
	return w
}

// Middleware takes the attempt out of River's hands before River decodes the arguments: a goroutine keeps the stack
// that encoding/json needs for as long as it waits for its batch, and thousands wait. River would also set a time limit
// for the attempt, and start a goroutine and two timers for it. The engine's limit costs less.
func (w *eventWorker[T]) Middleware(*rivertype.JobRow) []rivertype.WorkerMiddleware { return w.chain }

// attempt passes the event to the engine and translates the result for River. Arguments that cannot be decoded fail the
// attempt, as they do if River decodes them.
func (w *eventWorker[T]) attempt(ctx context.Context, row *rivertype.JobRow, _ func(context.Context) error) error {
	event, err := w.decode(row)
	if err != nil {
		return err
	}
	return w.pool.work(ctx, row, event)
}

// decode returns the event of a job. It is separate, so that a waiting job's stack does not contain it.
//
//go:noinline
func (w *eventWorker[T]) decode(row *rivertype.JobRow) (*engine.Event, error) {
	var args T
	if err := w.read(&args, row.EncodedArgs); err != nil {
		return nil, err
	}
	event := w.event(&args)
	event.JobID, event.Attempt = row.ID, row.Attempt
	if event.ReceivedAt.IsZero() {
		event.ReceivedAt = row.CreatedAt
	}
	return event, nil
}

// Work is what River would call if the middleware passed the job on.
func (w *eventWorker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	return w.attempt(ctx, job.JobRow, nil)
}

// unreadableWorker dead-letters deliveries that cannot be decoded, so that they are alerted.
type unreadableWorker struct {
	river.WorkerDefaults[jobs.UnreadableArgs]
	pool *Pool
}

// Work always fails permanently.
func (w *unreadableWorker) Work(ctx context.Context, job *river.Job[jobs.UnreadableArgs]) error {
	event := &engine.Event{JobID: job.ID, Attempt: job.Attempt, Type: job.Kind, ReceivedAt: job.Args.ReceivedAt}
	return w.pool.fail(ctx, job.JobRow, event, &unreadableError{job.Args.Reason})
}

func (p *Pool) register(workers *river.Workers) error {
	return errors.Join(
		river.AddWorkerSafely(workers, newEventWorker(p, (*jobs.ColumnUpdateArgs).ReadJSON, columnUpdate)),
		river.AddWorkerSafely(workers, newEventWorker(p, readArgs, itemCreate)),
		river.AddWorkerSafely(workers, newEventWorker(p, readArgs, itemRename)),
		river.AddWorkerSafely(workers, newEventWorker(p, readArgs, itemDelete)),
		river.AddWorkerSafely(workers, newEventWorker(p, readArgs, itemRestore)),
		river.AddWorkerSafely(workers, newEventWorker(p, readArgs, itemResync)),
		river.AddWorkerSafely(workers, &migrateWorker{pool: p}),
		river.AddWorkerSafely(workers, &sweepWorker{pool: p}),
		river.AddWorkerSafely(workers, &reconcileWorker{pool: p}),
		river.AddWorkerSafely(workers, &unreadableWorker{pool: p}),
	)
}

func readArgs[T river.JobArgs](args *T, text []byte) error { return json.Unmarshal(text, args) }

func columnUpdate(args *jobs.ColumnUpdateArgs) *engine.Event {
	event := eventOf(engine.Updated, &args.Event)
	event.ColumnID, event.ColumnType = shared(args.ColumnID), shared(args.ColumnType)
	event.Value, event.ChangedAt = args.Value, args.ChangedAt
	return event
}

func itemCreate(args *jobs.ItemCreateArgs) *engine.Event {
	event := eventOf(engine.Created, &args.Event)
	event.Name = args.Name
	return event
}

func itemRename(args *jobs.ItemRenameArgs) *engine.Event {
	event := eventOf(engine.Renamed, &args.Event)
	event.Name = args.Name
	return event
}

func itemDelete(args *jobs.ItemDeleteArgs) *engine.Event { return eventOf(engine.Deleted, &args.Event) }

func itemRestore(args *jobs.ItemRestoreArgs) *engine.Event {
	return eventOf(engine.Restored, &args.Event)
}

func itemResync(args *jobs.ItemResyncArgs) *engine.Event {
	return &engine.Event{
		Kind: engine.Resync, Type: args.Kind(), BoardID: args.BoardID, ItemID: args.ItemID,
		Force: args.Force, Release: args.Release, Chosen: args.Chosen, Read: args.Read,
	}
}

// eventOf returns what the events of all kinds have in common.
func eventOf(kind engine.Kind, e *jobs.Event) *engine.Event {
	return &engine.Event{
		Kind: kind, Type: shared(e.Type), BoardID: e.BoardID, ItemID: e.ItemID, UserID: e.UserID,
		TriggeredAt: e.TriggeredAt, ReceivedAt: e.ReceivedAt, Redelivered: e.Redelivered,
	}
}

// shared returns a copy of a text that occurs in many events, which have it in common. The text itself may be a part of
// the whole arguments, which the event then does not keep.
func shared(text string) string { return unique.Make(text).Value() }

// errorHandler stores the attempt of a job that panicked.
type errorHandler struct{ pool *Pool }

// HandleError leaves the error unchanged: it was stored where it was returned.
func (errorHandler) HandleError(context.Context, *rivertype.JobRow, error) *river.ErrorHandlerResult {
	return nil
}

// HandlePanic stores the failed attempt.
func (h errorHandler) HandlePanic(ctx context.Context, row *rivertype.JobRow, value any,
	trace string) *river.ErrorHandlerResult {
	h.pool.recordPanic(ctx, row, value, trace)
	return nil
}
