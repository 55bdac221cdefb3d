package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/worker/reserve"
)

// remembered is how long a document can be sent again under its key. Monday remembers a key for 30 minutes.
const remembered = 25 * time.Minute

var errNotCreated = errors.New("monday did not create the item in any attempt")

// lease takes the leases under which the engine decides about the Ids that items show, so that the engine does not link
// a record that gets an item here. It then finds what was linked before.
func (s *session) lease(ctx context.Context, p *page) error {
	some := p.those(func(r *record) bool {
		_, resumed := r.match.(created)
		return resumed || r.isUnmatched()
	})
	if len(some) == 0 {
		return nil
	}
	for _, r := range some {
		p.keys = append(p.keys, ledger.IDLease(r.id))
	}
	for n := 0; ; n++ {
		got, err := s.config.Store.Lease(ctx, s.holder, p.keys, s.config.Timeout+ledger.LeaseMargin)
		if err != nil {
			return err
		}
		if len(got) == len(p.keys) {
			return s.findLinks(ctx, some)
		}
		if n == 10 || !s.pause(ctx, firstWait) {
			return &retry.BusyError{What: "a record"}
		}
	}
}

// create creates the items of records without one.
func (s *session) create(ctx context.Context, p *page) error {
	for _, r := range p.records {
		switch m := r.match.(type) {
		case created:
			p.creations = append(p.creations, resumedCreation(r, m))
		case unmatched:
			p.creations = append(p.creations, newCreation(r))
		}
	}
	for round, failures := 0, 0; failures < attempts; round++ {
		open := slices.DeleteFunc(slices.Clone(p.creations), func(c *creation) bool { return !c.isOpen() })
		if len(open) == 0 {
			return nil
		}
		documents, err := cut(s.migration, open, mostCreates(s.config.Monday.Budget()), fmt.Sprint(s.holder, round))
		if err != nil {
			return err
		}
		if err := s.sendAll(ctx, documents, p.allSent); err != nil {
			return err
		}
		p.documents = append(p.documents, documents...)
		wait, learned := takeAnswers(open, documents, s.migration.Record.IDColumn)
		if !learned {
			failures++
		}
		if wait > 0 && !s.pause(ctx, wait) {
			return &reserve.HoldError{System: "Monday", Wait: wait}
		}
	}
	for _, c := range p.creations {
		if c.isOpen() {
			c.record.fail(errNotCreated)
		}
	}
	return nil
}

// sendAll sends documents, and calls sent when the last one is out.
func (s *session) sendAll(ctx context.Context, documents []*document, sent func()) error {
	var calls panics.Group
	for _, d := range documents {
		done, err := s.turn(ctx)
		if err != nil {
			return errors.Join(err, calls.Wait())
		}
		calls.Go(func() error {
			defer done()
			return s.send(ctx, d)
		})
	}
	sent()
	return calls.Wait()
}

// send stores a document and delivers it.
func (s *session) send(ctx context.Context, d *document) error {
	text, err := json.Marshal(d.creates)
	if err != nil {
		return fmt.Errorf("encoding a document: %w", err)
	}
	stored := store.Document{Key: d.key, BoardID: s.job.BoardID, Records: d.ids, Creates: text}
	if err := s.config.Store.AddDocument(ctx, stored); err != nil {
		return err
	}
	return s.deliver(ctx, d)
}

// deliver sends a stored document, for the first time or again, until it is answered, and stores the answer.
func (s *session) deliver(ctx context.Context, d *document) error {
	answers, err := repeat(ctx, s, "creating items", func() ([]mondayclient.Created, error) {
		return s.config.Monday.Create(ctx, d.creates, d.key)
	})
	if err != nil {
		return err
	}
	d.take(answers)
	text, err := json.Marshal(d.answer)
	if err != nil {
		return fmt.Errorf("encoding an answer: %w", err)
	}
	if err := s.config.Store.AnswerDocument(ctx, d.key, text); err != nil {
		return err
	}
	s.progressed.Store(true)
	return nil
}

// resumeDocuments finds out the results of the documents that earlier sessions left unfinished.
func (s *session) resumeDocuments(ctx context.Context) error {
	left, err := s.config.Store.Documents(ctx, s.job.BoardID)
	if err != nil {
		return err
	}
	for _, stored := range left {
		d, err := readDocument(stored)
		if err != nil {
			return err
		}
		if d.answer == nil {
			if err := s.resume(ctx, d); err != nil {
				return err
			}
		}
		s.backlog.add(d)
	}
	return nil
}

// resume sends a document again. If it is too old for Monday to remember, its items are in the search index by now and
// can be found there. If its values were erased, resume waits for that.
func (s *session) resume(ctx context.Context, d *document) error {
	if time.Since(d.sentAt) < remembered {
		if len(d.creates) == 0 {
			return &ErasedError{Wait: time.Until(d.sentAt.Add(remembered))}
		}
		return s.deliver(ctx, d)
	}
	shown, err := s.searchShown(ctx, d.ids)
	if err != nil {
		return err
	}
	d.answer = make([]answer, len(d.ids))
	for n, id := range d.ids {
		d.answer[n] = answer{ID: shown[id], Columns: d.columns(n)}
	}
	return nil
}

// linkCreations leases the created items and links them. No other process can link them meanwhile: it would need the
// lease on the Id.
func (s *session) linkCreations(ctx context.Context, p *page) error {
	var items []int64
	for _, c := range p.creations {
		if c.item() != 0 {
			items = append(items, c.item())
		}
	}
	if len(items) == 0 {
		return nil
	}
	claimed, err := s.claim(ctx, p, items)
	if err != nil {
		return err
	}
	rec := s.migration.Record
	for _, c := range p.creations {
		if c.item() == 0 {
			continue
		}
		c.claimed = claimed[c.item()]
		c.link = &ledger.Link{ItemID: c.item(), Record: rec.Name, Object: rec.Object}
		c.link.Adopt(c.record.id, ledger.Migrated)
		if c.record.signed {
			c.link.Agree(s.config.Mapping.Key, itemText(c.item()))
		}
		p.agree(s.migration, c, s.job.ID, s.config.Now())
	}
	return nil
}

// claim leases items. It waits for those that others hold.
func (s *session) claim(ctx context.Context, p *page, items []int64) (map[int64]*ledger.Item, error) {
	claimed := make(map[int64]*ledger.Item, len(items))
	for n := 0; ; n++ {
		var missing []ledger.Ref
		for _, id := range items {
			if claimed[id] == nil {
				missing = append(missing, ledger.Ref{BoardID: s.job.BoardID, ItemID: id})
			}
		}
		if len(missing) == 0 {
			return claimed, nil
		}
		if n > 0 && (n == 100 || !s.pause(ctx, firstWait/2)) {
			return nil, &retry.BusyError{What: "an item"}
		}
		got, err := s.config.Store.Claim(ctx, s.holder, missing, s.config.Timeout+ledger.LeaseMargin)
		if err != nil {
			return nil, err
		}
		for id, item := range got {
			claimed[id] = item
			p.claims = append(p.claims, id)
		}
	}
}
