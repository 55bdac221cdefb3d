package migration

import (
	"context"
	"fmt"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// begin finds where the run starts and where its first lap ends. A board that has a run behind it reads what changed
// since.
func (s *session) begin(ctx context.Context) error {
	last, err := s.config.Store.LastCursor(ctx, s.job.BoardID)
	if err != nil {
		return err
	}
	c, total := store.Cursor{At: rewind(last.At)}, 0
	if c.Until, err = s.newest(ctx, c); err != nil {
		return err
	}
	if c.Until == "" {
		c = store.Cursor{At: last.At}
	} else {
		total, err = repeat(ctx, s, "counting records", func() (int, error) {
			return s.config.Salesforce.Count(ctx, countRecords(s.migration, c))
		})
		if err != nil {
			return err
		}
	}
	return s.move(ctx, c, total)
}

// nextLap goes on with what changed while the lap before was read: by the run's own writes, and by others.
func (s *session) nextLap(ctx context.Context) (err error) {
	c := store.Cursor{At: s.run.Cursor.Until, Lap: s.run.Cursor.Lap + 1}
	if c.Until, err = s.newest(ctx, c); err != nil {
		return err
	}
	if c.Until == "" {
		c.Until = c.At
	}
	return s.move(ctx, c, s.run.Total)
}

// move stores where the run stands.
func (s *session) move(ctx context.Context, c store.Cursor, total int) error {
	s.run.Cursor, s.run.Total = c, total
	return s.config.Store.MoveRun(ctx, s.run.ID, s.holder, c, total)
}

// newest returns the time of the last change that is there to read; empty: there is none.
func (s *session) newest(ctx context.Context, c store.Cursor) (string, error) {
	found, err := repeat(ctx, s, "looking for the newest record", func() ([]sfclient.Record, error) {
		return s.config.Salesforce.Select(ctx, selectNewest(s.migration, c))
	})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return stampOf(found[0])
}

// lap reads the records from the cursor to the end of the lap, and reports whether it came there. While one page is
// written to the board, the next one is read and looked up.
func (s *session) lap(ctx context.Context) (finished bool, err error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	pages := make(chan *page)
	var group panics.Group
	group.Go(func() error {
		defer close(pages)
		var err error
		finished, err = s.read(reading, pages)
		return err
	})
	group.Go(func() error {
		defer stop()
		for p := range pages {
			if err := s.take(ctx, p); err != nil {
				return err
			}
			if !s.mayBegin() {
				return nil
			}
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return false, err
	}
	return finished, ctx.Err()
}

// read sends on the pages of the lap until all are sent, the session begins no further page, or ctx ends because no
// page is wanted any more. A query that breaks off is repeated from where it came to.
func (s *session) read(ctx context.Context, pages chan<- *page) (finished bool, err error) {
	at := s.run.Cursor
	var records []*record
	for failures, wait := 0, firstWait; ; {
		before := at
		more, broken, err := s.readOn(ctx, &at, &records, pages)
		switch {
		case err != nil || !more || ctx.Err() != nil:
			return false, unlessStopped(ctx, err)
		case broken == nil:
			return s.sendPage(ctx, records, pages)
		}
		if at != before {
			failures, wait = 0, firstWait
		}
		if failures++; retry.Permanent(broken) || failures == attempts || !s.pause(ctx, max(wait, retry.After(broken))) {
			return false, unlessStopped(ctx, fmt.Errorf("reading records: %w", broken))
		}
		wait *= 2
	}
}

// readOn makes one query. It moves at on with each record, and leaves those of a page that is not full in records. It
// reports whether more pages are wanted, and the error by which the query broke off.
func (s *session) readOn(
	ctx context.Context, at *store.Cursor, records *[]*record, pages chan<- *page,
) (more bool, broken, err error) {
	soql := selectRecords(s.migration, s.config.Mapping.Key, after(s.migration, *at))
	for fields, broken := range s.config.Salesforce.Query(ctx, soql) {
		if broken != nil {
			return true, broken, nil
		}
		r, err := readRecord(fields)
		if err != nil {
			return false, nil, err
		}
		*records = append(*records, r)
		at.At, at.ID = r.stamp, r.id
		if len(*records) < pageSize {
			continue
		}
		sent, err := s.sendPage(ctx, *records, pages)
		if err != nil || !sent || !s.mayBegin() {
			return false, nil, err
		}
		*records = nil
	}
	return true, nil, nil
}

// sendPage prepares a page and sends it on. It reports whether it was taken.
func (s *session) sendPage(ctx context.Context, records []*record, pages chan<- *page) (sent bool, err error) {
	if len(records) == 0 {
		return true, nil
	}
	p, err := s.prepare(ctx, records)
	if err != nil {
		return false, unlessStopped(ctx, err)
	}
	select {
	case pages <- p:
		return true, nil
	case <-ctx.Done():
		return false, nil
	}
}

// prepare looks up what is there of some records.
func (s *session) prepare(ctx context.Context, records []*record) (*page, error) {
	ids := make([]string, len(records))
	for n, r := range records {
		ids[n] = r.id
	}
	failed, err := s.config.Store.FailedOf(ctx, s.job.BoardID, ids)
	if err != nil {
		return nil, err
	}
	p := newPage(records)
	p.records = skipFailed(p.records, failed, s.run.ID)
	return p, s.find(ctx, p)
}

// unlessStopped drops the error of a reader that was stopped from here.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
