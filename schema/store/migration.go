package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Run is one run of a board's migration.
type Run struct {
	ID, JobID, BoardID int64
	Board              string // its name in the mapping
	StartedAt          time.Time
	FinishedAt         *time.Time
	State              string // running, done, failed
	Total              int    // records that were there to read when it began
	Counts
	Cursor Cursor
	Error  string
}

// Counts counts the records that a run has read by their result, each once. LeftOut counts those that did not fail but
// whose items lack a column that Monday rejected.
type Counts struct {
	Read, Created, Updated, Unchanged, Conflicts, Failed, LeftOut int
}

// Cursor is the progress of a run. Times are those of SystemModstamp, as in SOQL.
type Cursor struct {
	At    string `json:"at,omitempty"`    // after this time
	ID    string `json:"id,omitempty"`    // and, among the records of this time, after this Id
	Until string `json:"until,omitempty"` // the time of the last record when the lap began; empty: the run has not begun
	Lap   int    `json:"lap,omitempty"`   // laps that are over: each reads what changed during the one before
	Wrote bool   `json:"wrote,omitempty"` // the lap has changed records
}

// text returns the stored form of the cursor. It is a string, which fits jsonb in each of pgx's query modes.
func (c Cursor) text() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // texts, a number and a flag always encode
	}
	return string(text)
}

// Page is what a page of a run has to store in addition to a Commit.
type Page struct {
	RunID     int64
	BoardID   int64
	Counts    Counts // of this page
	Cursor    Cursor
	Documents []string       // keys of the documents that are settled
	Failed    []FailedRecord // to be attempted by the next run
	Recovered []string       // Salesforce Ids of records that failed before, and need no further attempt
	Failures  []Failure      // for the error log: records, columns and conflicts
}

// ErrOvertaken means that another process has taken the run over: nothing of the page was stored.
var ErrOvertaken = errors.New("the run was taken over by another process")

const (
	// migrationLease is how long a board stays locked after a process that migrates it was killed.
	migrationLease = 10 * time.Second

	// migrationRenewal is how often a process that migrates a board renews its lease.
	migrationRenewal = 2 * time.Second
)

// MigrationKey returns the key of the lease on a board's migration, given SQL for the board's id.
func MigrationKey(board string) string { return "'migration ' || " + board }

// LockMigration makes the caller the only one that migrates a board, until unlock or until its process has been silent
// for some seconds. It uses a lease rather than an advisory lock: behind a pooler, a lock would stay on a connection
// that others share.
func (s *Store) LockMigration(ctx context.Context, boardID int64) (unlock func(), ok bool, err error) {
	holder, key := uuid.New(), []string{fmt.Sprint("migration ", boardID)}
	held, err := s.Lease(ctx, holder, key, migrationLease)
	if err != nil || len(held) == 0 {
		return nil, false, err
	}
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.renew(renewing, holder, key)
	}()
	return func() {
		stop()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), migrationRenewal)
		defer cancel()
		_ = s.Free(ctx, holder, key) // otherwise it expires by itself
	}, true, nil
}

// renew renews a lease until ctx ends. A lease that cannot be renewed in time may go to others, and saving under it
// fails.
func (s *Store) renew(ctx context.Context, holder uuid.UUID, keys []string) {
	tick := time.NewTicker(migrationRenewal)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_, _ = s.Lease(ctx, holder, keys, migrationLease)
		}
	}
}

// StartRun starts or continues the run of a job. To continue, it releases what the previous process held. It returns
// nil if the run is done. The caller holds the board's lock.
func (s *Store) StartRun(ctx context.Context, jobID, boardID int64, board string, holder uuid.UUID) (*Run, error) {
	const stale = `
		UPDATE migration_runs SET state = 'failed', finished_at = now(), error = 'replaced by a new run', holder = NULL
		WHERE  board_id = $1 AND job_id <> $2 AND state = 'running'`
	const before = `SELECT holder FROM migration_runs WHERE job_id = $1 AND holder IS NOT NULL FOR UPDATE`
	const start = `
		INSERT INTO migration_runs AS r (job_id, board_id, board, holder) VALUES ($1, $2, $3, $4)
		ON CONFLICT (job_id) DO UPDATE SET state = 'running', finished_at = NULL, error = '', holder = excluded.holder
		WHERE  r.state <> 'done'
		RETURNING ` + runColumns
	var runs []Run
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, stale, boardID, jobID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, before, jobID)
		if err != nil {
			return err
		}
		held, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
		if err != nil {
			return err
		}
		if len(held) > 0 {
			if err := free(ctx, tx, held[0]); err != nil {
				return err
			}
		}
		if rows, err = tx.Query(ctx, start, jobID, boardID, board, holder); err != nil {
			return err
		}
		runs, err = pgx.CollectRows(rows, scanRun)
		return err
	})
	if err != nil || len(runs) == 0 {
		return nil, doing("starting a run", err)
	}
	return &runs[0], nil
}

