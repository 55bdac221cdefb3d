package sweep

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
)

// UnmappedError means that the mapping does not contain the board of a sweep.
type UnmappedError struct{ BoardID int64 }

func (e *UnmappedError) Error() string { return fmt.Sprintf("the mapping has no board %d", e.BoardID) }

// Permanent reports that another attempt is pointless.
func (e *UnmappedError) Permanent() bool { return true }

// Work continues a sweep by at least one page, until it is done or the time is up. It reports whether it is done.
func (s *Sweeper) Work(ctx context.Context, id int64, job store.JobEnd, until time.Time) (done bool, err error) {
	board, w, err := s.sweepOf(ctx, id)
	if err != nil || w.State != "running" {
		return err == nil, err
	}
	held, err := s.claim(ctx, id)
	if err != nil {
		return false, err
	}
	defer held.release(ctx)
	var next *ahead
	defer func() { next.drop() }()
	for first := true; w.Pages == 0 || w.Cursor != ""; first = false {
		if !first && !s.Now().Before(until) {
			return false, nil
		}
		if !isSmall(w) {
			if err := s.Reserve.Check(); err != nil {
				return false, err
			}
		}
		part, err := s.readFor(ctx, board, w, next)
		next.drop()
		if next = nil; err == nil && s.hasTime(w, part, until) {
			next = s.readAhead(ctx, board, w, part.cursor)
		}
		if err == nil {
			err = s.page(ctx, board, w, part, held)
		}
		if expired(err) {
			err = s.Store.RestartSweep(ctx, id)
		}
		if err != nil && !errors.Is(err, store.ErrOvertaken) {
			return false, err
		}
		if board, w, err = s.sweepOf(ctx, id); err != nil || w.State != "running" {
			return err == nil, err
		}
	}
	if err := s.end(ctx, board, w); err != nil {
		return false, err
	}
	job.BoardID = w.BoardID
	return true, s.Store.FinishSweep(ctx, id, job)
}

// isSmall reports whether a sweep is of so few named items that it is no bulk work: a person asks for them.
func isSmall(w store.Sweep) bool {
	return len(w.Options.Items) > 0 && len(w.Options.Items) <= itemsAtOnce
}

func (s *Sweeper) sweepOf(ctx context.Context, id int64) (*mapping.Board, store.Sweep, error) {
	found, err := s.Store.Sweeps(ctx, []int64{id})
	if err != nil {
		return nil, store.Sweep{}, err
	}
	if len(found) == 0 {
		return nil, store.Sweep{State: "failed"}, nil
	}
	board := s.Mapping.Board(found[0].BoardID)
	if board == nil && found[0].State == "running" {
		return nil, found[0], &UnmappedError{BoardID: found[0].BoardID}
	}
	return board, found[0], nil
}

// expired reports whether Monday no longer knows the cursor.
func expired(err error) bool {
	var refused *mondayclient.Error
	return errors.As(err, &refused) && refused.Code == "CursorException"
}

// hasTime reports whether the page after this one may be read ahead. Which of the newest items are unknown depends on
// the page before.
func (s *Sweeper) hasTime(w store.Sweep, part page, until time.Time) bool {
	return part.cursor != "" && w.Options.Recent == nil && s.Now().Before(until) && s.Reserve.Check() == nil
}

