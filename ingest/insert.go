package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"crmsync/internal/batch"
	"crmsync/jobs"
)

// Inserter is the part of River's client that ingest needs.
type Inserter interface {
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	InsertManyFast(ctx context.Context, params []river.InsertManyParams) (int, error)
}

// slowFor is how long groups are inserted the slow way after one that met a repeat: repeats come together, as when Monday
// delivers again what an outage kept out.
const slowFor = 5 * time.Second

// inserter puts groups of deliveries into the queue.
type inserter struct {
	Inserter
	within time.Duration // bounds one group, with all attempts
	quota  *quota
	now    func() time.Time
	log    *slog.Logger

	slowUntil atomic.Int64 // Unix nanoseconds
}

// newInserts returns the batcher of inserts. Two equal keys are never in two statements at once: those would
// wait for each other's locks, and could deadlock.
func newInserts(c Config, q *quota) *batch.Batcher[delivery, outcome] {
	seed := maphash.MakeSeed()
	i := &inserter{Inserter: c.Insert, within: c.AnswerWithin * 4 / 5, quota: q, now: c.Now, log: c.Log}
	return batch.New(batch.Config[delivery]{
		Max: 500, Concurrency: 2, Full: 32,
		Key:     func(d delivery) int64 { return int64(maphash.String(seed, d.key)) },
		Dropped: func(d delivery) { d.body.release() },
	}, i.group)
}

// group inserts each key once: a statement that names one twice fails as a whole. A commit whose outcome is unknown
// counts as not made: Monday delivers again, and the key tells.
func (i *inserter) group(ctx context.Context, in []delivery) []outcome {
	ctx, cancel := context.WithTimeout(ctx, i.within)
	defer cancel()
	defer func() {
		for _, d := range in {
			d.body.release()
		}
	}()
	type id struct{ kind, key string }
	first := make(map[id]int, len(in))
	places := make([]int, len(in))
	unique := make([]delivery, 0, len(in))
	for n, d := range in {
		k := id{d.args.Kind(), d.key}
		place, seen := first[k]
		if !seen {
			place = len(unique)
			first[k] = place
			unique = append(unique, d)
		}
		places[n] = place
	}
	fates := i.insert(ctx, unique)
	out := make([]outcome, len(in))
	for n, place := range places {
		out[n] = fates[place]
		if fates[place] == accepted {
			fates[place] = duplicate // for the next of the same key
		}
	}
	return out
}

// insert stores all in one transaction. Where Postgres refuses that because of some, it halves the group until those
// stand alone, so that the others go through.
func (i *inserter) insert(ctx context.Context, group []delivery) []outcome {
	params := make([]river.InsertManyParams, len(group))
	for n, d := range group {
		params[n].Args = d.args
	}
	out, err := i.store(ctx, group, params)
	switch {
	case err == nil:
		return out
	case len(group) > 1 && (refused(err) || conflict(err)):
		half := len(group) / 2
		return append(i.insert(ctx, group[:half]), i.insert(ctx, group[half:])...)
	case refused(err) && group[0].args.Kind() != jobs.KindUnreadable:
		d := group[0]
		if o := i.quota.take(ctx, len(d.body.bytes)); o != "" {
			return []outcome{o}
		}
		return i.insert(ctx, []delivery{unreadableDelivery(d.body, "not storable: "+brief(err), d.received)})
	}
	i.log.ErrorContext(ctx, "inserting webhooks", "count", len(group), "error", brief(err))
	out = make([]outcome, len(group))
	for n := range out {
		out[n] = unavailable
	}
	return out
}

// store inserts a group in one transaction. The fast way copies the rows and hears nothing of them; it fails where one of
// the keys is there already. The slow way tells which.
func (i *inserter) store(ctx context.Context, group []delivery, params []river.InsertManyParams) ([]outcome, error) {
	now := i.now().UnixNano()
	if now >= i.slowUntil.Load() && !slices.ContainsFunc(group, func(d delivery) bool { return d.isRepeat }) {
		_, err := i.InsertManyFast(ctx, params)
		if err == nil {
			return outcomes(group, nil), nil
		}
		if !isTaken(err) {
			return nil, err
		}
		i.slowUntil.Store(now + int64(slowFor))
	}
	results, err := i.InsertMany(ctx, params)
	if err != nil {
		return nil, err
	}
	return outcomes(group, results), nil
}

// outcomes are those of a group that was committed. No results: none of the keys was there before.
func outcomes(group []delivery, results []*rivertype.JobInsertResult) []outcome {
	out := make([]outcome, len(group))
	for n, d := range group {
		switch {
		case results != nil && results[n].UniqueSkippedAsDuplicate:
			out[n] = duplicate
		case d.args.Kind() == jobs.KindUnreadable:
			out[n] = unreadable
		default:
			out[n] = accepted
		}
	}
	return out
}

// isTaken reports whether a key is there already.
func isTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == pgerrcode.UniqueViolation
}

// refused reports whether the data is at fault, and will be again: it cannot be encoded, or jsonb does not take it
// (NUL, lone surrogates, numbers that are too big, nesting that is too deep).
func refused(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgerrcode.IsDataException(e.Code) || pgerrcode.IsProgramLimitExceeded(e.Code)
	}
	_, ok := errors.AsType[*json.MarshalerError](err)
	return ok
}

// conflict reports whether the statement lost against another one, such as that of another ingest which was sent the
// same events in another order.
func conflict(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgerrcode.IsTransactionRollback(e.Code)
}

// brief leaves out the messages that may quote a payload.
func brief(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return "SQLSTATE " + e.Code
	}
	if e, ok := errors.AsType[*json.MarshalerError](err); ok {
		return fmt.Sprintf("encoding %v", e.Type)
	}
	return err.Error()
}
