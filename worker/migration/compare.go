package migration

import (
	"context"
	"fmt"
	"slices"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// compareSize is the maximum number of items that the engine compares at once.
const compareSize = 200

// compared is a record whose item the engine compares.
type compared struct {
	record   *record
	item     int64
	assigned *engine.Assigned // the item is not linked yet; nil: it is

	found engine.Found
	err   error // why it could not be compared in any attempt
}

// compare lets the engine compare the items of the records that may have changed, and the new items that lack columns.
func (s *session) compare(ctx context.Context, p *page) error {
	all := s.toCompare(p)
	writesKey := func(c *compared) bool { return c.assigned != nil || c.record.key(s.config.Mapping.Key) == 0 }
	if slices.ContainsFunc(all, writesKey) {
		if err := s.announce(ctx); err != nil {
			return err
		}
	}
	if err := s.compareAll(ctx, all, false); err != nil {
		return err
	}
	for _, c := range all {
		s.settle(p, c)
	}
	return nil
}

// toCompare returns the records of a page whose items may have to change. Items of other records are not even read.
func (s *session) toCompare(p *page) (all []*compared) {
	for _, r := range p.records {
		switch m := r.match.(type) {
		case linked:
			if r.key(s.config.Mapping.Key) == 0 || settle.SalesforceMoved(s.known(p, r, m.link)) {
				all = append(all, &compared{record: r, item: m.item})
			}
		case found:
			all = append(all, &compared{record: r, item: m.item,
				assigned: &engine.Assigned{SalesforceID: r.id, Origin: m.origin}})
		}
	}
	for _, c := range p.creations {
		if c.link != nil && c.lacks() {
			all = append(all, &compared{record: c.record, item: c.item()})
		}
	}
	return all
}

// known returns what is known of a linked record before its item is read: only the types of the item's columns.
func (s *session) known(p *page, r *record, link *ledger.Link) settle.Input {
	bare := mapping.Item{Columns: map[string]column.Value{}}
	for id, typ := range s.board.types {
		bare.Columns[id] = column.Value{Type: typ}
	}
	return settle.Input{
		Record: s.migration.Record, Item: bare, Link: link, Holds: r.fields, Items: p.items, Imports: s.migration.Targets,
		Now: s.config.Now(),
	}
}

// compareAll has items compared, some of them concurrently. If dry, nothing is changed.
func (s *session) compareAll(ctx context.Context, all []*compared, dry bool) error {
	var calls panics.Group
	for some := range slices.Chunk(all, compareSize) {
		calls.Go(func() error { return s.compareSome(ctx, some, dry) })
	}
	return calls.Wait()
}

// compareSome repeats a comparison until each item was compared or has used up its attempts. If none could be compared,
// that is an error of the session.
func (s *session) compareSome(ctx context.Context, all []*compared, dry bool) error {
	for failures, open := 0, all; ; {
		again, err := s.compareOnce(ctx, open, dry)
		switch {
		case err != nil:
			return err
		case len(again) == 0:
			return nil
		case len(again) < len(open):
			failures = 0
		}
		failures++
		if failures == attempts && len(again) < len(all) {
			for _, c := range again {
				c.err = c.found.Err
			}
			return nil
		}
		cause := again[0].found.Err
		if failures == attempts || !s.pause(ctx, max(firstWait<<min(failures, 4), retry.After(cause))) {
			return fmt.Errorf("comparing items: %w", cause)
		}
		open = again
	}
}

// compareOnce has items compared, and returns those worth another attempt.
func (s *session) compareOnce(ctx context.Context, open []*compared, dry bool) (again []*compared, err error) {
	done, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	page := engine.Page{
		BoardID: s.job.BoardID, JobID: s.job.ID, Holder: s.holder, Import: s.migration, Dry: dry,
		Assigned: map[int64]engine.Assigned{},
	}
	for _, c := range open {
		page.Unread = append(page.Unread, c.item)
		if c.assigned != nil {
			page.Assigned[c.item] = *c.assigned
		}
	}
	found, _, err := s.config.Engine.Compare(ctx, page)
	if err != nil {
		return nil, fmt.Errorf("comparing items: %w", err)
	}
	for n, c := range open {
		if c.found = found[n]; c.found.Err != nil {
			again = append(again, c)
		}
	}
	if len(again) < len(open) {
		s.progressed.Store(true)
	}
	return again, nil
}

// settle records the result for an item that was compared.
func (s *session) settle(p *page, c *compared) {
	r := c.record
	if c.err != nil {
		r.fail(c.err)
		return
	}
	result := isUnchanged
	for _, d := range c.found.Differences {
		switch {
		case d.Rejected && d.Takes:
			r.leftOut = append(r.leftOut, rejection{d.Column, &recordError{"column " + d.Column, d.Code}})
		case d.Rejected:
			r.fail(&recordError{d.Object, d.Code})
		case doesOf(d) == Stays:
			if s.isNew(clash{r.id, d.Field, d.Salesforce}) {
				s.logConflict(p, c, d)
				result = isConflict
			}
		case doesOf(d) != "" && result != isConflict:
			result = isUpdated
		}
	}
	if r.outcome == isUnchanged {
		r.outcome = result
	}
}

// isNew reports whether the session has not found a clash before: a later lap reads some records again.
func (s *session) isNew(c clash) bool {
	if s.clashes[c] {
		return false
	}
	if s.clashes == nil {
		s.clashes = map[clash]bool{}
	}
	s.clashes[c] = true
	return true
}

// Does is what a run does with the values of both sides.
type Does string

// What a run can do.
const (
	Takes Does = "takes" // the column takes Salesforce's value
	Sends Does = "sends" // Salesforce takes Monday's value
	Stays Does = "stays" // both changed, and each keeps its value
)

// doesOf returns what a run does about a difference; empty: nothing beyond linking.
func doesOf(d engine.Difference) Does {
	switch {
	case d.Takes:
		return Takes
	case d.Sends && d.Kind != plan.WrongKey && d.Kind != plan.IDColumn:
		return Sends
	case d.Kind == plan.BothChanged && d.Column != "" && !d.Sends:
		return Stays
	}
	return ""
}

// logConflict logs a value that changed on both sides.
func (s *session) logConflict(p *page, c *compared, d engine.Difference) {
	r, object := c.record, s.migration.Record.Object
	message := fmt.Sprintf("%s.%s changed on both sides: Salesforce at %s, Monday at %s; Monday's value stays",
		object, d.Field, r.stamp, d.MondayAt.UTC().Format(soqlTime))
	p.failures = append(p.failures, s.failure(r, d.Column, "conflict", "CONFLICT", message))
	s.config.Log.Warn("conflict", "board", s.job.BoardID, "item", c.item, "column", d.Column, "object", object,
		"field", d.Field, "salesforce_id", r.id, "salesforce_at", r.stamp, "monday_at", d.MondayAt)
}
