package send

import (
	"cmp"
	"context"
	"strings"
	"time"

	"crmsync/sfclient"
)

// togetherLasts is how long a request of several calls may take, estimated from the last one. A longer one would hold
// up the batch, and leave more in doubt if its answer is lost.
const togetherLasts = 10 * time.Second

// measured is how many rows a call must have to show how long a row takes.
const measured = maxRows / 4

// lasts estimates how long a call of rows takes. Until that is known, a full call is assumed to take all the time.
func (s *sizes) lasts(w Write, rows int) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if row, known := s.paces[sizeKey{w.Op, w.Object}]; known {
		return row * time.Duration(rows)
	}
	return togetherLasts * time.Duration(rows) / maxRows
}

// took remembers how long it took to write rows, which include these.
func (s *sizes) took(w Write, rows, all int, d time.Duration) {
	if rows < measured {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.paces == nil {
		s.paces = map[sizeKey]time.Duration{}
	}
	s.paces[sizeKey{w.Op, w.Object}] = d / time.Duration(all)
}

// Cost returns how many calls it takes to write rows of an object, if none is rejected and everything in the previous
// questions was written.
func (s *Sender) Cost(op Op, object string, rows int) int {
	size := min(cmp.Or(s.Size, maxRows), maxRows)
	calls := (rows + size - 1) / size
	if op != Update && op != Upsert || calls < 2 {
		return calls
	}
	first, parts := s.sizes.cost(sizeKey{op, object})
	return first + (calls-first+parts-1)/parts
}

// cost returns how many calls are made together, and how many are made alone before them.
func (s *sizes) cost(key sizeKey) (alone, parts int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	row, known := s.paces[key]
	switch each := row * maxRows; {
	case known && each > 0:
		return 0, min(max(int(togetherLasts/each), 1), sfclient.MaxParts)
	case known || s.costed[key]:
		return 0, sfclient.MaxParts
	}
	if s.costed == nil {
		s.costed = map[sizeKey]bool{}
	}
	s.costed[key] = true
	return 1, sfclient.MaxParts
}

// together returns how many of the first calls are made in one request: those whose size the org has accepted, as many
// as the time allows.
func (c *caller) together(calls [][]*search) (n int) {
	var lasts time.Duration
	for n < len(calls) && n < sfclient.MaxParts {
		first, isProbe := calls[n][0].attempt, calls[n][0].lot != 0 // a probe must be alone to show what is at fault
		lasts += c.sizes.lasts(first, len(calls[n]))
		isWhole := c.sizes.rows(first, c.size, c.now()) == c.size
		if first.Op != Update && first.Op != Upsert || isProbe || !isWhole || !isPlain(calls[n]) || lasts > togetherLasts {
			break
		}
		n++
	}
	return max(n, 1)
}

// isPlain reports whether no text in the rows could be read as a reference to another part of the request.
func isPlain(rows []*search) bool {
	for _, x := range rows {
		for _, value := range x.attempt.Fields {
			if text, ok := value.(string); ok && strings.Contains(text, "@{") {
				return false
			}
		}
	}
	return true
}

// deliverTogether makes several calls in one request. Each ends as if it had been a request of its own.
func (c *caller) deliverTogether(ctx context.Context, calls [][]*search) {
	lots, all := make([]sfclient.Lot, len(calls)), 0
	for n, rows := range calls {
		first := rows[0].attempt
		lots[n] = sfclient.Lot{Object: first.Object, Records: recordsOf(rows), Options: first.Options}
		if first.Op == Upsert {
			lots[n].Key = first.Key
		}
		all += len(rows)
	}
	started := c.now()
	results, err := c.salesforce.WriteEach(ctx, lots)
	if err == nil && len(results) != len(calls) {
		err = errRows
	}
	took := c.now().Sub(started)
	for n, rows := range calls {
		if err != nil {
			c.answer(ctx, rows, nil, err)
			continue
		}
		c.sizes.took(rows[0].attempt, len(rows), all, took)
		c.answer(ctx, rows, results[n].Results, results[n].Err)
	}
}
