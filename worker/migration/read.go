package migration

import (
	"context"
	"fmt"

	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// start reads the board and, unless the run has begun before, determines where it starts and where its first lap ends.
func (s *session) start(ctx context.Context) error {
	if s.run.Cursor.Until != "" {
		return s.readBoard(ctx)
	}
	var c store.Cursor
	var total int
	var calls panics.Group
	calls.Go(func() error { return s.readBoard(ctx) })
	calls.Go(func() (err error) {
		c, total, err = s.firstLap(ctx)
		return err
	})
	if err := calls.Wait(); err != nil {
		return err
	}
	return s.move(ctx, c, total)
}

// firstLap returns the cursor of the first lap, and how many records it has. If the board has had a run, this one reads
// what changed since.
func (s *session) firstLap(ctx context.Context) (c store.Cursor, total int, err error) {
	last, err := s.config.Store.LastCursor(ctx, s.job.BoardID)
	if err != nil {
		return c, 0, err
	}
	c.At = rewind(last.At)
	until := ""
	var calls panics.Group
	calls.Go(func() (err error) {
		until, err = s.newest(ctx, c)
		return err
	})
	calls.Go(func() (err error) {
		total, err = repeat(ctx, s, "counting records", func() (int, error) {
			return s.config.Salesforce.Count(ctx, countRecords(s.migration, c))
		})
		return err
	})
	if err := calls.Wait(); err != nil {
		return c, 0, err
	}
	if until == "" {
		return store.Cursor{At: last.At}, 0, nil
	}
	c.Until = until
	return c, total, nil
}

// nextLap continues with what changed during the previous lap: by the run's own writes, and by others.
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

// move stores the run's cursor.
func (s *session) move(ctx context.Context, c store.Cursor, total int) error {
	s.run.Cursor, s.run.Total = c, total
	return s.config.Store.MoveRun(ctx, s.run.ID, s.holder, c, total)
}

// newest returns the time of the last change that can be read; empty if there is none.
func (s *session) newest(ctx context.Context, c store.Cursor) (string, error) {
	found, err := repeat(ctx, s, "looking for the newest record", func() ([]sfclient.Record, error) {
		return s.config.Salesforce.Select(ctx, selectNewest(s.migration, c))
	})
	if err != nil || len(found) == 0 {
		return "", err
	}
	return stampOf(found[0])
}

// read sends the pages of the lap until all are sent, the session starts no more pages, or ctx ends because no page is
// needed any more. A query that breaks off is repeated from its last record.
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

// readOn runs one query. It advances at with each record, and leaves an incomplete page in records. It reports whether
// more pages are wanted, and returns the error that broke off the query.
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

// sendPage prepares a page and sends it. It reports whether it was received.
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

// prepare looks up the items of some records.
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

// unlessStopped drops the error of a reader that was stopped on purpose.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// readBoard reads the board. It fails if the board lacks something that every item needs.
func (s *session) readBoard(ctx context.Context) error {
	read, err := repeat(ctx, s, "reading the board", func() (mondayclient.Board, error) {
		return s.config.Monday.Board(ctx, s.migration.Board.ID)
	})
	if err != nil {
		return err
	}
	s.board = board{types: map[string]column.Type{}, labels: map[string][]string{}}
	for _, c := range read.Columns {
		s.board.types[c.ID] = c.Type
		if len(c.Labels) > 0 {
			s.board.labels[c.ID] = c.Labels
		}
	}
	for _, t := range s.migration.Targets {
		if s.board.typeOf(t.Column()) == "" {
			s.config.Log.Warn("the board has no such column: its field is left out",
				"board", s.migration.Board.ID, "column", t.Column(), "field", t.Name)
		}
	}
	return s.board.check(s.migration, read.Groups)
}
