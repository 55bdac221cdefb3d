package migration

import (
	"context"
	"maps"
	"slices"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/mondayclient"
)

// write is a write of values to an item.
type write struct {
	item   int64
	values map[string]any // by column id, in Monday's write form
	trial  trial
	err    error // why the item as a whole could not be written
}

// newWrite returns a write of all values, in one call if Monday accepts them; nil if there are none.
func newWrite(item int64, values map[string]any, idColumn string) *write {
	if len(values) == 0 {
		return nil
	}
	columns := slices.Sorted(maps.Keys(values))
	return &write{item: item, values: values, trial: trial{pending: [][]string{columns}, required: idColumn}}
}

// isOver reports whether there is nothing left to send.
func (w *write) isOver() bool { return w.err != nil || w.trial.isOver() }

// write changes items, several in one document. Each succeeds or fails on its own.
func (s *session) write(ctx context.Context, writes []*write) error {
	var calls panics.Group
	for some := range slices.Chunk(writes, writeSize) {
		calls.Go(func() error { return s.writeSome(ctx, some) })
	}
	return calls.Wait()
}

// writeSome sends documents until nothing is left to send.
func (s *session) writeSome(ctx context.Context, writes []*write) error {
	for failures := 0; ; {
		open := slices.DeleteFunc(slices.Clone(writes), (*write).isOver)
		if len(open) == 0 {
			return nil
		}
		fates, err := s.writeOnce(ctx, open)
		if err != nil {
			return err
		}
		learned, again := takeFates(open, fates, failures == attempts)
		if learned {
			s.progressed.Store(true)
			failures = 0
			continue
		}
		if failures++; !s.pause(ctx, max(firstWait, retry.After(again))) {
			return again
		}
	}
}

// takeFates records the results of a document's writes. It reports whether anything was learned, and returns a
// transient error, if there is one. After the last attempt, transient errors are final too.
func takeFates(writes []*write, fates []error, enough bool) (learned bool, again error) {
	for n, w := range writes {
		fate := fates[n]
		named, rejects := columnOf(fate)
		switch {
		case fate == nil:
			w.trial.accept()
		case rejects && w.trial.reject(named, fate):
		case retry.Permanent(fate), rejects, enough:
			w.err = fate
		default:
			again = fate
			continue
		}
		learned = true
	}
	return learned, again
}

// writeOnce sends a document until it is answered.
func (s *session) writeOnce(ctx context.Context, some []*write) ([]error, error) {
	done, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	writes := make([]mondayclient.Write, len(some))
	for n, w := range some {
		writes[n] = mondayclient.Write{BoardID: s.job.BoardID, ItemID: w.item, Columns: map[string]any{}}
		for _, id := range w.trial.next() {
			writes[n].Columns[id] = w.values[id]
		}
	}
	return repeat(ctx, s, "writing items", func() ([]error, error) { return s.config.Monday.Write(ctx, writes) })
}
