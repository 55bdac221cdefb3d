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
	if err := s.await(ctx, board, w); err != nil {
		return false, err
	}
	held, err := s.claim(ctx, id)
	if err != nil {
		return false, err
	}
	defer held.release(ctx)
	for first := true; w.Pages == 0 || w.Cursor != ""; first = false {
		if !first && !s.Now().Before(until) {
			return false, nil
		}
		if !isSmall(w) {
			if err := s.Reserve.Check(); err != nil {
				return false, err
			}
			if err := s.giveWay(ctx); err != nil {
				return false, err
			}
		}
		part, err := s.readFor(ctx, board, w)
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

// lookEvery is how often a page that waits looks whether it may go on.
const lookEvery = 20 * time.Millisecond

// giveWay lets many live events go first. Comparing a page takes processor time, here and in Postgres.
func (s *Sweeper) giveWay(ctx context.Context) error {
	if s.Busy == nil || !s.Busy() {
		return nil
	}
	patience, look := time.NewTimer(s.Patience), time.NewTicker(lookEvery)
	defer patience.Stop()
	defer look.Stop()
	for s.Busy() {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-patience.C:
			return nil
		case <-look.C:
		}
	}
	return nil
}

// isSmall reports whether a sweep has so few named items that it is not bulk work: a person asked for them.
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
	var expired *mondayclient.Error
	return errors.As(err, &expired) && expired.Code == "CursorException"
}

// page compares one page, and advances the sweep.
func (s *Sweeper) page(ctx context.Context, board *mapping.Board, w store.Sweep, part page, held *claim) (err error) {
	part.JobID, part.Choices = w.ID, plan.Choices{Adopt: w.Options.Adopt, Enforce: w.Options.Enforce}
	saved := store.SweptPage{Sweep: w, Cursor: part.cursor}
	var items []int64
	for _, item := range part.Items {
		items = append(items, item.ID)
	}
	if w.Options.Recent == nil { // otherwise nothing counts as seen, since the rest of the board was not read
		saved.Seen = items
	}
	changed, err := s.keepPlanned(ctx, &part.Page, w.Options)
	if err != nil {
		return err
	}
	for _, f := range changed {
		countChanged(&saved, f)
	}
	var busy []ledger.Ref
	var reason error // why the first of them is busy
	if len(part.Items) > 0 {
		part.Holder, part.Lease = held.holds(items), s.lease()
		found, _, err := s.Engine.Compare(ctx, part.Page)
		if err != nil {
			return err
		}
		for _, f := range found {
			if f.Err != nil {
				busy, reason = append(busy, ledger.Ref{BoardID: board.ID, ItemID: f.ItemID}), cmp.Or(reason, f.Err)
				if w.Options.Planned != nil { // otherwise it would count as missing
					saved.Found = append(saved.Found, foundDifference(f.ItemID, engine.Difference{Kind: plan.Busy}, store.ActionLeave))
				}
			}
			count(&saved, f)
		}
	}
	saved.Counts.Busy = len(busy)
	exact := w.Options.Enforce || w.Options.Adopt != "" || w.Options.Planned != nil
	if exact && len(busy) > 0 && len(busy) == len(w.Options.Items) {
		return reason // attempt the same again later
	}
	return s.Store.SaveSweptPage(ctx, saved, func(ctx context.Context,
		tx pgx.Tx) error {
		if exact && len(busy) > 0 {
			return s.again(ctx, tx, w, busy)
		}
		return s.Queue(ctx, tx, resyncs(busy))
	})
}

