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
	"crmsync/schema/postgres"
)

// Inserter is the part of River's client that ingest uses.
type Inserter interface {
	InsertMany(ctx context.Context, params []river.InsertManyParams) ([]*rivertype.JobInsertResult, error)
	InsertManyFast(ctx context.Context, params []river.InsertManyParams) (int, error)
}

// slowFor is how long groups are inserted the slow way after a group with a repeated delivery: repeats come together,
// for example when Monday repeats the deliveries of an outage.
const slowFor = 5 * time.Second

// inserter puts groups of deliveries into the queue.
type inserter struct {
	Inserter
	within time.Duration // time limit of a group, with all attempts
	quota  *quota
	now    func() time.Time
	log    *slog.Logger

	slowUntil atomic.Int64 // Unix nanoseconds
}

// newInserts returns the batcher of inserts. Equal keys are never in two statements at the same time: these would wait
// for each other's locks and could deadlock.
func newInserts(c Config, q *quota) *batch.Batcher[delivery, outcome] {
	seed := maphash.MakeSeed()
	i := &inserter{Inserter: c.Insert, within: c.AnswerWithin * 4 / 5, quota: q, now: c.Now, log: c.Log}
	return batch.New(batch.Config[delivery]{
		Max: 500, Concurrency: 2, Full: 32, Within: c.AnswerWithin,
		Key:     func(d delivery) int64 { return int64(maphash.String(seed, d.key)) },
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
			fates[place] = duplicate // for the next delivery of the same key
		}
	}
	return out
}

// insert stores a group in one transaction. If Postgres rejects it because of some deliveries, insert halves the group
// until those are isolated, so that the others go through.
func (i *inserter) insert(ctx context.Context, group []delivery) []outcome {
	params := make([]river.InsertManyParams, len(group))
	for n, d := range group {
		params[n].Args = d.args
	}
	out, err := i.store(ctx, group, params)
	switch {
	case err == nil:
		return out
	case len(group) > 1 && (isRejected(err) || conflict(err)):
		half := len(group) / 2
		return append(i.insert(ctx, group[:half]), i.insert(ctx, group[half:])...)
	case isRejected(err) && group[0].args.Kind() != jobs.KindUnreadable:
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

// store inserts a group in one transaction. The fast way is a COPY, which fails if one of the keys is stored already.
// The slow way reports which keys were.
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

// outcomes returns the outcomes of a committed group. Without results, all its keys were new.
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

// isTaken reports whether the error means that a key is stored already.
func isTaken(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == pgerrcode.UniqueViolation
}

// isRejected reports whether the data is at fault, so that a retry would fail too: it cannot be encoded, or jsonb does
// not accept it (NUL, lone surrogates, oversized numbers, deep nesting).
func isRejected(err error) bool {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pgerrcode.IsDataException(e.Code) || pgerrcode.IsProgramLimitExceeded(e.Code)
	}
	_, ok := errors.AsType[*json.MarshalerError](err)
	return ok
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
	if e, ok := errors.AsType[*json.MarshalerError](err); ok {
		return fmt.Sprintf("encoding %v", e.Type)
	}
	return err.Error()
}
