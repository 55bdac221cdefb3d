// Package migration brings records of Salesforce to boards of Monday. It knows no queue: it is given a job's run and works on it
// slice by slice. A slice goes through the records page by page: read, look up what is there, compare, write, commit. What
// it did is kept with the place up to which it has come, so that a run goes on wherever it was stopped.
package migration

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/semaphore"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// Salesforce is what a migration asks of Salesforce.
type Salesforce interface {
	Query(ctx context.Context, soql string) iter.Seq2[sfclient.Record, error] // a call for each page
	Select(ctx context.Context, soql string) ([]sfclient.Record, error)
	Count(ctx context.Context, soql string) (int, error)
	Update(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error) // up to 200
}

// Monday is what a migration asks of Monday.
type Monday interface {
	Board(ctx context.Context, id int64) (mondayclient.Board, error)
	ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]mondayclient.Item, error) // up to 100 texts
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error)                  // up to 100 ids
	Create(ctx context.Context, creates []mondayclient.Create, key string) ([]mondayclient.Created, error)  // up to 50
	Write(ctx context.Context, writes []mondayclient.Write) ([]error, error)                                // up to 50
	Budget() mondayclient.Budget
}

// Config is what a Migrator works with.
type Config struct {
	Mapping    *mapping.Mapping
	Store      *store.Store
	Salesforce Salesforce
	Monday     Monday

	// Slice is the time after which a slice begins no further page, Timeout the longest that it may run in all.
	Slice, Timeout time.Duration

	// Requeue queues a comparison of each item, in the transaction.
	Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error

	// Migrating reports whether a migration of one of the boards is under way or waits for its turn.
	Migrating func(ctx context.Context, boards []int64) (bool, error)

	// Complete ends a job in the transaction that ends its run.
	Complete func(ctx context.Context, tx pgx.Tx, jobID int64) error

	Log *slog.Logger
	Now func() time.Time
}

// Migrator works on runs. It is safe for concurrent use; a board is worked on by one caller at a time, over all processes.
type Migrator struct {
	Config
	stopping atomic.Bool
}

// New returns a migrator.
func New(c Config) *Migrator { return &Migrator{Config: c} }

// Stop lets slices end with the page that they are at.
func (m *Migrator) Stop() { m.stopping.Store(true) }

// Job names a run to work on.
type Job struct {
	ID      int64
	Attempt int
	Kind    string // for the log
	BoardID int64
}

const (
	// pageSize is the most records that are taken through the stages together.
	pageSize = 1000

	// overlap is how far a run goes back behind the end of the one before: a transaction that was open then may have
	// been committed since, under an earlier time.
	overlap = 5 * time.Minute

	// leaseMargin is how much longer than a slice its leases last, as in the engine.
	leaseMargin = 15 * time.Second
)

// slice is some time of work on a run.
type slice struct {
	*Migrator
	ctx       context.Context
	job       Job
	migration *mapping.Migration
	run       *store.Run
	holder    uuid.UUID // of its leases
	types     map[string]column.Type
	until     time.Time            // no page begins after
	deadline  time.Time            // all ends
	documents map[string]*document // not settled, of slices before
	made      map[string]*document // by Salesforce Id, of these
	calls     *semaphore.Weighted  // of Monday that are under way
	moved     atomic.Bool          // it has done something that no later slice has to do again
}

// Slice works on the run of a job, and says whether it is done. Where it is not, the next slice goes on. Its error says by
// its behaviour what is to become of the job, as that of the engine does. A slice that came some way before it failed has no
// error: only those that get nowhere count, so that a long run does not use up the tries of its job.
func (m *Migrator) Slice(ctx context.Context, job Job) (done bool, err error) {
	s, err := m.slice(ctx, job)
	if err != nil {
		return false, err
	}
	unlock, ok, err := m.Store.LockMigration(ctx, job.BoardID)
	if err != nil {
		return false, err
	}
	if !ok {
		return false, &BusyError{What: "the board's migration"}
	}
	defer unlock()
	s.run, err = m.Store.StartRun(ctx, job.ID, job.BoardID, s.migration.Board.Name, s.holder)
	if err != nil || s.run == nil {
		return err == nil, err
	}
	defer s.rest()
	done, err = s.work()
	if err != nil && s.moved.Load() && !permanent(err) && retryAfter(err) == 0 {
		s.Log.Warn("slice broken off", "board", job.BoardID, "run", s.run.ID, "error", err)
		return false, nil
	}
	return done, err
}

// slice prepares a slice. A board whose items connect to others waits for the migrations of these.
func (m *Migrator) slice(ctx context.Context, job Job) (*slice, error) {
	board := m.Mapping.Board(job.BoardID)
	if board == nil || board.Migration == nil {
		return nil, &UnmappedError{BoardID: job.BoardID}
	}
	g := board.Migration
	var before []int64
	for _, b := range g.Links() {
		if b.Migration != nil && b.Migration.Record.Stage < g.Record.Stage {
			before = append(before, b.ID)
		}
	}
	if len(before) > 0 {
		busy, err := m.Migrating(ctx, before)
		if err != nil {
			return nil, err
		}
		if busy {
			return nil, &BusyError{What: "a board that the items connect to"}
		}
	}
	now := time.Now()
	return &slice{
		Migrator: m, ctx: ctx, job: job, migration: g, holder: uuid.New(),
		until: now.Add(m.Config.Slice), deadline: now.Add(m.Timeout), calls: semaphore.NewWeighted(concurrency),
	}, nil
}

