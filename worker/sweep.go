package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/reserve"
	"crmsync/worker/sweep"
)

// sweepPatience is how long a page of a comparison waits at most while the worker has many live events.
const sweepPatience = 10 * time.Second

// sweepWorker runs sweeps.
type sweepWorker struct {
	river.WorkerDefaults[jobs.SweepBoardArgs]
	pool *Pool
}

// Work continues a sweep.
func (w *sweepWorker) Work(ctx context.Context, job *river.Job[jobs.SweepBoardArgs]) error {
	p, event := w.pool, &engine.Event{JobID: job.ID, Attempt: job.Attempt, Type: job.Kind, ReceivedAt: job.CreatedAt,
		BoardID: job.Args.BoardID}
	end := store.JobEnd{ID: job.ID, Kind: job.Kind, Attempt: job.Attempt, CreatedAt: job.CreatedAt}
	done, err := p.sweeper.Work(ctx, job.Args.SweepID, end, time.Now().Add(p.config.JobTimeout/2))
	if event.BoardID == 0 { // of an earlier version
		found, err := p.store.Sweeps(ctx, []int64{job.Args.SweepID})
		if err == nil && len(found) > 0 { // only for the log and the metrics
			event.BoardID = found[0].BoardID
		}
	}
	switch {
	case done:
		p.metric.countEnd(job.Kind, string(engine.Success), event.BoardID)
		p.config.Log.LogAttrs(ctx, slog.LevelInfo, "comparison done", attributes(job.JobRow, event)...)
		return nil
	case err == nil, errors.Is(ctx.Err(), context.Canceled):
		return river.JobSnooze(0)
	}
	if hold, ok := errors.AsType[*reserve.HoldError](err); ok {
		p.config.Log.Info("comparison waiting", "job", job.ID, "reason", hold.Error(), "wait",
			hold.Wait.Round(time.Second).String())
	}
	return p.failSession(ctx, job.JobRow, event, longRun{
		storeWait: func(ctx context.Context, reason string, wait time.Duration) error {
			return p.store.SweepWaits(ctx, job.Args.SweepID, reason, wait)
		},
		storeFailure: func(ctx context.Context, reason string) error {
			return p.store.FailSweep(ctx, job.Args.SweepID, reason)
		},
	}, err)
}

// reconcileWorker starts a comparison of every board.
type reconcileWorker struct {
	river.WorkerDefaults[jobs.ReconcileArgs]
	pool *Pool
}

// Work queues a sweep for each board that is not already being compared. A sweep waits only for those that were queued
// before it begins.
func (w *reconcileWorker) Work(ctx context.Context, job *river.Job[jobs.ReconcileArgs]) error {
	p := w.pool
	for _, board := range mapping.Ordered(p.config.Mapping.Boards) {
		next, err := store.Sweep{BoardID: board.ID, Board: board.Name, Kind: "reconcile", Mapped: board.Made()}, error(nil)
		if job.Args.Recent {
			next, err = p.sweeper.Recent(ctx, board)
		}
		if err == nil {
			_, err = p.store.AddSweep(ctx, next, p.QueueSweep)
		}
		if err != nil && !errors.Is(err, store.ErrSweeping) {
			return p.fail(ctx, job.JobRow, &engine.Event{JobID: job.ID, Attempt: job.Attempt, Type: job.Kind,
				ReceivedAt: job.CreatedAt, BoardID: board.ID}, err)
		}
	}
	return p.store.LogJobEnd(ctx, store.JobEnd{ID: job.ID, Kind: job.Kind, Attempt: job.Attempt, CreatedAt: job.CreatedAt})
}

// QueueSweep queues the job of a sweep in the transaction.
func (p *Pool) QueueSweep(ctx context.Context, tx pgx.Tx, w store.Sweep) error {
	return jobs.Insert(ctx, p.client, tx, jobs.SweepBoardArgs{SweepID: w.ID, BoardID: w.BoardID})
}

// queueAll queues jobs, each given by its arguments.
func (p *Pool) queueAll(ctx context.Context, tx pgx.Tx, all []any) error {
	queued := make([]river.JobArgs, len(all))
	for n, args := range all {
		queued[n] = args.(river.JobArgs)
	}
	return jobs.Insert(ctx, p.client, tx, queued...)
}

func (p *Pool) newSweeper(monday *mondayclient.Client, r *reserve.Reserve) *sweep.Sweeper {
	c := p.config
	return sweep.New(sweep.Config{
		Mapping: c.Mapping, Store: p.store, Engine: p.engine, Monday: monday, Queue: p.queueAll, Reserve: r,
		Timeout: c.JobTimeout, Log: c.Log, Now: time.Now, Busy: p.engine.IsBusy,
		Patience: min(sweepPatience, c.JobTimeout/4),
	})
}
