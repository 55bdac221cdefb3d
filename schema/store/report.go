package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// LogRow is the end of an event, as exported.
type LogRow struct {
	JobID      int64
	Event      string
	BoardID    *int64
	ItemID     *int64
	ColumnID   *string
	Status     string
	Attempt    int
	ReceivedAt time.Time
	FinishedAt time.Time
	Response   string // JSON
}

// EachLog passes the logs of events that ended since a time to a function, oldest first, without holding them in
// memory. A replayed event has a log for each of its ends. item 0: all items.
func (s *Store) EachLog(ctx context.Context, since time.Time, item int64, each func(LogRow) error) error {
	const query = `
		SELECT job_id, event, board_id, item_id, column_id, status, attempt, received_at, finished_at, response_data::text
		FROM   (SELECT job_id, event, board_id, item_id, column_id, status, attempt, received_at, finished_at, response_data FROM sync_logs
		        UNION ALL
		        SELECT job_id, event, board_id, item_id, column_id, status, attempt, received_at, finished_at, response_data FROM sync_log_history) s
		WHERE  finished_at >= $1 AND ($2::bigint = 0 OR item_id = $2)
		ORDER  BY finished_at, job_id`
	rows, err := s.pool.Query(ctx, query, since, item)
	if err != nil {
		return doing("reading the sync log", err)
	}
	var r LogRow
	_, err = pgx.ForEachRow(rows, []any{&r.JobID, &r.Event, &r.BoardID, &r.ItemID, &r.ColumnID, &r.Status, &r.Attempt,
		&r.ReceivedAt, &r.FinishedAt, &r.Response}, func() error { return each(r) })
	return doing("reading the sync log", err)
}

// Ends counts the ends of events in a period, and measures the time since delivery.
type Ends struct {
	Success, Unchanged, Skipped, Failed int64
	P50, P99                            time.Duration // of the successful ones; 0 if there are none
}

// EndsSince counts the events that ended since a time. Comparisons of boards are not events.
func (s *Store) EndsSince(ctx context.Context, since time.Time) (e Ends, err error) {
	const query = `
		SELECT count(*) FILTER (WHERE status = 'success'), count(*) FILTER (WHERE status = 'unchanged'),
		       count(*) FILTER (WHERE status = 'skipped'), count(*) FILTER (WHERE status = 'failed'),
		       coalesce(percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM finished_at - received_at)::float8)
		                FILTER (WHERE status = 'success'), ARRAY[0, 0]::float8[])
		FROM   sync_logs
		WHERE  finished_at >= $1 AND ` + isEvent
	var seconds []float64
	err = s.pool.QueryRow(ctx, query, since).Scan(&e.Success, &e.Unchanged, &e.Skipped, &e.Failed, &seconds)
	if len(seconds) == 2 {
		e.P50, e.P99 = span(seconds[0]), span(seconds[1])
	}
	return e, doing("counting events", err)
}

func span(seconds float64) time.Duration { return time.Duration(seconds * float64(time.Second)) }

// LastRun describes how the last run over a board ended.
type LastRun struct {
	Run, Board string // import or comparison; the board's name in the mapping
	FinishedAt time.Time
	Succeeded  bool
}

// LastRuns returns the last import and the last comparison of each board that has had one.
func (s *Store) LastRuns(ctx context.Context) ([]LastRun, error) {
	const query = `
		SELECT DISTINCT ON (run, board) run, board, finished_at, state = 'done'
		FROM   (SELECT 'import' AS run, board, finished_at, state FROM migration_runs
		        UNION ALL
		        SELECT 'comparison', board, finished_at, state FROM sweeps WHERE options->'items' IS NULL) r
		WHERE  finished_at IS NOT NULL
		ORDER  BY run, board, finished_at DESC`
	rows, err := s.pool.Query(ctx, query)
	if err != nil {
		return nil, doing("reading the last runs", err)
	}
	runs, err := pgx.CollectRows(rows, pgx.RowToStructByPos[LastRun])
	return runs, doing("reading the last runs", err)
}
