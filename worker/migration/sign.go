package migration

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"crmsync/internal/advice"
	"crmsync/internal/panics"
	"crmsync/internal/retry"
	"crmsync/worker/engine/send"
)

const (
	// signSize is the maximum number of records in a call to Salesforce.
	signSize = 200

	// signsAtOnce is the number of concurrent calls, enough for a page: they do not use Monday's budget.
	signsAtOnce = pageSize / signSize
)

// signature is a record into which the id of its new item will be written.
type signature struct {
	record *record
	item   int64
	err    error
}

// sign writes the ids of new items into the key field of their records.
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
		if g.err != nil {
			g.record.fail(fmt.Errorf("writing %s: %w", s.config.Mapping.Key, g.err))
		}
	}
	return nil
}

// signatures returns the records of new items that do not carry the item's id.
func signatures(p *page, key string) (open []*signature) {
	for _, c := range p.creations {
		r, item := c.record, c.item()
		if item == 0 || r.outcome == isFailed {
			continue
		}
		if r.signed = r.key(key) == item; !r.signed {
			open = append(open, &signature{record: r, item: item})
		}
	}
	return open
}

// announce records in advance that this lap changes records. The change moves them behind the lap's end: if the process
// dies before the page is committed, only another lap finds them.
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

// signSome writes keys until each record has its key or has used up its attempts. If no key could be written, for a
// transient reason, that is an error of the session.
func (s *session) signSome(ctx context.Context, all []*signature) error {
	object, key := s.migration.Record.Object, s.config.Mapping.Key
	for n, open := 0, all; ; n++ {
		writes := make([]send.Write, len(open))
		for i, g := range open {
			fields := map[string]any{key: itemText(g.item)}
			writes[i] = send.Write{Op: send.Update, Object: object, ID: g.record.id, Fields: fields}
		}
		again := takeOutcomes(object, open, s.sender.Send(ctx, writes))
		if len(again) < len(open) {
			s.progressed.Store(true)
		}
		if len(again) == 0 || n == attempts && len(again) < len(all) {
			return nil
		}
		err := again[0].err
		if n == attempts || !s.pause(ctx, max(firstWait<<min(n, 4), retry.After(err))) {
			return fmt.Errorf("writing key fields: %w", err)
		}
		open = again
	}
}

// takeOutcomes records the results, and returns the keys worth another attempt.
func takeOutcomes(object string, open []*signature, outcomes []send.Outcome) (again []*signature) {
	for n, g := range open {
		code := ""
		switch o := outcomes[n].(type) {
		case send.Done:
			code = codeOfRejection(o.Left)
		case send.Rejected:
			code = cmp.Or(codeOfRejection(o.Rejections), advice.Refused)
		case send.Gone:
			code = o.Code
		case send.Retry:
			g.err = o.Err
			again = append(again, g)
			continue
		case send.Unknown: // writing the same value twice is harmless
			g.err = o.Err
			again = append(again, g)
			continue
		}
		if g.record.signed, g.err = code == "", nil; code != "" {
			g.err = &recordError{object: object, code: code}
		}
	}
	return again
}

func codeOfRejection(rejections []send.Rejection) string {
	if len(rejections) == 0 {
		return ""
	}
	return cmp.Or(rejections[0].Code, "UNKNOWN_EXCEPTION")
}
