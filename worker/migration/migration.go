package migration

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine/send"
)

// Migrator works on runs. It is safe for concurrent use; across all processes, one caller at a time works on a board.
type Migrator struct {
	config   Config
	sender   send.Sender
	stopping atomic.Bool
}

// New returns a migrator.
func New(c Config) *Migrator {
	return &Migrator{config: c, sender: send.Sender{Salesforce: c.Salesforce, Now: c.Now}}
}

// Stop lets sessions end after their current page.
func (m *Migrator) Stop() { m.stopping.Store(true) }

// Work works on the run of a job for one session, and reports whether the run is done. If not, the next session
// continues. The behavior of its error decides what happens to the job. A session that made progress before failing
// returns no error: only one without progress costs the job an attempt, so that a long run does not use up the attempts
// of its job.
func (m *Migrator) Work(ctx context.Context, job Job) (done bool, err error) {
	migration, err := m.migrationOf(job.BoardID)
	if err != nil {
		return false, err
	}
	if err := m.awaitLinks(ctx, migration); err != nil {
		return false, err
	}
	unlock, ok, err := m.config.Store.LockMigration(ctx, job.BoardID)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, &retry.BusyError{What: "the board's migration"}
	}
	defer unlock()
	now := time.Now()
	s := m.session(job, migration, now.Add(m.config.Session), now.Add(m.config.Timeout))
	s.run, err = m.config.Store.StartRun(ctx, job.ID, job.BoardID, migration.Board.Name, s.holder)
	if err != nil || s.run == nil {
		return err == nil, err
	}
	defer s.releaseAll(ctx)
	done, err = s.work(ctx)
	if err != nil && s.progressed.Load() && mayResume(err) {
		m.config.Log.Warn("session interrupted", "board", job.BoardID, "run", s.run.ID, "error", err)
		return false, nil
	}
	return done, err
}

// mayResume reports whether the next session may get further than one that failed after making progress. A panic would
// occur again.
func mayResume(err error) bool {
	_, panicked := errors.AsType[*panics.Error](err)
	return !panicked && !retry.Permanent(err) && retry.After(err) == 0
}

func (m *Migrator) migrationOf(boardID int64) (*mapping.Migration, error) {
	board := m.config.Mapping.Board(boardID)
	if board == nil || board.Migration == nil {
		return nil, &UnmappedError{BoardID: boardID}
	}
	return board.Migration, nil
}

// awaitLinks waits for the migrations of the boards that this board's items connect to.
func (m *Migrator) awaitLinks(ctx context.Context, migration *mapping.Migration) error {
	var before []int64
	for _, b := range migration.Links() {
		if b.Migration != nil && b.Migration.Record.Stage < migration.Record.Stage {
			before = append(before, b.ID)
		}
	}
	if len(before) == 0 {
		return nil
	}
	busy, err := m.config.Migrating(ctx, before)
	if err == nil && busy {
		err = &retry.BusyError{What: "a board that the items connect to"}
	}
	return err
}

// session returns a new session. Dry runs use one, too.
func (m *Migrator) session(job Job, migration *mapping.Migration, until, deadline time.Time) *session {
	s := &session{
		config: &m.config, sender: &m.sender, job: job, migration: migration, run: &store.Run{}, holder: uuid.New(),
		until: until, deadline: deadline, stopping: &m.stopping, calls: semaphore.NewWeighted(concurrency),
	}
	s.begin, s.finish = s.createItems, s.apply
	return s
}

// work goes through the records until all are read or the session is over.
func (s *session) work(ctx context.Context) (done bool, err error) {
	if err := s.start(ctx); err != nil {
		return false, err
	}
	if err := s.resumeDocuments(ctx); err != nil {
		return false, err
	}
	if over, err := s.retryFailed(ctx); err != nil || !over {
		return false, err
	}
	for s.run.Cursor.Until != "" {
		if finished, err := s.lap(ctx); err != nil || !finished {
			return false, err
		}
		if !s.run.Cursor.Wrote {
			break
		}
		if err := s.nextLap(ctx); err != nil {
			return false, err
		}
	}
	for key := range s.backlog.documents {
		if err := s.config.Store.DropDocument(ctx, key); err != nil {
			return false, err
		}
	}
	log := store.Log{Event: s.job.Kind, Attempt: s.job.Attempt}
	return true, s.config.Store.FinishRun(ctx, s.run.ID, s.holder, log, s.config.Complete)
}

// releaseAll releases the session's leases.
func (s *session) releaseAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := s.config.Store.RestRun(ctx, s.run.ID, s.holder); err != nil {
		s.config.Log.Warn("could not end the session", "run", s.run.ID, "error", err)
	}
}
