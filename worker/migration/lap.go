package migration

import (
	"context"
	"errors"
	"slices"

	"crmsync/internal/panics"
	"crmsync/schema/mapping"
)

// lap processes the records from the cursor to the end of the lap, and reports whether it reached it. While one page is
// finished, the items of the next one are created, and the one after that is read and prepared. Creating items takes
// the most calls, so these are kept going: the next page's follow as soon as all of a page's are out.
func (s *session) lap(ctx context.Context) (finished bool, err error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	pages, begun := make(chan *page), make(chan *page)
	var group panics.Group
	group.Go(func() error {
		defer close(pages)
		var err error
		finished, err = s.read(reading, pages)
		return err
	})
	group.Go(func() error {
		defer stop()
		defer close(begun)
		return s.beginPages(ctx, reading, pages, begun)
	})
	group.Go(func() error {
		defer stop()
		for p := range begun {
			if err := <-p.begun; err != nil {
				return err
			}
			if err := s.finish(ctx, p); err != nil {
				return err
			}
			close(p.finished)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return false, err
	}
	return finished, ctx.Err()
}

// beginPages begins pages and sends them on, until the session starts no more pages, or until wanted ends because a
// page could not be finished. That page is read again by the next session, and so is one that was begun after it: the
// documents that created its items are stored.
func (s *session) beginPages(ctx, wanted context.Context, pages <-chan *page, begun chan<- *page) error {
	isFirst := true
	var last *page
	for p := range pages {
		// The first page is awaited, so that a fault of every record affects only one page.
		if last != nil && (isFirst || s.dependsOn(p, last)) {
			select {
			case <-last.finished:
				isFirst = false
			case <-wanted.Done():
				return nil
			}
		}
		go s.beginPage(ctx, p)
		<-p.sent
		select {
		case begun <- p:
		case <-wanted.Done():
			if err := <-p.begun; err != nil {
				return nil // the reason that ended wanted comes first
			}
			return s.release(ctx, p)
		}
		if !s.mayBegin() {
			return nil
		}
		last = p
	}
	return nil
}

// beginPage takes a page through its first stages.
func (s *session) beginPage(ctx context.Context, p *page) {
	err := panics.Catch(func() error { return s.begin(ctx, p) })
	p.allSent()
	p.begun <- err
}

// dependsOn reports whether a page may only be begun once the one before it is finished: if its items are connected to
// that page's, or if a record is in both.
func (s *session) dependsOn(p, before *page) bool {
	if slices.ContainsFunc(s.migration.Targets, func(t *mapping.Field) bool { return t.Link() == s.migration.Record }) {
		return true
	}
	in := map[string]bool{}
	for _, r := range before.records {
		in[r.id] = true
	}
	return slices.ContainsFunc(p.records, func(r *record) bool { return in[r.id] })
}

// take takes a page through all stages.
func (s *session) take(ctx context.Context, p *page) error {
	if err := s.begin(ctx, p); err != nil {
		return err
	}
	return s.finish(ctx, p)
}

// createItems creates the items of the page's records that have none.
func (s *session) createItems(ctx context.Context, p *page) error {
	if err := s.config.Reserve.Check(); err != nil {
		return err
	}
	return s.through(ctx, p, s.readValues, s.lease, s.create)
}

// apply links the page's new items, applies what changed in the records of the others, and commits the page.
func (s *session) apply(ctx context.Context, p *page) error {
	if err := s.through(ctx, p, s.sign, s.linkCreations, s.saveCreations, s.compare); err != nil {
		return err
	}
	return s.commit(ctx, p)
}

// through takes a page through stages. If one of them fails, it ends the page's leases.
func (s *session) through(ctx context.Context, p *page, stages ...func(context.Context, *page) error) error {
	err := panics.Catch(func() error {
		for _, stage := range stages {
			if err := stage(ctx, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return errors.Join(err, s.release(ctx, p))
	}
	return nil
}
