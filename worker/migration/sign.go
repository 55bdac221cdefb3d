package migration

import (
	"context"
	"fmt"
	"slices"

	"crmsync/internal/panics"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

const (
	// signSize is the most records of a call to Salesforce.
	signSize = 200

	// signsAtOnce is as many calls as a page takes: they are no business of Monday's budget.
	signsAtOnce = pageSize / signSize
)

// signature is a record that is to carry the id of its item.
type signature struct {
	record *record
	item   int64
	link   *ledger.Link // nil: not claimed
	err    error
}

// sign writes the ids of the items into the key field of the records that do not carry them yet.
func (s *session) sign(ctx context.Context, p *page) error {
	open := signatures(p, s.config.Mapping.Key)
	if len(open) == 0 {
		return nil
	}
	if err := s.announce(ctx); err != nil {
		return err
	}
	var calls panics.Group
	calls.SetLimit(signsAtOnce)
	for some := range slices.Chunk(open, signSize) {
		calls.Go(func() error { return s.signSome(ctx, some) })
	}
	if err := calls.Wait(); err != nil {
		return err
	}
	for _, g := range open {
		switch {
		case g.err != nil:
			g.record.fail(fmt.Errorf("writing %s: %w", s.config.Mapping.Key, g.err))
		case g.link != nil:
			g.link.Agree(s.config.Mapping.Key, itemText(g.item))
		}
	}
	return nil
}

// signatures are the records of new and adopted items that do not carry the item's id, and those of linked items that carry
// none, since writing it failed before.
func signatures(p *page, key string) (open []*signature) {
	add := func(r *record, item int64, link *ledger.Link) {
		if item == 0 || r.outcome == isFailed {
			return
		}
		if r.signed = r.key(key) == item; !r.signed {
			open = append(open, &signature{record: r, item: item, link: link})
		}
	}
	for _, u := range p.updates {
		if u.read != nil && u.adopts {
			add(u.record, u.item, u.link)
		}
	}
	for _, c := range p.creations {
		add(c.record, c.item(), nil)
	}
	for _, r := range p.records {
		if m, ok := r.match.(linked); ok && r.key(key) == 0 {
			add(r, m.item, nil)
		}
	}
	return open
}

// announce records, before it happens, that this lap changes records. That moves them behind the lap's end: if the process dies
// before the page is committed, only a further lap finds them.
func (s *session) announce(ctx context.Context) error {
	if s.run.Cursor.Wrote {
		return nil
	}
	c := s.run.Cursor
	c.Wrote = true
	if err := s.config.Store.MoveRun(ctx, s.run.ID, s.holder, c, s.run.Total); err != nil {
		return err
	}
	s.run.Cursor = c
	return nil
}

// signSome makes calls until each record has taken its key or was attempted often enough. Where no record takes it, for a reason
// that may pass, that is an error of the session.
func (s *session) signSome(ctx context.Context, all []*signature) error {
	object := s.migration.Record.Object
	for n, open := 0, all; ; n++ {
		records := make([]sfclient.Record, len(open))
		for i, g := range open {
			records[i] = sfclient.Record{"Id": g.record.id, s.config.Mapping.Key: itemText(g.item)}
		}
		results, err := repeat(ctx, s, "writing key fields", func() ([]sfclient.Result, error) {
			return s.config.Salesforce.Update(ctx, object, records, sfclient.WriteOptions{})
		})
		if err != nil {
			return err
		}
		again := takeResults(object, open, results)
		if len(again) < len(open) {
			s.progressed.Store(true)
		}
		if len(again) == 0 || n == attempts && len(again) < len(all) {
			return nil
		}
		if n == attempts || !s.pause(ctx, firstWait<<min(n, 4)) {
			return again[0].err
		}
		open = again
	}
}

// takeResults records what became of the keys, and returns those that may be taken by another call.
func takeResults(object string, open []*signature, results []sfclient.Result) (again []*signature) {
	for n, g := range open {
		if g.record.signed = results[n].Success; g.record.signed {
			g.err = nil
			continue
		}
		refused := &recordError{object: object}
		if len(results[n].Errors) > 0 {
			refused.row = results[n].Errors[0]
		}
		if g.err = refused; refused.mayPass() {
			again = append(again, g)
		}
	}
	return again
}