// work goes through the records until all are read or the slice is over.
func (s *slice) work() (done bool, err error) {
	if err := s.readColumns(); err != nil {
		return false, err
	}
	if s.run.Cursor.Until == "" {
		if err := s.begin(); err != nil {
			return false, err
		}
	}
	if err := s.settleDocuments(); err != nil {
		return false, err
	}
	for s.run.Cursor.Until != "" {
		over, err := s.lap()
		if err != nil || !over {
			return false, err
		}
		if !s.run.Cursor.Wrote {
			break
		}
		if err := s.nextLap(); err != nil {
			return false, err
		}
	}
	for key := range s.documents {
		if err := s.Store.DropDocument(s.ctx, key); err != nil {
			return false, err
		}
	}
	return true, s.Store.FinishRun(s.ctx, s.run.ID, s.holder, store.Log{Event: s.job.Kind, Attempt: s.job.Attempt}, s.Complete)
}

// readColumns finds the types of the board's columns.
func (s *slice) readColumns() error {
	board, err := again(s, "reading columns", func() (mondayclient.Board, error) { return s.Monday.Board(s.ctx, s.migration.Board.ID) })
	s.types = make(map[string]column.Type, len(board.Columns))
	for _, c := range board.Columns {
		s.types[c.ID] = c.Type
	}
	return err
}

// lap reads the records from the cursor to the end of the lap, and says whether it came there. A query that breaks off is asked
// again from where it came to.
func (s *slice) lap() (over bool, err error) {
	for n, wait := 0, firstWait; ; n, wait = n+1, wait*2 {
		before := s.run.Cursor
		over, reading, err := s.pages()
		if reading == nil {
			return over, err
		}
		if s.run.Cursor != before {
			n, wait = 0, firstWait
		}
		if permanent(reading) || n == tries || !s.pause(max(wait, retryAfter(reading))) {
			return false, fmt.Errorf("reading records: %w", reading)
		}
	}
}

// pages takes the records page by page: while one is brought to the board, the next is read and looked up. The second result
// is an error of the query.
func (s *slice) pages() (over bool, reading, err error) {
	ready, stop := make(chan *page), make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(ready)
		over, reading, err = s.readAhead(func(p *page) (taken bool) {
			select {
			case ready <- p:
				return true
			case <-stop:
				return false
			}
		})
	})
	var writing error
	goesOn := true
	for p := range ready {
		if writing = p.bring(); writing != nil {
			break
		}
		if goesOn = s.goesOn(); !goesOn {
			break
		}
	}
	close(stop)
	reader.Wait()
	if writing != nil || !goesOn {
		return false, nil, writing
	}
	return over, reading, err
}

// goesOn says whether another page may begin.
func (s *slice) goesOn() bool { return time.Now().Before(s.until) && !s.stopping.Load() }

// readAhead reads pages and looks up what is there of them, until all are read, the slice begins no more, or none is taken.
func (s *slice) readAhead(take func(*page) bool) (over bool, reading, err error) {
	var records []sfclient.Record
	next := func() (more bool, err error) {
		p, err := s.newPage(records)
		if err == nil {
			err = p.find()
		}
		records = records[:0]
		return err == nil && take(p) && s.goesOn(), err
	}
	for record, reading := range s.Salesforce.Query(s.ctx, s.records()) {
		if reading != nil {
			return false, reading, nil
		}
		if records = append(records, record); len(records) < pageSize {
			continue
		}
		if more, err := next(); !more {
			return false, nil, err
		}
	}
	if len(records) > 0 {
		_, err = next()
	}
	return err == nil, nil, err
}

// rest gives back what the slice holds.
func (s *slice) rest() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	if err := s.Store.RestRun(ctx, s.run.ID, s.holder); err != nil {
		s.Log.Warn("slice not ended", "run", s.run.ID, "error", err)
	}
}

// pause waits, unless the slice would be over by then.
func (s *slice) pause(d time.Duration) bool {
	if time.Until(s.deadline) < d+d/2 {
		return false
	}
	select {
	case <-s.ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

const (
	tries     = 6 // of a call that fails for reasons that pass
	firstWait = 200 * time.Millisecond
)

// again makes a call until it is answered, as long as its errors say that this has a point and the slice lasts.
func again[T any](s *slice, what string, call func() (T, error)) (answer T, err error) {
	wait := firstWait
	for n := range tries {
		if answer, err = call(); err == nil {
			return answer, nil
		}
		if permanent(err) || errors.Is(err, context.Canceled) || n == tries-1 {
			break
		}
		asked := retryAfter(err)
		if !s.pause(max(asked, wait)) {
			break
		}
		wait *= 2
	}
	return answer, fmt.Errorf("%s: %w", what, err)
}