// free releases everything that a dead process held.
func free(ctx context.Context, tx pgx.Tx, holder uuid.UUID) error {
	if _, err := tx.Exec(ctx, "DELETE FROM leases WHERE lease_holder = $1", holder); err != nil {
		return err
	}
	const items = `
		WITH held AS MATERIALIZED (SELECT item_id FROM items WHERE lease_holder = $1 ORDER BY item_id FOR UPDATE)
		UPDATE items i SET lease_holder = NULL, lease_until = NULL FROM held WHERE i.item_id = held.item_id`
	_, err := tx.Exec(ctx, items, holder)
	return err
}

// LastCursor returns where the board's last completed run ended.
func (s *Store) LastCursor(ctx context.Context, boardID int64) (Cursor, error) {
	const query = `SELECT cursor FROM migration_runs WHERE board_id = $1 AND state = 'done' ORDER BY id DESC LIMIT 1`
	rows, err := s.pool.Query(ctx, query, boardID)
	if err != nil {
		return Cursor{}, doing("reading the last run", err)
	}
	cursors, err := pgx.CollectRows(rows, pgx.RowTo[Cursor])
	if err != nil || len(cursors) == 0 {
		return Cursor{}, doing("reading the last run", err)
	}
	return cursors[0], nil
}

// MoveRun stores a run's cursor, and how many records there were to read.
func (s *Store) MoveRun(ctx context.Context, id int64, holder uuid.UUID, c Cursor, total int) error {
	const query = `UPDATE migration_runs SET cursor = $3, total = $4 WHERE id = $1 AND holder = $2`
	tag, err := s.pool.Exec(ctx, query, id, holder, c.text(), total)
	if err == nil && tag.RowsAffected() == 0 {
		return ErrOvertaken
	}
	return doing("saving a run", err)
}

// RestRun ends a slice: another process may continue at any time.
func (s *Store) RestRun(ctx context.Context, id int64, holder uuid.UUID) error {
	_, err := s.pool.Exec(ctx, "UPDATE migration_runs SET holder = NULL WHERE id = $1 AND holder = $2", id, holder)
	return doing("ending a slice", err)
}

// FinishRun ends a run that has read everything. complete ends its job in the same transaction, so that a run
// requested after that is a new one.
func (s *Store) FinishRun(ctx context.Context, id int64, holder uuid.UUID, job Log,
	complete func(ctx context.Context, tx pgx.Tx, jobID int64) error) error {
	const query = `
		WITH done AS (
			UPDATE migration_runs SET state = 'done', finished_at = now(), holder = NULL, total = read
			WHERE  id = $1 AND holder = $2
			RETURNING *
		)
		INSERT INTO sync_logs AS s (job_id, event, board_id, status, attempt, response_data, received_at)
		SELECT job_id, $3, board_id, CASE WHEN created + updated > 0 THEN 'success' ELSE 'unchanged' END, $4,
		       jsonb_build_object('read', read, 'created', created, 'updated', updated, 'unchanged', unchanged, 'conflicts', conflicts, 'failed', failed,
		                          'left_out', left_out),
		       started_at
		FROM   done
		ON CONFLICT (job_id) DO UPDATE
		SET    status = excluded.status, attempt = excluded.attempt, response_data = excluded.response_data, finished_at = now()
		RETURNING job_id`
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		var jobID int64
		if err := tx.QueryRow(ctx, query, id, holder, job.Event, job.Attempt).Scan(&jobID); err != nil {
			return err
		}
		return complete(ctx, tx, jobID)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return ErrOvertaken
	}
	return doing("finishing a run", err)
}

// FailRun ends the run of a discarded job.
func (s *Store) FailRun(ctx context.Context, jobID int64, reason string) error {
	const query = `
		UPDATE migration_runs SET state = 'failed', finished_at = now(), error = $2, holder = NULL
		WHERE  job_id = $1 AND state = 'running'`
	_, err := s.pool.Exec(ctx, query, jobID, reason)
	return doing("failing a run", err)
}

