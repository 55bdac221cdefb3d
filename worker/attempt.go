package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/internal/advice"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker/engine"
)

// keepWithin limits how long storing a failed attempt may take.
const keepWithin = 5 * time.Second

// work makes one attempt of an event.
func (p *Pool) work(ctx context.Context, row *rivertype.JobRow, event *engine.Event) error {
	err := p.leave(ctx, event, row.CreatedAt)
	if err == nil {
		event.Done = func(outcome engine.Outcome) { p.finish(ctx, row, event, outcome) }
		_, err = p.engine.Do(ctx, event)
	}
	if err != nil {
		return p.fail(ctx, row, event, err)
	}
	return nil
}

// finish counts and logs an attempt that succeeded. It runs in the goroutine of the batch: the one of the job would
// have to grow its stack for the line, and would wait for those of the same batch that write theirs.
func (p *Pool) finish(ctx context.Context, row *rivertype.JobRow, event *engine.Event, outcome engine.Outcome) {
	p.metric.countEnd(row.Kind, string(outcome), event.BoardID)
	if p.config.Log.Enabled(ctx, slog.LevelInfo) {
		p.config.Log.LogAttrs(ctx, slog.LevelInfo, "event done",
			attributes(row, event, slog.String("outcome", string(outcome)))...)
	}
}

// fail decides what a failed attempt means, and stores it if it counts as one.
func (p *Pool) fail(ctx context.Context, row *rivertype.JobRow, event *engine.Event, err error) error {
	says := verdict(err, row)
	if says.snooze > 0 {
		if now, before := waitsFor(err), queue.WaitsFor(row.Metadata); now != before {
			// Queue.Wake finds the job by this output. RecordOutput fails outside a River worker, as in tests.
			_ = river.RecordOutput(ctx, queue.WaitFor(now))
		}
		p.metric.countEnd(row.Kind, "snoozed", event.BoardID)
		p.config.Log.LogAttrs(ctx, slog.LevelDebug, "event waits",
			attributes(row, event, slog.Duration("wait", says.snooze), slog.String("error", err.Error()))...)
		return says.err
	}
	final := says.cancel || row.Attempt >= row.MaxAttempts
	f := describe(err)
	f.Final, f.JobID, f.Attempt, f.ReceivedAt = final, row.ID, row.Attempt, event.ReceivedAt
	f.Event, f.BoardID, f.ItemID, f.ColumnID = event.Type, event.BoardID, event.ItemID, event.ColumnID
	keeping, cancel := lasting(ctx)
	defer cancel()
	if logging := p.store.LogFailure(keeping, f); logging != nil {
		p.config.Log.LogAttrs(ctx, slog.LevelError, "could not store a failed attempt",
			attributes(row, event, slog.String("error", logging.Error()))...)
	}
	outcome, level := "retried", slog.LevelWarn
	if final {
		outcome, level = string(engine.Failed), slog.LevelError
	}
	p.metric.countEnd(row.Kind, outcome, event.BoardID)
	p.metric.countFailure(f.Code, event.BoardID)
	p.config.Log.LogAttrs(ctx, level, "event failed",
		attributes(row, event, slog.String("outcome", outcome), slog.String("code", f.Code),
			slog.String("error", err.Error()))...)
	return says.err
}

// recordPanic stores an attempt that ended in a panic, without the panic's value, which may be a customer's.
func (p *Pool) recordPanic(ctx context.Context, row *rivertype.JobRow, value any, trace string) {
	var about struct {
		BoardID int64 `json:"board_id"`
		ItemID  int64 `json:"item_id"`
	}
	if err := json.Unmarshal(row.EncodedArgs, &about); err != nil {
		p.config.Log.Warn("could not read the arguments of a job", "job", row.ID, "kind", row.Kind)
	}
	f := store.Failure{
		JobID: row.ID, Attempt: row.Attempt, Event: row.Kind, System: advice.Own, Class: "panic", Code: "PANIC",
		Message: fmt.Sprintf("panic: %T", value), Trace: trace, ReceivedAt: row.CreatedAt,
		Final: row.Attempt >= row.MaxAttempts, BoardID: about.BoardID, ItemID: about.ItemID,
	}
	keeping, cancel := lasting(ctx)
	defer cancel()
	if err := p.store.LogFailure(keeping, f); err != nil {
		p.config.Log.Error("could not store a panic", "job", row.ID, "error", err)
	}
	p.metric.countEnd(row.Kind, "panicked", f.BoardID)
	p.metric.countFailure(f.Code, f.BoardID)
	p.config.Log.Error("job panicked", "job", row.ID, "kind", row.Kind, "board", f.BoardID, "item", f.ItemID,
		"attempt", row.Attempt, "trace", trace)
}

// lasting returns a context that outlives the attempt: the outcome is stored even if the attempt ran out of time.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), keepWithin)
}

// attributes returns the fields of an attempt's only log line.
func attributes(row *rivertype.JobRow, event *engine.Event, more ...slog.Attr) []slog.Attr {
	return append(append(make([]slog.Attr, 0, 8+len(more)),
		slog.Int64("job", row.ID), slog.String("kind", row.Kind), slog.String("event", event.Type),
		slog.Int64("board", event.BoardID), slog.Int64("item", event.ItemID), slog.String("column", event.ColumnID),
		slog.Int("attempt", row.Attempt), slog.Duration("age", time.Since(row.CreatedAt))), more...)
}
