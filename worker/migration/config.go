// Package migration creates items on Monday's boards for records of Salesforce, and has the engine compare the items
// whose records changed: it compares nothing itself. It does not know the queue: it is given the job of a run, and
// works on the run session by session. A session takes the records page by page through the stages find, lease, create,
// sign, link, compare and commit. A page's results are committed together with the run's cursor, so that a run can
// resume wherever it was stopped.
package migration

import (
	"context"
	"iter"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
	"crmsync/worker/engine/send"
	"crmsync/worker/reserve"
)

// Salesforce is the part of Salesforce's API that a migration uses.
type Salesforce interface {
	Query(ctx context.Context, soql string) iter.Seq2[sfclient.Record, error] // one call per page
	Select(ctx context.Context, soql string) ([]sfclient.Record, error)
	Count(ctx context.Context, soql string) (int, error)
	send.Salesforce
}

// Monday is the part of Monday's API that a migration uses.
type Monday interface {
	Board(ctx context.Context, id int64) (mondayclient.Board, error)
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error)                 // up to 100
	Create(ctx context.Context, creates []mondayclient.Create, key string) ([]mondayclient.Created, error) // up to 50

	// ItemsBy searches for up to 1,000 texts.
	ItemsBy(ctx context.Context, board int64, columnID string, texts []string) ([]mondayclient.Item, error)

	Budget() mondayclient.Budget
}

// Comparer compares items with Salesforce, and writes the differences.
type Comparer interface {
	Compare(ctx context.Context, page engine.Page) ([]engine.Found, engine.Cost, error)
}

// Config configures a Migrator.
type Config struct {
	Mapping    *mapping.Mapping
	Store      *store.Store
	Salesforce Salesforce
	Monday     Monday
	Engine     Comparer

	// Reserve is what a migration leaves to others and to live events; nil: nothing.
	Reserve *reserve.Reserve

	// Session is the time after which a session starts no more pages, Timeout its maximum duration.
	Session, Timeout time.Duration

	// Requeue queues a resync of each item that waited for a record, in the transaction.
	Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error

	// Migrating reports whether a migration of one of the boards is running or waiting for its turn.
	Migrating func(ctx context.Context, boards []int64) (bool, error)

	// Complete ends a job in the transaction that ends its run.
	Complete func(ctx context.Context, tx pgx.Tx, jobID int64) error

	Log *slog.Logger
	Now func() time.Time
}

// Job is the job of a run.
type Job struct {
	ID      int64
	Attempt int
	Kind    string // for the log
	BoardID int64
}
