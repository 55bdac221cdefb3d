package worker

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/jobs"
	"crmsync/worker/engine"
)

// eventWorker passes jobs of one kind to the engine.
type eventWorker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	pool  *Pool
	event func(T) engine.Event
}

// Work passes the event to the engine and translates the result for River.
func (w *eventWorker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	return w.pool.work(ctx, job.JobRow, w.event(job.Args))
}

// Timeout leaves the time limit of an attempt to the engine, whose limit costs less than River's: River would start a
// goroutine and two timers for each job. River's rescuer asks for the limit too, of jobs that were left running.
func (w *eventWorker[T]) Timeout(job *river.Job[T]) time.Duration {
	if limit := w.pool.config.JobTimeout; job.AttemptedAt == nil || time.Since(*job.AttemptedAt) >= limit {
		return limit
	}
	return -1 // none
}

// unreadableWorker dead-letters deliveries that cannot be decoded, so that they are alerted.
type unreadableWorker struct {
	river.WorkerDefaults[jobs.UnreadableArgs]
	pool *Pool
}

// Work always fails permanently.
func (w *unreadableWorker) Work(ctx context.Context, job *river.Job[jobs.UnreadableArgs]) error {
	event := engine.Event{JobID: job.ID, Attempt: job.Attempt, Type: job.Kind, ReceivedAt: job.Args.ReceivedAt}
	return w.pool.fail(ctx, job.JobRow, event, &unreadableError{job.Args.Reason})
}

func (p *Pool) register(workers *river.Workers) error {
	return errors.Join(
		river.AddWorkerSafely(workers, &eventWorker[jobs.ColumnUpdateArgs]{pool: p, event: columnUpdate}),
		river.AddWorkerSafely(workers, &eventWorker[jobs.ItemCreateArgs]{pool: p, event: itemCreate}),
		river.AddWorkerSafely(workers, &eventWorker[jobs.ItemRenameArgs]{pool: p, event: itemRename}),
		river.AddWorkerSafely(workers, &eventWorker[jobs.ItemDeleteArgs]{pool: p, event: itemDelete}),
		river.AddWorkerSafely(workers, &eventWorker[jobs.ItemRestoreArgs]{pool: p, event: itemRestore}),
		river.AddWorkerSafely(workers, &eventWorker[jobs.ItemResyncArgs]{pool: p, event: itemResync}),
		river.AddWorkerSafely(workers, &migrateWorker{pool: p}),
		river.AddWorkerSafely(workers, &sweepWorker{pool: p}),
		river.AddWorkerSafely(workers, &reconcileWorker{pool: p}),
		river.AddWorkerSafely(workers, &unreadableWorker{pool: p}),
	)
}

func columnUpdate(args jobs.ColumnUpdateArgs) engine.Event {
	event := eventOf(engine.Updated, args.Event)
	event.ColumnID, event.ColumnType = args.ColumnID, args.ColumnType
	event.Value, event.ChangedAt = args.Value, args.ChangedAt
	return event
}

func itemCreate(args jobs.ItemCreateArgs) engine.Event {
	event := eventOf(engine.Created, args.Event)
	event.Name = args.Name
	return event
}

func itemRename(args jobs.ItemRenameArgs) engine.Event {
	event := eventOf(engine.Renamed, args.Event)
	event.Name = args.Name
	return event
}

func itemDelete(args jobs.ItemDeleteArgs) engine.Event { return eventOf(engine.Deleted, args.Event) }

func itemRestore(args jobs.ItemRestoreArgs) engine.Event { return eventOf(engine.Restored, args.Event) }

func itemResync(args jobs.ItemResyncArgs) engine.Event {
	return engine.Event{
		Kind: engine.Resync, Type: args.Kind(), BoardID: args.BoardID, ItemID: args.ItemID,
		Force: args.Force, Release: args.Release, Chosen: args.Chosen, Read: args.Read,
	}
}

// eventOf returns what the events of all kinds have in common.
func eventOf(kind engine.Kind, e jobs.Event) engine.Event {
	return engine.Event{
		Kind: kind, Type: e.Type, BoardID: e.BoardID, ItemID: e.ItemID, UserID: e.UserID,
		TriggeredAt: e.TriggeredAt, ReceivedAt: e.ReceivedAt, Redelivered: e.Redelivered,
	}
}

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
