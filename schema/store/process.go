package store

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

const (
	// BeatEvery is how often a running process reports itself.
	BeatEvery = 10 * time.Second

	// silentAfter is how long after its last report a process counts as stopped.
	silentAfter = 4 * BeatEvery

	// processForgotten is how long after its last report a process that did not report its end is deleted.
	processForgotten = time.Hour
)

// Process is a running ingest, worker or serve.
type Process struct {
	ID              uuid.UUID
	Host            string
	PID             int
	Ingest, Worker  bool
	Version, Commit string

	MappingFile  string
	Mapping      string // fingerprint of the mapping in use
	MappingSince time.Time
	MappingError string // why the file's current content is not used; empty: it is used

	Stopping bool // it takes no more jobs

	StartedAt, SeenAt time.Time // by Postgres's clock
	Running           bool      // it has reported itself recently
}

// Beat reports that a process runs, and with which mapping. It deletes processes that have not reported for long.
func (s *Store) Beat(ctx context.Context, p Process) error {
	const query = `
		WITH forgotten AS (
			DELETE FROM processes WHERE seen_at < now() - $11::interval AND id <> $1
		)
		INSERT INTO processes AS p
		       (id, host, pid, ingest, worker, version, commit_id, mapping_file, mapping, mapping_error,
		        stopping)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $12)
		ON CONFLICT (id) DO UPDATE
		SET    seen_at = now(), mapping = $9, mapping_error = $10, stopping = $12,
		       mapping_since = CASE WHEN p.mapping = $9 THEN p.mapping_since ELSE now() END`
	_, err := s.pool.Exec(ctx, query, p.ID, p.Host, p.PID, p.Ingest, p.Worker, p.Version, p.Commit, p.MappingFile,
		p.Mapping, p.MappingError, processForgotten, p.Stopping)
	return doing("reporting the process", err)
}

// Leave reports that a process has stopped.
func (s *Store) Leave(ctx context.Context, id uuid.UUID) error {
	_, err := s.pool.Exec(ctx, `DELETE FROM processes WHERE id = $1`, id)
	return doing("reporting that the process has stopped", err)
}

// Processes returns the processes that are running or recently ended without reporting it, oldest first.
func (s *Store) Processes(ctx context.Context) ([]Process, error) {
	const query = `
		SELECT id, host, pid, ingest, worker, version, commit_id, mapping_file, mapping, mapping_since, mapping_error,
		       stopping, started_at, seen_at, seen_at > now() - $1::interval
		FROM   processes
		ORDER  BY started_at, id`
	rows, err := s.pool.Query(ctx, query, silentAfter)
	if err != nil {
		return nil, doing("reading the processes", err)
	}
	processes, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Process])
	return processes, doing("reading the processes", err)
}

// Place returns the place of a process among the running workers, counted from 0, and their number. Workers that are
// stopping do not count. A process that does not count itself gets 0 of 0.
func (s *Store) Place(ctx context.Context, id uuid.UUID) (place, workers int, err error) {
	const query = `
		SELECT count(*) FILTER (WHERE id < $1), count(*)
		FROM   processes
		WHERE  worker AND NOT stopping AND seen_at > now() - $2::interval
		HAVING bool_or(id = $1)`
	err = s.pool.QueryRow(ctx, query, id, silentAfter).Scan(&place, &workers)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, 0, nil
	}
	return place, workers, doing("counting the workers", err)
}

// HasNewerMapping reports whether a running process has another mapping than the given process's, loaded later.
func (s *Store) HasNewerMapping(ctx context.Context, id uuid.UUID) (newer bool, err error) {
	const query = `
		SELECT EXISTS (
			SELECT
			FROM   processes ours
			JOIN   processes p ON p.mapping <> ours.mapping AND p.mapping_since > ours.mapping_since
			WHERE  ours.id = $1 AND p.seen_at > now() - $2::interval
		)`
	err = s.pool.QueryRow(ctx, query, id, silentAfter).Scan(&newer)
	return newer, doing("looking for newer mappings", err)
}

// Role returns the command that the process runs.
func (p Process) Role() string {
	switch {
	case p.Ingest && p.Worker:
		return "serve"
	case p.Ingest:
		return "ingest"
	}
	return "worker"
}
