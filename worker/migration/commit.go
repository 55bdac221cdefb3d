package migration

import (
	"context"
	"errors"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// saveCreations stores the links of new items, so that no other process has to wait for them, and the comparison finds
// them. It moves no cursor: a page that is not committed is read again, and finds the items by their links.
func (s *session) saveCreations(ctx context.Context, p *page) error {
	c := store.Commit{Keys: p.keys, Requeue: s.config.Requeue}
	for _, n := range p.creations {
		if n.link != nil {
			n.link.Stamp(s.migration.Record.Made())
			c.Links, c.Appeared = append(c.Links, n.link), true
			c.Items = append(c.Items, handed(n.claimed))
		}
	}
	if len(c.Links)+len(c.Keys) == 0 {
		return nil
	}
	done := store.Page{RunID: s.run.ID, BoardID: s.job.BoardID, Cursor: s.run.Cursor}
	for _, d := range p.documents {
		done.Documents = append(done.Documents, d.key)
	}
	done.Documents = append(done.Documents, s.backlog.settle(p.records)...)
	if err := s.config.Store.SavePage(ctx, s.holder, c, done); err != nil {
		return err
	}
	p.keys, p.claims = nil, nil
	return nil
}

// handed returns an item whose lease ends. What a dead worker left in doubt stays in doubt until the item's next event.
func handed(item *ledger.Item) store.ItemChange {
	return store.ItemChange{Item: item, Changed: item.Known, Left: item.Abandoned}
}

// commit stores the results of a page and the run's cursor in one transaction. If the page failed as a whole, the
// results are still stored, but the cursor does not move.
func (s *session) commit(ctx context.Context, p *page) error {
	whole := s.wholeError(p)
	done := store.Page{
		RunID: s.run.ID, BoardID: s.job.BoardID, Cursor: s.run.Cursor, Recovered: p.dropped, Failures: p.failures,
	}
	for _, r := range p.records {
		r.count(&done.Counts, s.run.Cursor.Lap)
		s.note(&done, r, whole != nil)
	}
	if !p.again && whole == nil && p.end.id != "" {
		done.Cursor.At, done.Cursor.ID = p.end.stamp, p.end.id
	}
	if err := s.config.Store.SavePage(ctx, s.holder, store.Commit{}, done); err != nil {
		return err
	}
	s.run.Cursor = done.Cursor
	s.progressed.Store(true)
	n := done.Counts
	s.config.Log.Debug("page done", "board", s.job.BoardID, "run", s.run.ID, "read", n.Read, "created", n.Created,
		"updated", n.Updated, "conflicts", n.Conflicts, "failed", n.Failed, "left_out", n.LeftOut, "age",
		time.Since(s.run.StartedAt))
	if whole != nil {
		return whole
	}
	return nil
}

// wholeError returns why a page failed as a whole, or nil. Records that failed in an earlier run do not count.
func (s *session) wholeError(p *page) *PageError {
	if p.again {
		return nil
	}
	return failedWhole(p.records)
}

// note adds a record's failure, or its missing columns, to the commit. The next run attempts it again. If all failed
// for one reason, the run itself reports the reason.
func (s *session) note(done *store.Page, r *record, whole bool) {
	if r.outcome != isFailed && len(r.leftOut) == 0 {
		if r.known {
			done.Recovered = append(done.Recovered, r.id)
		}
		if alone, is := r.match.(leftAlone); is {
			s.config.Log.Debug("record left alone", "board", s.job.BoardID, "salesforce_id", r.id, "reason", alone.why)
		}
		return
	}
	failed := store.FailedRecord{SalesforceID: r.id}
	if r.outcome == isFailed {
		failed.Code = codeOf(r.err)
		if !whole {
			done.Failures = append(done.Failures, s.rejected(r, "", r.err))
		}
	}
	for _, rejected := range r.leftOut {
		failed.Columns = append(failed.Columns, rejected.column)
		done.Failures = append(done.Failures, s.rejected(r, rejected.column, rejected.err))
	}
	done.Failed = append(done.Failed, failed)
}

// rejected returns the error log's row for a record, or for one of its columns.
func (s *session) rejected(r *record, columnID string, err error) store.Failure {
	return s.failure(r, columnID, "permanent", codeOf(err), err.Error())
}

func (s *session) failure(r *record, columnID, class, code, message string) store.Failure {
	return store.Failure{
		JobID: s.job.ID, Attempt: s.job.Attempt, Event: s.job.Kind,
		BoardID: s.job.BoardID, ItemID: r.match.itemID(), ColumnID: columnID,
		Object: s.migration.Record.Object, SalesforceID: r.id, Class: class, Code: code, Message: message,
	}
}

// release releases the page's leases.
func (s *session) release(ctx context.Context, p *page) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return errors.Join(s.config.Store.Release(ctx, s.holder, p.claims), s.config.Store.Free(ctx, s.holder, p.keys))
}
