package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"crmsync/internal/report"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker/engine/plan"
)

// sweepListed is a comparison. Its JSON form is stable.
type sweepListed struct {
	ID        int64  `json:"id"`
	Board     string `json:"board"`
	State     string `json:"state"` // running, done, failed, stopped
	Items     int    `json:"items"`
	Fields    int    `json:"fields"`
	Differing int    `json:"differing"`
	Written   int    `json:"written"`
	Rejected  int    `json:"rejected"` // sent and not accepted
	Ended     int    `json:"ended"`
	Later     int    `json:"later"`
	Changed   int    `json:"changed_since_the_plan"`
	Error     string `json:"error,omitempty"`

	NotWritten []notWritten `json:"not_written"` // what was rejected, and what has changed since the plan
}

// notWritten is a difference that should have been written but was not. Its JSON form is stable.
type notWritten struct {
	Item         int64     `json:"item"`
	Record       string    `json:"record,omitempty"`
	Object       string    `json:"object,omitempty"`
	SalesforceID string    `json:"salesforce_id,omitempty"`
	Field        string    `json:"field,omitempty"` // empty: the record, or the item
	Kind         plan.Kind `json:"kind"`
	Code         string    `json:"code,omitempty"`
	Action       string    `json:"action"` // reject, changed
}

// mostListed is the maximum number of differences of a run that are listed, in JSON and for people.
const (
	mostListed = 10_000
	mostShown  = 20
)

// listSweeps adds to sweeps what they did not write, up to a number for each.
func listSweeps(ctx context.Context, kept *store.Store, sweeps []store.Sweep, most int) ([]sweepListed, error) {
	var ids []int64
	for _, s := range sweeps {
		if s.Rejected+s.Skipped > 0 {
			ids = append(ids, s.ID)
		}
	}
	found := map[int64][]store.FoundDifference{}
	if len(ids) > 0 {
		var err error
		if found, err = kept.NotWritten(ctx, ids, most); err != nil {
			return nil, err
		}
	}
	all := []sweepListed{}
	for _, s := range sweeps {
		one := sweepListed{s.ID, s.Board, s.State, s.Items, s.Fields, s.Differing, s.Written, s.Rejected, s.Ended, s.Busy,
			s.Skipped, s.Error, []notWritten{}}
		for _, d := range found[s.ID] {
			one.NotWritten = append(one.NotWritten, notWritten{d.ItemID, d.Record, d.Object, d.SalesforceID, d.Field,
				plan.Kind(d.Kind), d.Code, d.Action})
		}
		all = append(all, one)
	}
	return all, nil
}

// printNotWritten lists the items and fields that a comparison should have written but did not.
func (s sweepListed) printNotWritten(w io.Writer) error {
	if len(s.NotWritten) == 0 {
		return nil
	}
	fmt.Fprintf(w, "Not written by run %d of %s:\n", s.ID, s.Board)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for n, d := range s.NotWritten {
		if n == mostShown {
			fmt.Fprintln(table, "  and more: with --json")
			break
		}
		fmt.Fprintf(table, "  item %d\t%s\t%s\n", d.Item, d.name(), d.why())
	}
	return table.Flush()
}

func (d notWritten) name() string { return fieldDifference{Record: d.Record, Field: d.Field}.name() }

func (d notWritten) why() string {
	switch {
	case d.Action == store.ActionReject && report.Unadopted(d.Code) != "":
		return "left alone: " + report.Unadopted(d.Code)
	case d.Action == store.ActionReject:
		return "rejected: " + cmp.Or(d.Code, "no reason given")
	case d.Kind == plan.Agreed:
		return d.Kind.Words()
	}
	return "changed since the plan: " + d.Kind.Words()
}

// failures returns an error for comparisons that failed, and for differences that should have been written but were
// not.
func failures(sweeps []store.Sweep) (failed error) {
	rejected, changed, adopting := 0, 0, ""
	for _, s := range sweeps {
		if s.State == "failed" {
			failed = errors.Join(failed, fmt.Errorf("comparing %s failed: %s", s.Board, s.Error))
		}
		rejected, changed = rejected+s.Rejected, changed+s.Skipped
		if s.Options.Adopt != "" {
			adopting = ", or not adopted"
		}
	}
	if rejected > 0 {
		failed = errors.Join(failed, fmt.Errorf("%s rejected%s", counted(rejected, "value was", "values were"), adopting))
	}
	if changed > 0 {
		failed = errors.Join(failed, fmt.Errorf("%s left alone: changed since the plan", counted(changed, "item was",
			"items were")))
	}
	return failed
}

// unfinished returns an error with the number of jobs for single items, queued by comparisons, that have not succeeded.
func unfinished(left queue.FollowUps) (err error) {
	if waiting := left.Open + left.Later; waiting > 0 {
		err = fmt.Errorf("%s to be synced or deleted, and %s for a worker", counted(waiting, "item is still",
			"items are still"), waits(waiting))
	}
	if left.Failed > 0 {
		err = errors.Join(err, fmt.Errorf("%s not be synced or deleted: crmsync errors has the reasons",
			counted(left.Failed, "item could", "items could")))
	}
	return err
}

func waits(n int) string {
	if n == 1 {
		return "waits"
	}
	return "wait"
}

// counted returns a number with the words for one thing, or for several.
func counted(n int, one, several string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", several)
}
