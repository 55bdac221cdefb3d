// Package send writes records to Salesforce. It groups writes into calls. If Salesforce rejects a call, a row or a
// field of a row, it finds the one at fault, so that everything else is written. It knows nothing about items, events
// or the ledger.
package send

import (
	"cmp"
	"context"
	"slices"
	"time"
)

// Sender sends writes. It is safe for concurrent use, and remembers for each object how many rows the org accepts in
// one call.
type Sender struct {
	Salesforce Salesforce
	Size       int              // maximum number of rows in a call; 0: 200, the limit
	Now        func() time.Time // nil: time.Now

	sizes sizes
}

// Send sends every write, and returns their outcomes in the same order. If several write one record (the same Id, the
// same key value, or the same values in the Needed fields of a new record), they are sent one after another, in order.
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
		for calls := group(open, c.size); len(calls) > 0; {
			n := c.together(calls)
			if n > 1 && ctx.Err() == nil {
				c.deliverTogether(ctx, calls[:n])
			} else {
				n = 1
				c.deliver(ctx, calls[0])
			}
			calls = calls[n:]
		}
	}
	outcomes := make([]Outcome, len(writes))
	for n, x := range searches {
		outcomes[n] = x.outcome
	}
	return outcomes
}