// again adds a sweep of another sweep's busy items: a resync would not do what a person has chosen or planned.
func (s *Sweeper) again(ctx context.Context, tx pgx.Tx, w store.Sweep, busy []ledger.Ref) error {
	planned := w.Options.Planned
	w.Options.Items, w.Options.Planned = nil, nil
	for _, item := range busy {
		w.Options.Items = append(w.Options.Items, item.ItemID)
		if planned == nil {
			continue
		}
		if w.Options.Planned == nil {
			w.Options.Planned = map[int64]string{}
		}
		w.Options.Planned[item.ItemID] = planned[item.ItemID]
	}
	_, err := s.Store.AddSweepIn(ctx, tx, w, func(ctx context.Context, tx pgx.Tx, w store.Sweep) error {
		return s.Queue(ctx, tx, []any{jobs.SweepBoardArgs{SweepID: w.ID, BoardID: w.BoardID}})
	})
	if errors.Is(err, store.ErrSweeping) {
		return nil // it was requested before
	}
	return err
}

// readFor returns the next page of a sweep.
func (s *Sweeper) readFor(ctx context.Context, board *mapping.Board, w store.Sweep) (p page, err error) {
	if w.Options.Recent == nil {
		return s.read(ctx, board, w.Cursor, w.Options.Items)
	}
	if p, err = s.readRecent(ctx, board, w.Cursor, *w.Options.Recent); err == nil && len(p.Items) > 0 {
		err = s.keepUnknown(ctx, &p.Page)
	}
	return p, err
}

// keepPlanned keeps the items of a page whose difference is the planned one, and returns what differs in the others.
func (s *Sweeper) keepPlanned(ctx context.Context, page *engine.Page,
	o store.SweepOptions) (changed []engine.Found, err error) {
	planned := o.Planned
	if planned == nil {
		return nil, nil
	}
	dry := *page
	dry.Dry, dry.Items, dry.Assumed = true, nil, map[ledger.RecordRef]string{}
	for _, a := range o.Assumed {
		dry.Assumed[ledger.RecordRef{ItemID: a.ItemID, Record: a.Record}] = a.ID
	}
	for _, item := range page.Items {
		if planned[item.ID] != "" {
			dry.Items = append(dry.Items, item)
		}
	}
	page.Items = nil
	if len(dry.Items) == 0 {
		return nil, nil
	}
	found, _, err := s.Engine.Compare(ctx, dry)
	if err != nil {
		return nil, err
	}
	for n, f := range found {
		switch {
		case f.Err != nil: // what differs is not known yet
			return nil, f.Err
		case Digest(f) == planned[f.ItemID]:
			page.Items = append(page.Items, dry.Items[n])
		default:
			changed = append(changed, f)
		}
	}
	return changed, nil
}

func count(p *store.SweptPage, f engine.Found) {
	p.Counts.Items++
	p.Counts.Fields += f.Fields
	for _, d := range f.Differences {
		action := store.ActionLeave
		switch {
		case d.Rejected:
			action = store.ActionReject
			p.Counts.Rejected++
		case (d.Sends || d.Takes) && f.Err == nil:
			action = store.ActionWrite
			p.Counts.Written++
		}
		p.Counts.Differing++
		p.Found = append(p.Found, foundDifference(f.ItemID, d, action))
	}
}

// countChanged counts an item that is left alone because its difference is not the planned one. If nothing differs any
// more, there is nothing to do.
func countChanged(p *store.SweptPage, f engine.Found) {
	if len(f.Differences) == 0 {
		f.Differences = []engine.Difference{{Kind: plan.Agreed}}
	} else {
		p.Counts.Skipped++
	}
	for _, d := range f.Differences {
		p.Found = append(p.Found, foundDifference(f.ItemID, d, store.ActionChanged))
	}
}

func foundDifference(item int64, d engine.Difference, action string) store.FoundDifference {
	return store.FoundDifference{
		ItemID: item, Record: d.Record, Object: d.Object, SalesforceID: d.SalesforceID, Field: d.Field,
		Kind: string(d.Kind), Code: d.Code, Action: action,
	}
}

func resyncs(items []ledger.Ref) (all []any) {
	for _, item := range items {
		all = append(all, jobs.ItemResyncArgs{BoardID: item.BoardID, ItemID: item.ItemID})
	}
	return all
}
