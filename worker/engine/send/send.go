// Package send writes records to Salesforce. It groups writes into calls, and where Salesforce refuses a call, a row or a
// field of a row, finds the one at fault, so that everything else is written. It knows no item, no event and no ledger.
package send

import (
	"context"
	"time"

	"crmsync/sfclient"
)

// Salesforce is what a Sender asks of Salesforce. Each method but Fates is one API call, of up to 200 records; results
// stand in the order of records.
type Salesforce interface {
	Create(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error)
	Update(ctx context.Context, object string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error)
	Upsert(ctx context.Context, object, key string, records []sfclient.Record, options sfclient.WriteOptions) ([]sfclient.Result, error)
	Delete(ctx context.Context, ids []string) ([]sfclient.Result, error)
}

// Sender sends writes. It is safe for concurrent use, and remembers for each object how many rows the org takes in one
// call.
type Sender struct {
	Salesforce Salesforce
	Size       int // most rows in a call; 0: 200, which is also the most
	Now        func() time.Time
}

// Send makes every write, and returns what came of each, by position. Of several writes to one record (the same Id, the
// same key value, or the same values in the Needed fields of a new record), one is out at a time, in order.
func (s *Sender) Send(ctx context.Context, writes []Write) []Outcome {
	panic("not built yet")
}