// page compares one page, and advances the sweep.
func (s *Sweeper) page(ctx context.Context, board *mapping.Board, w store.Sweep, part page, held *claim) (err error) {
	part.JobID, part.Choices = w.ID, plan.Choices{Adopt: adopted(w.Options), Enforce: w.Options.Enforce}
	saved := store.SweptPage{Sweep: w, Cursor: part.cursor}
	var items []int64
	for _, item := range part.Items {
		items = append(items, item.ID)
	}
	if w.Options.Recent == nil { // otherwise nothing counts as seen, since the rest of the board was not read
		saved.Seen = items
	}
	if saved.Counts.Skipped, err = s.keepPlanned(ctx, &part.Page, w.Options.Planned); err != nil {
		return err
	}
	var busy []ledger.Ref
	var reason error // why the first of them is
	if len(part.Items) > 0 {
		part.Holder, part.Lease = held.holds(items), s.lease()
		found, _, err := s.Engine.Compare(ctx, part.Page)
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.Err != nil {
				busy, reason = append(busy, ledger.Ref{BoardID: board.ID, ItemID: f.ItemID}), cmp.Or(reason, f.Err)
			}
			count(&saved, f)
		}
	}
	saved.Counts.Busy = len(busy)
	chosen := w.Options.Enforce || adopted(w.Options) != ""
	if chosen && len(busy) > 0 && len(busy) == len(w.Options.Items) {
		return reason // the same again, later
	}
	return s.Store.SaveSweptPage(ctx, saved, func(ctx context.Context,
		tx pgx.Tx) error {
		if chosen && len(busy) > 0 {
			return s.again(ctx, tx, w, busy)
		}
		return s.Queue(ctx, tx, resyncs(busy))
	})
}

// again adds a sweep of the items of another that were busy: a resync would not do what a person has chosen.
func (s *Sweeper) again(ctx context.Context, tx pgx.Tx, w store.Sweep, busy []ledger.Ref) error {
	w.Options.Items = nil
	for _, item := range busy {
		w.Options.Items = append(w.Options.Items, item.ItemID)
	}
	_, err := s.Store.AddSweepIn(ctx, tx, w, func(ctx context.Context, tx pgx.Tx, id int64) error {
		return s.Queue(ctx, tx, []any{jobs.SweepBoardArgs{SweepID: id}})
	})
	if errors.Is(err, store.ErrSweeping) {
		return nil // it was asked for before
	}
	return err
}

// adopted returns the side whose value ends first meetings.
func adopted(o store.SweepOptions) mapping.Side {
	switch {
	case o.Adopt:
		return mapping.Monday
	case o.AdoptBack:
		return mapping.Salesforce
	}
	return ""
}

// readFor returns the next page of a sweep, which may have been read ahead.
func (s *Sweeper) readFor(ctx context.Context, board *mapping.Board, w store.Sweep, next *ahead) (p page, err error) {
	if w.Options.Recent == nil {
		if p, ok, err := next.take(w.Cursor); ok {
			return p, err
		}
		return s.read(ctx, board, w.Cursor, w.Options.Items)
	}
	if p, err = s.readRecent(ctx, board, w.Cursor, *w.Options.Recent); err == nil && len(p.Items) > 0 {
		err = s.keepUnknown(ctx, &p.Page)
	}
	return p, err
}

// keepPlanned keeps the items of a page whose difference is the planned one, and returns how many others there are.
func (s *Sweeper) keepPlanned(ctx context.Context, page *engine.Page,
	planned map[int64]string) (skipped int, err error) {
	if planned == nil {
		return 0, nil
	}
	dry := *page
	dry.Dry, dry.Items = true, nil
	for _, item := range page.Items {
		if planned[item.ID] != "" {
			dry.Items = append(dry.Items, item)
		}
	}
	page.Items = nil
	if len(dry.Items) == 0 {
		return 0, nil
	}
	found, _, err := s.Engine.Compare(ctx, dry)
	for n, f := range found {
		if f.Err == nil && Digest(f) == planned[f.ItemID] {
			page.Items = append(page.Items, dry.Items[n])
		} else {
			skipped++
		}
	}
	return skipped, err
}

func count(p *store.SweptPage, f engine.Found) {
	p.Counts.Items++
	p.Counts.Fields += f.Fields
	for _, d := range f.Differences {
		action := "leave"
		switch {
		case d.Rejected:
			action = "reject"
			p.Counts.Rejected++
		case (d.Sends || d.Takes) && f.Err == nil:
			action = "write"
			p.Counts.Written++
		}
		p.Counts.Differing++
		p.Found = append(p.Found, store.FoundDifference{
			ItemID: f.ItemID, Record: d.Record, Object: d.Object, SalesforceID: d.SalesforceID, Field: d.Field,
			Kind: string(d.Kind), Code: d.Code, Action: action,
		})
	}
}

