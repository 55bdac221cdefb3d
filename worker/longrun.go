package worker

import (
	"context"
	"errors"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/internal/retry"
	"crmsync/worker/engine"
	"crmsync/worker/reserve"
	"crmsync/worker/sweep"
)

// longRun is an import or a comparison. It takes longer than an attempt may: each attempt is a session of it, and the
// job is snoozed at no cost until the run is done.
type longRun struct {
	storeWait    func(ctx context.Context, reason string, wait time.Duration) error
	storeFailure func(ctx context.Context, reason string) error
}

// failSession decides what the error of a session means for its job. It stores why a run waits, and that a run has
// failed if there is no further attempt.
func (p *Pool) failSession(ctx context.Context, row *rivertype.JobRow, event *engine.Event, r longRun,
	err error) error {
	if hold, ok := errors.AsType[*reserve.HoldError](err); ok && p.config.Waiting != nil {
		p.config.Waiting(event.BoardID, hold.Error(), time.Now().Add(hold.Wait))
	}
	if isToldWait(err) {
		if err := r.storeWait(ctx, err.Error(), retry.After(err)); err != nil {
			p.config.Log.Warn("could not store why a run waits", "job", row.ID, "kind", row.Kind, "error", err)
		}
	}
	failed := p.fail(ctx, row, event, err)
	if isSnoozed(failed) || !retry.Permanent(err) && row.Attempt < row.MaxAttempts {
		return failed
	}
	storing, cancel := lasting(ctx)
	defer cancel()
	if err := r.storeFailure(storing, err.Error()); err != nil {
		p.config.Log.Error("could not store that a run failed", "job", row.ID, "kind", row.Kind, "error", err)
	}
	return failed
}

// isToldWait reports whether status and the console show that a run waits because of the error.
func isToldWait(err error) bool {
	_, holds := errors.AsType[*reserve.HoldError](err)
	_, behind := errors.AsType[*sweep.BehindError](err)
	return holds || behind
}

func isSnoozed(err error) bool {
	_, ok := errors.AsType[*river.JobSnoozeError](err)
	return ok
}