// ScheduledSince returns the time from which a board's next scheduled run is counted: its last run, or when the
// schedule was first seen.
func (s *Store) ScheduledSince(ctx context.Context, boardID int64, schedule string) (since time.Time, err error) {
	const query = `
		INSERT INTO migration_schedules AS s (board_id, schedule) VALUES ($1, $2)
		ON CONFLICT (board_id) DO UPDATE
		SET    schedule = excluded.schedule, since = CASE WHEN s.schedule = excluded.schedule THEN s.since ELSE now() END
		RETURNING greatest(since, (SELECT max(started_at) FROM migration_runs WHERE board_id = $1))`
	err = s.pool.QueryRow(ctx, query, boardID, schedule).Scan(&since)
	return since, doing("saving a schedule", err)
}

// Runs returns the last runs, newest first.
func (s *Store) Runs(ctx context.Context, limit int) ([]Run, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+runColumns+" FROM migration_runs r ORDER BY id DESC LIMIT $1", limit)
	if err != nil {
		return nil, doing("reading runs", err)
	}
	runs, err := pgx.CollectRows(rows, scanRun)
	return runs, doing("reading runs", err)
}

// RunsOf returns the runs of jobs, by job. A job that has not started has none.
func (s *Store) RunsOf(ctx context.Context, jobIDs []int64) (map[int64]Run, error) {
	rows, err := s.pool.Query(ctx, "SELECT "+runColumns+" FROM migration_runs r WHERE job_id = ANY($1)", jobIDs)
	if err != nil {
		return nil, doing("reading runs", err)
	}
	runs, err := pgx.CollectRows(rows, scanRun)
	found := make(map[int64]Run, len(runs))
	for _, run := range runs {
		found[run.JobID] = run
	}
	return found, doing("reading runs", err)
}

// SavePage commits a page of a run in one transaction: items, links, leases, and the cursor. If an item's lease was
// lost, or the run was taken over, nothing changes.
func (s *Store) SavePage(ctx context.Context, holder uuid.UUID, c Commit, p Page) error {
	const move = `
		UPDATE migration_runs
		SET    cursor = $3, read = read + $4, created = created + $5, updated = updated + $6, unchanged = unchanged + $7,
		       conflicts = conflicts + $8, failed = failed + $9, left_out = left_out + $10
		WHERE  id = $1 AND holder = $2 AND state = 'running'`
	args, err := c.args(holder)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		if c.Appeared {
			if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", waitsLock); err != nil {
				return err
			}
		}
		saved, err := save(ctx, tx, args)
		if err != nil {
			return err
		}
		if len(c.lost(saved)) > 0 {
			return ErrOvertaken
		}
		if err := c.settleWaits(ctx, tx); err != nil {
			return err
		}
		n := p.Counts
		tag, err := tx.Exec(ctx, move, p.RunID, holder, p.Cursor.text(), n.Read, n.Created, n.Updated, n.Unchanged,
			n.Conflicts,
			n.Failed, n.LeftOut)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return ErrOvertaken
		}
		return p.settle(ctx, tx)
	})
	if errors.Is(err, ErrOvertaken) {
		return ErrOvertaken
	}
	return doing("saving a page", err)
}

// settle deletes settled documents and stores failures.
func (p Page) settle(ctx context.Context, tx pgx.Tx) error {
	batch := &pgx.Batch{}
	batch.Queue("DELETE FROM migration_documents WHERE key = ANY($1)", p.Documents)
	p.keepFailed(batch)
	for _, f := range p.Failures {
		batch.Queue(logTry, f.args()...)
	}
	return tx.SendBatch(ctx, batch).Close()
}

const runColumns = `
	r.id, r.job_id, r.board_id, r.board, r.started_at, r.finished_at, r.state, r.total, r.read, r.created, r.updated, r.unchanged,
	r.conflicts, r.failed, r.left_out, r.cursor, r.error`

func scanRun(row pgx.CollectableRow) (r Run, err error) {
	err = row.Scan(&r.ID, &r.JobID, &r.BoardID, &r.Board, &r.StartedAt, &r.FinishedAt, &r.State, &r.Total, &r.Read,
		&r.Created,
		&r.Updated, &r.Unchanged, &r.Conflicts, &r.Failed, &r.LeftOut, &r.Cursor, &r.Error)
	if err != nil {
		return r, fmt.Errorf("reading a run: %w", err)
	}
	return r, nil
}
