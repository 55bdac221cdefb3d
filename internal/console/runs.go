package console

import (
	"context"
	"net/http"
	"slices"
	"time"

	"crmsync/internal/report"
	"crmsync/internal/words"
	"crmsync/schema/store"
)

const (
	runsOnHome = 5
	runsShown  = 40
	actsShown  = 30
)

// runRow is a comparison or an import, as lists show it.
type runRow struct {
	Kind, Board, State string
	Started            time.Time
	Finished           *time.Time
	Text               string // what it found and did
	Error              string
	Sweep              int64  // id of a comparison; 0: it is an import
	Waits              string // why it waits, and until when; empty: it does not
}

func (s *Console) readRuns(ctx context.Context, d *homeData) (err error) {
	d.Runs, err = s.runRows(ctx, runsOnHome)
	return err
}

// runRows returns the last runs, newest first.
func (s *Console) runRows(ctx context.Context, limit int) (rows []runRow, err error) {
	sweeps, err := s.Store.RecentSweeps(ctx, limit)
	if err != nil {
		return nil, err
	}
	waits, err := s.Store.RunWaits(ctx)
	if err != nil {
		return nil, err
	}
	for _, w := range sweeps {
		row := sweepRow(w)
		row.Waits = waitOf(waits, w.ID, 0)
		rows = append(rows, row)
	}
	imports, err := s.Store.Runs(ctx, limit)
	for _, m := range imports {
		text := plural(m.Read, "record") + " read, " + words.Number(m.Created) + " created, " +
			words.Number(m.Updated) + " updated"
		if m.Failed > 0 {
			text += ", " + words.Number(m.Failed) + " failed"
		}
		rows = append(rows, runRow{
			Kind: report.SweepWords(report.ImportKind), Board: m.Board, State: m.State, Started: m.StartedAt.UTC(),
			Finished: m.FinishedAt, Text: text, Error: m.Error, Waits: waitOf(waits, 0, m.ID),
		})
	}
	slices.SortStableFunc(rows, func(a, b runRow) int { return b.Started.Compare(a.Started) })
	return rows[:min(len(rows), limit)], err
}

// waitOf returns why a comparison, or an import, waits; empty: it does not.
func waitOf(waits []store.RunWait, sweep, run int64) string {
	for _, w := range waits {
		if w.Sweep == sweep && w.Run == run {
			return report.WaitWords(w.Reason, w.Until)
		}
	}
	return ""
}

func sweepRow(w store.Sweep) runRow {
	text := plural(w.Items, "item") + ", " + words.Number(w.Differing) + " of " + plural(w.Fields, "field") +
		" differed, " + words.Number(w.Written) + " written"
	if w.Ended > 0 {
		text += ", " + words.Number(w.Ended) + " ended"
	}
	return runRow{Kind: report.SweepWords(w.Kind), Board: w.Board, State: w.State, Started: w.StartedAt.UTC(),
		Finished: w.FinishedAt, Text: text, Error: w.Error, Sweep: w.ID}
}

// runsData is the runs and the acts of people.
type runsData struct {
	Runs []runRow
	Acts []report.Entry
}

// runs lists the last comparisons and imports.
func (s *Console) runs(r *http.Request) (view, error) {
	rows, err := s.runRows(r.Context(), runsShown)
	if err != nil {
		return view{}, err
	}
	operations, err := s.Store.Operations(r.Context(), 0, actsShown)
	d := runsData{Runs: rows}
	for _, o := range operations {
		d.Acts = append(d.Acts, report.OperationEntry(o))
	}
	return view{page: "runs", title: "Runs", data: &d}, err
}

// differencesShown is how many differences of a comparison a page shows.
const differencesShown = 100

// sweepData is a comparison with what it found.
type sweepData struct {
	Run         runRow
	Differences []store.SweptDifference
	Names       map[int64]string // of their items
	More        int
}

func (s *Console) sweep(r *http.Request) (view, error) {
	id, err := pathID(r, "id", "A comparison's id")
	if err != nil {
		return view{}, err
	}
	sweeps, err := s.Store.Sweeps(r.Context(), []int64{id})
	if err != nil {
		return view{}, err
	}
	if len(sweeps) == 0 {
		return view{}, notFound("There is no such comparison.")
	}
	waits, err := s.Store.RunWaits(r.Context())
	if err != nil {
		return view{}, err
	}
	d := sweepData{Run: sweepRow(sweeps[0])}
	d.Run.Waits = waitOf(waits, id, 0)
	d.Differences, err = s.Store.SweptDifferences(r.Context(), id, differencesShown+1)
	if d.More = sweeps[0].Differing - differencesShown; len(d.Differences) > differencesShown {
		d.Differences = d.Differences[:differencesShown]
	}
	if err != nil {
		return view{}, err
	}
	items := make([]int64, len(d.Differences))
	for n, x := range d.Differences {
		items[n] = x.ItemID
	}
	d.Names, err = s.Store.ItemNames(r.Context(), items)
	return view{page: "sweep", title: d.Run.Kind + " of " + d.Run.Board, data: &d}, err
}
