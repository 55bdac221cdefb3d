// Package send writes records to Salesforce. It groups writes into calls, and where Salesforce refuses a call, a row or
// a field of a row, finds the one at fault, so that everything else is written. It knows no item, no event and no
// ledger.
package send

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Sender sends writes. It is safe for concurrent use, and remembers for each object how many rows the org takes in one
// call.
type Sender struct {
	Salesforce Salesforce
	Size       int              // most rows in a call; 0: 200, which is also the most
	Now        func() time.Time // nil: time.Now

	sizes sizes
}

// Send makes every write, and returns what came of each, by position. Of several writes to one record (the same Id, the
// same key value, or the same values in the Needed fields of a new record), one is out at a time, in order.
func (s *Sender) Send(ctx context.Context, writes []Write) []Outcome {
	c := caller{s.Salesforce, min(cmp.Or(s.Size, maxRows), maxRows), s.Now, &s.sizes}
	if c.now == nil {
		c.now = time.Now
	}
	searches := make([]*search, len(writes))
	for n, w := range writes {
		searches[n] = newSearch(n, w)
	}
	for open := slices.Clone(searches); len(open) > 0; open = slices.DeleteFunc(open, (*search).ended) {
		if slices.ContainsFunc(open, (*search).isAsking) {
			ask(ctx, s.Salesforce, open)
			continue
		}
		for _, rows := range group(open, c.size) {
			c.deliver(ctx, rows)
		}
	}
	outcomes := make([]Outcome, len(writes))
	for n, x := range searches {
		outcomes[n] = x.outcome
	}
	return outcomes
}
