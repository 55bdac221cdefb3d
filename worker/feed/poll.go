package feed

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/internal/retry"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// BacklogError means that the items found so far have to be compared before the feed continues.
type BacklogError struct{}

func (*BacklogError) Error() string { return "the items found so far must be compared first" }

// RetryAfter returns when to look again.
func (*BacklogError) RetryAfter() time.Duration { return backlogWait }

// poll reads the next pages of the readings that are due, in one call.
func (f *Feed) poll(ctx context.Context, feeds *store.Feeds) error {
	if err := f.mayPoll(ctx); err != nil {
		return err
	}
	var chosen []store.Feed
	var soqls []string
	for _, one := range inOrder(feeds.Feeds) {
		t, ok := tierOf(one)
		if !ok || !one.Due || len(chosen) == atOnce {
			continue
		}
		if !t.begin(&one, feeds) {
			one.Wait = t.every
			if err := f.save(ctx, one, nil); err != nil {
				return err
			}
			continue
		}
		s := f.sources[one.Object]
		chosen = append(chosen, one)
		soqls = append(soqls, s.selectChanged(t.span(&one), f.hiddenOf(one.Object, feeds.Now)))
	}
	results, err := f.Salesforce.QueryAllEach(ctx, soqls)
	if err != nil {
		return fmt.Errorf("reading changes: %w", err)
	}
	for n, result := range results {
		if result.Err != nil {
			err = f.refused(ctx, chosen[n], result.Err, feeds.Now)
		} else {
			err = f.take(ctx, chosen[n], result.Page, feeds)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// mayPoll returns the reason why no page may be read now.
func (f *Feed) mayPoll(ctx context.Context) error {
	if err := f.Reserve.Check(); err != nil {
		return err
	}
	waiting, err := f.Backlog(ctx, mostWaiting)
	if err == nil && waiting >= mostWaiting {
		err = &BacklogError{}
	}
	return err
}

// inOrder returns the readings, those of the first tier first: wider ones take the room that is left in a call.
func inOrder(feeds []store.Feed) []store.Feed {
	return slices.SortedStableFunc(slices.Values(feeds),
		func(a, b store.Feed) int { return cmp.Compare(rank(a), rank(b)) })
}

func rank(one store.Feed) int {
	return slices.IndexFunc(tiers, func(t tier) bool { return t.name == one.Tier })
}

// take queues a resync of the items whose records differ from what was agreed, and saves the progress of the reading.
func (f *Feed) take(ctx context.Context, one store.Feed, p sfclient.Page, feeds *store.Feeds) error {
	s, t := f.sources[one.Object], tiers[rank(one)]
	rows, told, last, err := rowsOf(s, p.Records, t.edge(&one))
	if err != nil {
		return fmt.Errorf("reading changes of %s: %w", one.Object, err)
	}
	var rings []ledger.Ref
	if len(rows) > 0 {
		found, err := f.Store.FeedDifferences(ctx, rows, s.ways)
		if err != nil {
			return err
		}
		rings = ringsOf(s, rows, told, found)
	}
	failures := one.Failures
	t.advance(&one, last, len(p.Records) < pageSize && p.Next == "", f.interval(feeds))
	err = f.save(ctx, one, func(ctx context.Context, tx pgx.Tx) error { return f.Ring(ctx, tx, rings) })
	if errors.Is(err, store.ErrOvertaken) {
		return nil
	}
	if err != nil {
		return err
	}
	f.records.WithLabelValues("rung").Add(float64(len(rings)))
	f.records.WithLabelValues("dropped").Add(float64(len(rows) - min(len(rings), len(rows))))
	if !t.isFirst() {
		f.late.Add(float64(len(rings)))
	}
	if failures > 0 {
		return f.Store.EndOutage(ctx, outageOf(one.Object), feeds.Now)
	}
	return nil
}

func (f *Feed) save(ctx context.Context, one store.Feed, also func(ctx context.Context, tx pgx.Tx) error) error {
	return f.Store.SaveFeed(ctx, one, also)
}

// interval returns the time until the next poll.
func (f *Feed) interval(feeds *store.Feeds) time.Duration {
	if f.Poll > 0 {
		return f.Poll
	}
	calls := (len(f.sources) + atOnce - 1) / atOnce
	return interval(feeds.Idle, f.Reserve.Allowance(), f.Reserve.Left(), calls)
}

// rowsOf returns the records of a page as rows to compare, the fields of each, and the position of the last one. A
// field that a record does not show is unknown. Records from before the edge leave.
func rowsOf(s *source, records []sfclient.Record, edge time.Time) (
	rows []store.FeedRow, told []map[string]any, last store.FeedPosition, err error,
) {
	for _, record := range records {
		at, ok := positionOf(record)
		if !ok {
			return nil, nil, last, errors.New("salesforce: a record without a readable Id or " + stampField)
		}
		last = at
		values := map[string]any{}
		for _, field := range s.fields {
			if value, ok := record[field]; ok {
				values[field] = value
			}
		}
		fields, err := json.Marshal(values)
		if err != nil {
			return nil, nil, last, fmt.Errorf("writing the fields of %s: %w", last.ID, err)
		}
		gone, _ := record["IsDeleted"].(bool)
		rows, told = append(rows, store.FeedRow{ID: last.ID, Gone: gone, Fields: fields, Leaves: at.At.Before(edge)}),
			append(told, values)
	}
	return rows, told, last, nil
}

// positionOf returns a record's place in the order of changes.
func positionOf(record sfclient.Record) (p store.FeedPosition, ok bool) {
	p.ID, _ = record["Id"].(string)
	if p.ID, ok = sfclient.ID18(p.ID); !ok {
		return p, false
	}
	p.At, ok = record.Time(stampField)
	return p, ok
}

// ringsOf returns the items to compare, each once.
func ringsOf(s *source, rows []store.FeedRow, told []map[string]any,
	found []store.FeedDifference) (rings []ledger.Ref) {
	seen := map[int64]bool{}
	for _, d := range found {
		row := rows[d.Row]
		agrees := !row.Gone && d.SalesforceID != "" && s.agrees(told[d.Row], d)
		if !seen[d.ItemID] && (!agrees || row.Leaves && d.Leased) {
			seen[d.ItemID] = true
			rings = append(rings, ledger.Ref{BoardID: d.BoardID, ItemID: d.ItemID})
		}
	}
	return rings
}

const (
	// refusedWait is how long an object that cannot be read is skipped. An outage that is not seen for a quarter of an
	// hour counts as over, so it must be shorter.
	refusedWait = 4 * time.Minute

	// failedWait is the same for a failure that may be temporary.
	failedWait = 30 * time.Second

	// patience is the number of consecutive failures after which they are reported.
	patience = 5

	// hiddenFor is how long hidden fields are left out before they are asked for again.
	hiddenFor = 10 * time.Minute
)

// outageOf names the outage of an object that cannot be read.
func outageOf(object string) string { return store.OutageKey("salesforce", "changes of "+object) }

// refused handles the refusal of one object's query. The other objects are still polled.
func (f *Feed) refused(ctx context.Context, one store.Feed, refusal error, now time.Time) error {
	code := "error"
	if known, ok := errors.AsType[*sfclient.Error](refusal); ok && known.Code != "" {
		code = known.Code
	}
	if code == "INVALID_FIELD" {
		found, err := f.findHidden(ctx, one.Object, now)
		if err != nil {
			return err
		}
		if found {
			return nil // the reading stays due, without these fields
		}
	}
	one.Failures, one.Failed, one.Wait = one.Failures+1, code, failedWait
	passes := !retry.Permanent(refusal) && !retry.Outage(refusal) && code != "NOT_FOUND"
	if !passes {
		one.Wait = refusedWait
	}
	f.Log.Warn("changes of an object cannot be read", "object", one.Object, "tier", one.Tier, "code", code)
	if err := f.save(ctx, one, nil); err != nil {
		return err
	}
	if !passes || one.Failures >= patience {
		return f.Store.StartOutage(ctx, outageOf(one.Object), code)
	}
	return nil
}

// findHidden finds out which fields the integration user cannot see, and reports whether there are new ones. They are
// reported as an outage and left out for a while, since what a row does not show is unknown.
func (f *Feed) findHidden(ctx context.Context, object string, now time.Time) (bool, error) {
	shape, err := f.Salesforce.Describe(ctx, object)
	if err != nil {
		return false, fmt.Errorf("looking for hidden fields: %w", err)
	}
	hidden := map[string]bool{}
	for _, field := range f.sources[object].fields {
		if shape.Has(field) {
			continue
		}
		hidden[field] = true
		f.Log.Warn("changes of a field cannot be read: the integration user does not see it", "object", object, "field",
			field)
		if err := f.Store.StartOutage(ctx, outageOf(object+"."+field), "INVALID_FIELD"); err != nil {
			return false, err
		}
	}
	if maps.Equal(hidden, f.hiddenOf(object, now)) {
		return false, nil
	}
	f.hidden[object] = hiddenFields{fields: hidden, until: now.Add(hiddenFor)}
	return true, nil
}

func (f *Feed) hiddenOf(object string, now time.Time) map[string]bool {
	if h := f.hidden[object]; now.Before(h.until) {
		return h.fields
	}
	return nil
}
