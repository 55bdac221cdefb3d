package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"

	"crmsync/internal/batch"
	"crmsync/jobs"
	"crmsync/schema/postgres"
	"crmsync/schema/queue"
)

// Queue is the part of package queue that ingest uses.
type Queue interface {
	Insert(ctx context.Context, maxAttempts int, jobs []queue.Job) error
	Queued(ctx context.Context, jobs []queue.Job) (map[queue.Key]bool, error)
}

// slowAttempts is how many times a group is inserted the slow way while other processes insert some of its keys.
const slowAttempts = 3

// slowFor is how long groups are inserted the slow way after a group with a repeated delivery: repeats come together,
// for example when Monday repeats the deliveries of an outage.
const slowFor = 5 * time.Second

// inserter puts groups of deliveries into the queue.
type inserter struct {
	Queue
	maxAttempts int
	within      time.Duration // time limit of a group, with all attempts
	quota       *quota
	now         func() time.Time
	log         *slog.Logger

	slowUntil atomic.Int64 // Unix nanoseconds
}

// newInserts returns the batcher of inserts. Equal keys are never in two statements at the same time: these would wait
// for each other's locks and could deadlock.
func newInserts(c Config, q *quota) *batch.Batcher[delivery, outcome] {
	i := &inserter{Queue: c.Queue, maxAttempts: c.MaxAttempts, within: c.AnswerWithin * 4 / 5, quota: q, now: c.Now,
		log: c.Log}
	return batch.New(batch.Config[delivery]{
		Max: 500, Concurrency: 2, Full: 32, Within: c.AnswerWithin,
		Key:     func(d delivery) int64 { return int64(binary.NativeEndian.Uint64(d.job.Key[:])) },
		Dropped: func(d delivery) { d.body.release() },
	}, i.group)
}

// group inserts each key once: a statement with the same key twice fails as a whole. A commit whose outcome is unknown
// counts as failed: Monday repeats the delivery, and the key shows whether it is stored.
func (i *inserter) group(ctx context.Context, in []delivery) []outcome {
	ctx, cancel := context.WithTimeout(ctx, i.within)
	defer cancel()
	defer func() {
		for _, d := range in {
			d.body.release()
		}
	}()
	first := make(map[queue.Key]int, len(in))
	places := make([]int, len(in))
	unique := make([]delivery, 0, len(in))
	for n, d := range in {
		place, seen := first[d.job.Key]
		if !seen {
			place = len(unique)
			first[d.job.Key] = place
			unique = append(unique, d)
		}
		places[n] = place
	}
	fates := i.insert(ctx, unique)
	out := make([]outcome, len(in))
	for n, place := range places {
		out[n] = fates[place]
		if fates[place] == accepted {
			fates[place] = duplicate // for the next delivery of the same key
		}
	}
	return out
}

// insert stores a group in one transaction. If Postgres rejects it because of some deliveries, insert halves the group
// until those are isolated, so that the others go through.
func (i *inserter) insert(ctx context.Context, group []delivery) []outcome {
	out, err := i.store(ctx, group)
	switch {
	case err == nil:
		return out
	case len(group) > 1 && (isRejected(err) || conflict(err)):
		half := len(group) / 2
		return append(i.insert(ctx, group[:half]), i.insert(ctx, group[half:])...)
	case isRejected(err) && group[0].job.Kind != jobs.KindUnreadable:
		d := group[0]
		if o := i.quota.take(ctx, len(d.body.bytes)); o != "" {
			return []outcome{o}
		}
		return i.insert(ctx, []delivery{unreadableDelivery(d.body, "not storable: "+brief(err), d.received)})
	}
	if isRejected(err) {
		err = errors.New(brief(err)) // its message may quote a payload
	}
	i.log.ErrorContext(ctx, "could not store webhooks", "count", len(group), "error", postgres.Wrap("inserting", err))
	out = make([]outcome, len(group))
	for n := range out {
		out[n] = unavailable
	}
	return out
}

// store inserts a group in one transaction. The fast way is to insert it at once, which fails if one of the keys is
// stored already. The slow way is to ask which of them are.
func (i *inserter) store(ctx context.Context, group []delivery) ([]outcome, error) {
	all := make([]queue.Job, len(group))
	for n, d := range group {
		all[n] = d.job
	}
	now := i.now().UnixNano()
	if now >= i.slowUntil.Load() && !slices.ContainsFunc(group, func(d delivery) bool { return d.isRepeat }) {
		err := i.Insert(ctx, i.maxAttempts, all)
		if err == nil {
			return outcomes(group, nil), nil
		}
		if !isTaken(err) {
			return nil, err
		}
		i.slowUntil.Store(now + int64(slowFor))
	}
	for attempt := 1; ; attempt++ {
		stored, err := i.insertNew(ctx, all)
		if err == nil {
			return outcomes(group, stored), nil
		}
		if !isTaken(err) || attempt == slowAttempts {
			return nil, err
		}
	}
}

// insertNew inserts those jobs whose keys are not stored, and returns which keys were.
func (i *inserter) insertNew(ctx context.Context, all []queue.Job) (stored map[queue.Key]bool, err error) {
	if stored, err = i.Queued(ctx, all); err != nil {
		return nil, err
	}
	var fresh []queue.Job
	for _, j := range all {
		if !stored[j.Key] {
			fresh = append(fresh, j)
		}
	}
	if len(fresh) == 0 {
		return stored, nil
	}
	return stored, i.Insert(ctx, i.maxAttempts, fresh)
}

// outcomes returns the outcomes of a committed group, some of whose keys were stored before.
func outcomes(group []delivery, stored map[queue.Key]bool) []outcome {
	out := make([]outcome, len(group))
	for n, d := range group {
		switch {
		case stored[d.job.Key]:
			out[n] = duplicate
		case d.job.Kind == jobs.KindUnreadable:
			out[n] = unreadable
		default:
			out[n] = accepted
		}
	}
	return out
}

// isTaken reports whether the error means that a key is stored already.
func isTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == pgerrcode.UniqueViolation
}

// isRejected reports whether the data is at fault, so that a retry would fail too: jsonb does not accept it (NUL, lone
// surrogates, oversized numbers, deep nesting).
func isRejected(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (pgerrcode.IsDataException(e.Code) || pgerrcode.IsProgramLimitExceeded(e.Code))
}

// conflict reports whether a concurrent statement made this one fail, such as that of another ingest that received the
// same events in another order.
func conflict(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgerrcode.IsTransactionRollback(e.Code)
}

// brief returns an error without the messages that may quote a payload.
func brief(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return "SQLSTATE " + e.Code
	}
	return err.Error()
}
