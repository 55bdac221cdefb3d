package engine

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine/send"
)

// Salesforce is the part of Salesforce's API that the engine uses. Each method is one API call, of up to 200 records.
type Salesforce interface {
	send.Salesforce
	Select(ctx context.Context, soql string) ([]sfclient.Record, error)            // a call for each page
	QueryEach(ctx context.Context, soqls []string) ([]sfclient.QueryResult, error) // up to 5
	NextPage(ctx context.Context, next string) (sfclient.Page, error)              // continues a result of QueryEach
	// up to 2,000 ids; nil: no such record
	Retrieve(ctx context.Context, object string, ids, fields []string) ([]sfclient.Record, error)
	Shape(ctx context.Context, object string) (*sfclient.Object, error) // no call if it is cached
	UserID() string                                                     // as who it writes; no call; empty: unknown
}

// Monday is the part of Monday's API that the engine uses. Each method is one API call.
type Monday interface {
	Items(ctx context.Context, ids []int64, columns []string) ([]mondayclient.Item, error) // up to 100 ids
	Write(ctx context.Context, writes []mondayclient.Write) ([]error, error)               // up to 50 writes
	Boards(ctx context.Context, ids []int64) ([]mondayclient.Board, error)                 // those visible to the token
	UserEmails(ctx context.Context, ids []int64) (map[int64]string, error)
}

// Config configures an Engine.
type Config struct {
	Mapping    *mapping.Mapping
	Store      *store.Store
	Salesforce Salesforce
	Monday     Monday

	// BatchSize is the maximum number of items in a batch, and of records in a call; Salesforce's limit is 200.
	BatchSize int

	// Concurrency is the maximum number of concurrent batches.
	Concurrency int

	// Places is the maximum number of events that are processed at once. Once all are taken, no batch waits for more
	// events. 0: unknown.
	Places int

	// Timeout limits how long a batch may take. Items are leased for a little longer, so that no other worker starts
	// while a call of this batch may still be running.
	Timeout time.Duration

	// Requeue queues a resync of each item in the transaction; force sends every field again.
	Requeue func(ctx context.Context, tx pgx.Tx, items []ledger.Ref, force bool) error

	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time
}
