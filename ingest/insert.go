package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
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
}

// inserter puts groups of deliveries into the queue.
type inserter struct {
	Inserter
	within time.Duration // bounds one group, with all attempts
	quota  *quota
	log    *slog.Logger
}

// newInserts returns the batcher of inserts. Two equal keys are never in two statements at once: those would
// wait for each other's locks, and could deadlock.
func newInserts(c Config, q *quota) *batch.Batcher[delivery, outcome] {
	seed := maphash.MakeSeed()
	return batch.New(batch.Config[delivery]{
		Max: 500, Concurrency: 2, Full: 32,
		Key:     func(d delivery) int64 { return int64(maphash.String(seed, d.key)) },
		Dropped: func(d delivery) { d.body.release() },
	}, inserter{c.Insert, c.AnswerWithin * 4 / 5, q, c.Log}.group)
}

// group inserts each key once: a statement that names one twice fails as a whole. A commit whose outcome is unknown
// counts as not made: Monday delivers again, and the key tells.
func (i inserter) group(ctx context.Context, in []delivery) []outcome {
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
func (i inserter) insert(ctx context.Context, group []delivery) []outcome {
	params := make([]river.InsertManyParams, len(group))
	for n, d := range group {
		params[n].Args = d.args
	}
	results, err := i.InsertMany(ctx, params)
	switch {
	case err == nil:
		return outcomes(results)
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
	out := make([]outcome, len(group))
	for n := range out {
		out[n] = unavailable
	}
	return out
}

func outcomes(results []*rivertype.JobInsertResult) []outcome {
	out := make([]outcome, len(results))
	for n, r := range results {
		switch {
		case r.UniqueSkippedAsDuplicate:
			out[n] = duplicate
		case r.Job.Kind == jobs.KindUnreadable:
			out[n] = unreadable
		default:
			out[n] = accepted
		}
	}
	return out
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
