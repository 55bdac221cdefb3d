package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Hour is what happened in an hour.
type Hour struct {
	Start                               time.Time
	Success, Unchanged, Skipped, Failed int
	Lags                                []int // synced events by time since delivery; LagBounds has the buckets
	Queued                              int64 // maximum number of events that waited at once
	Oldest                              float64
	SalesforceUsed, SalesforceLimit     *int // calls in 24 hours; nil: not known
	MondayUsed, MondayLimit             *int // calls in the day of UTC
}

// Events returns how many events ended.
func (h Hour) Events() int { return h.Success + h.Unchanged + h.Skipped + h.Failed }

// LagBounds are the upper bounds of the buckets of Lags, in seconds; the last bucket has none.
func LagBounds() []float64 {
	bounds := make([]float64, 16)
	for n := range bounds {
		bounds[n] = 0.025 * float64(int(1)<<n) // 25 ms to about 14 min
	}
	return bounds
}

// Sample is what is measured of the present.
type Sample struct {
	Queued                          int64
	Oldest                          time.Duration
	SalesforceUsed, SalesforceLimit int // limit 0: not known
	MondayUsed, MondayLimit         int // limit 0: not known
}

// countDelay is how long after its time the end of an event may become visible, since its transaction commits later.
const countDelay = 5 * time.Second

// MeasureHour adds to the present hour the events that ended since the last call, and a sample. Any number of callers
// count each event once.
func (s *Store) MeasureHour(ctx context.Context, m Sample) error {
	const begin = `
		INSERT INTO hours (hour, counted_to)
		SELECT h, coalesce(greatest((SELECT max(counted_to) FROM hours), h - interval '1 hour'), h)
		FROM   date_trunc('hour', now() - $1::interval, 'UTC') AS h
		ON CONFLICT DO NOTHING`
	const lock = `SELECT hour, lags FROM hours WHERE hour = date_trunc('hour', now() - $1::interval, 'UTC') FOR UPDATE`
	const count = `
		SELECT coalesce(width_bucket(extract(epoch FROM finished_at - received_at)::float8, $3::float8[]), 0), status, count(*)
		FROM   sync_logs
		WHERE  finished_at >= (SELECT counted_to FROM hours WHERE hour = $2) AND finished_at < now() - $1::interval
		AND    ` + isEvent + `
		GROUP  BY 1, 2`
	const save = `
		UPDATE hours
		SET    counted_to = greatest(counted_to, now() - $1::interval), success = success + $3, unchanged = unchanged + $4,
		       skipped = skipped + $5, failed = failed + $6, lags = $7, queued = greatest(queued, $8), oldest = greatest(oldest, $9),
		       salesforce_used = coalesce($10, salesforce_used), salesforce_limit = coalesce($11, salesforce_limit),
		       monday_used = coalesce($12, monday_used), monday_limit = coalesce($13, monday_limit)
		WHERE  hour = $2`
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, begin, countDelay); err != nil {
			return err
		}
		var h Hour
		if err := tx.QueryRow(ctx, lock, countDelay).Scan(&h.Start, &h.Lags); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, count, countDelay, h.Start, LagBounds())
		if err != nil {
			return err
		}
		if err := h.add(rows); err != nil {
			return err
		}
		usedS, limitS := known(m.SalesforceUsed, m.SalesforceLimit)
		usedM, limitM := known(m.MondayUsed, m.MondayLimit)
		_, err = tx.Exec(ctx, save, countDelay, h.Start, h.Success, h.Unchanged, h.Skipped, h.Failed, h.Lags,
			m.Queued, m.Oldest.Seconds(), usedS, limitS, usedM, limitM)
		return err
	})
	return doing("measuring the hour", err)
}

// add adds counted events by bucket and status.
func (h *Hour) add(rows pgx.Rows) error {
	buckets := make([]int, len(LagBounds())+1)
	copy(buckets, h.Lags)
	h.Lags = buckets
	var bucket, n int
	var status string
	_, err := pgx.ForEachRow(rows, []any{&bucket, &status, &n}, func() error {
		switch status {
		case "success":
			h.Success += n
			h.Lags[bucket] += n
		case "unchanged":
			h.Unchanged += n
		case "skipped":
			h.Skipped += n
		case "failed":
			h.Failed += n
		}
		return nil
	})
	return err
}

// known returns nil for numbers whose limit is unknown.
func known(used, limit int) (u, l *int) {
	if limit == 0 {
		return nil, nil
	}
	return &used, &limit
}

// Hours returns the hours since a time, oldest first. Hours in which nothing was measured are absent.
func (s *Store) Hours(ctx context.Context, since time.Time) ([]Hour, error) {
	const query = `
		SELECT hour, success, unchanged, skipped, failed, lags, queued, oldest, salesforce_used, salesforce_limit, monday_used, monday_limit
		FROM   hours WHERE hour >= $1 ORDER BY hour`
	rows, err := s.pool.Query(ctx, query, since)
	if err != nil {
		return nil, doing("reading hours", err)
	}
	hours, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Hour])
	return hours, doing("reading hours", err)
}