// end ends the items that Monday has archived or deleted, and has moved items compared. As for an event, Monday is
// asked again, and the brake holds excess deletions.
func (s *Sweeper) end(ctx context.Context, board *mapping.Board, w store.Sweep) error {
	if w.Options.Recent != nil {
		return nil // a recent sweep sees only a part of the board
	}
	candidates, err := s.Store.Unswept(ctx, w)
	if err != nil {
		return err
	}
	ended, moved, _, err := s.ended(ctx, board.ID, candidates)
	if err != nil {
		return err
	}
	held, err := s.heldDeletions(ctx, w)
	if err != nil {
		return err
	}
	saved := store.SweptPage{Sweep: w, Seen: append(ended[:len(ended):len(ended)], keys(moved)...)}
	var queued []any
	var deleted []int64
	for _, id := range ended {
		if planned := w.Options.Planned; planned != nil && planned[id] == "" {
			continue
		}
		deleted = append(deleted, id)
		queued = append(queued, jobs.ItemDeleteArgs{Event: jobs.Event{
			Key: fmt.Sprintf("sweep:%d:%d", w.ID, id), Type: "delete_pulse", BoardID: board.ID, ItemID: id,
			TriggeredAt: s.Now().UTC(), ReceivedAt: s.Now().UTC(),
		}})
		saved.Found = append(saved.Found, store.FoundDifference{ItemID: id, Kind: string(plan.Deleted), Action: "write"})
	}
	for id, to := range moved {
		queued = append(queued, jobs.ItemResyncArgs{BoardID: to, ItemID: id})
	}
	for _, id := range held {
		saved.Found = append(saved.Found, store.FoundDifference{ItemID: id, Kind: string(plan.Deleted), Action: "write"})
	}
	saved.Counts.Ended = len(deleted) + len(held)
	if len(queued)+len(held) == 0 {
		return nil
	}
	return s.Store.SaveSweptPage(ctx, saved, func(ctx context.Context, tx pgx.Tx) error {
		if w.Options.AcceptDeletes {
			if err := s.Store.ReleaseAhead(ctx, tx, board.ID, deleted, fmt.Sprint("sweep ", w.ID)); err != nil {
				return err
			}
		}
		if err := s.release(ctx, tx, w, held); err != nil {
			return err
		}
		return s.Queue(ctx, tx, queued)
	})
}

// heldDeletions returns the items whose records the brake already holds, if the sweep lifts the brake. A plan does not
// contain them, so a sweep by a plan leaves them.
func (s *Sweeper) heldDeletions(ctx context.Context, w store.Sweep) ([]int64, error) {
	if !w.Options.AcceptDeletes || w.Options.Planned != nil {
		return nil, nil
	}
	return s.Store.HeldDeletions(ctx, w.BoardID, w.Options.Items)
}

// release releases held items as a person would: Monday is asked about each again before its records are deleted.
func (s *Sweeper) release(ctx context.Context, tx pgx.Tx, w store.Sweep, held []int64) error {
	if len(held) == 0 {
		return nil
	}
	by := store.By{Actor: fmt.Sprint("sweep ", w.ID), Via: store.ViaCLI}
	_, err := s.Store.DecideIn(ctx, tx, true, w.BoardID, held, by, func(ctx context.Context, tx pgx.Tx,
		items []ledger.Ref) error {
		var queued []any
		for _, item := range items {
			queued = append(queued, jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID, Release: true})
		}
		return s.Queue(ctx, tx, queued)
	})
	return err
}

func resyncs(items []ledger.Ref) (all []any) {
	for _, item := range items {
		all = append(all, jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID})
	}
	return all
}

func keys(m map[int64]int64) (ids []int64) {
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}
