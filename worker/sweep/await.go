package sweep

import (
	"context"
	"fmt"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// The wait for the comparison of another board grows with the time that it has taken so far.
const (
	awaitFirst   = time.Second
	awaitLongest = 10 * time.Second
)

// BehindError means that a sweep waits for that of a board whose records its own refer to: if they are created first,
// every record is created with its references, and need not be written again.
type BehindError struct {
	Board string // the other one's name in the mapping
	Run   int64
	Wait  time.Duration
}

func (e *BehindError) Error() string {
	return fmt.Sprintf("its records refer to those of board %s, which is compared first (run %d)", e.Board, e.Run)
}

// RetryAfter returns when the other sweep may be over.
func (e *BehindError) RetryAfter() time.Duration { return e.Wait }

// await makes a sweep wait for the running ones of the boards that come before its own. Boards that do not depend on
// one another are compared at the same time.
func (s *Sweeper) await(ctx context.Context, board *mapping.Board, w store.Sweep) error {
	var before []int64
	for _, b := range board.Before() {
		before = append(before, b.ID)
	}
	if len(before) == 0 {
		return nil
	}
	running, err := s.Store.RunningSweeps(ctx, before...)
	if err != nil {
		return err
	}
	for _, other := range running {
		if precedes(other, w) {
			return &BehindError{Board: other.Board, Run: other.ID,
				Wait: min(max(s.Now().Sub(other.StartedAt)/10, awaitFirst), awaitLongest)}
		}
	}
	return nil
}

// precedes reports whether a sweep of a board that comes first is part of the same work as the other sweep. A few items
// that a person asked for do not wait for a long run.
func precedes(first, w store.Sweep) bool {
	named := func(w store.Sweep) bool { return len(w.Options.Items) > 0 }
	if first.Kind != w.Kind || named(first) != named(w) {
		return false
	}
	return !isSmall(w) || w.Options.Planned != nil || isSmall(first)
}
