// Package progress shows the progress and the results of migrations and comparisons.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"text/tabwriter"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

// printEvery is how often a run prints a line without a terminal.
const printEvery = 10 * time.Second

// Progress shows the progress of runs: a bar for each on a terminal, otherwise a line from time to time. Text written
// to it appears above the bars.
type Progress struct {
	out  io.Writer
	bars *mpb.Progress // nil: no terminal

	mu    sync.Mutex
	runs  map[int64]*run
	order []int64
	ended bool
}

// run is a run in its last known state.
type run struct {
	name  string
	bar   *mpb.Bar
	seen  step
	base  int       // records when it was first seen
	since time.Time // when it was first seen
	told  time.Time
	over  bool

	shown atomic.Pointer[string] // the text beside the bar, which may be drawn at any time
}

// step is how far a run is.
type step struct {
	done, total int    // records or items
	text        string // what became of them
	over        bool
	err         string // why it failed
}

// OnTerminal reports whether w is a terminal.
func OnTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// New creates a Progress that shows runs on out.
func New(out io.Writer) *Progress {
	p := &Progress{out: out, runs: map[int64]*run{}}
	if OnTerminal(out) {
		p.bars = mpb.New(mpb.WithOutput(out), mpb.WithRefreshRate(app.LookEvery))
	}
	return p
}

// Write prints a line of the log.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	ended := p.ended
	p.mu.Unlock()
	if p.bars != nil && !ended {
		return p.bars.Write(text)
	}
	return p.out.Write(text)
}

// Add starts showing the run of a job.
func (p *Progress) Add(job int64, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.runs[job] != nil {
		return
	}
	r := &run{name: name, told: time.Now()}
	p.runs[job], p.order = r, append(p.order, job)
	if p.bars == nil {
		return
	}
	r.tell()
	text := func(decor.Statistics) string { return *r.shown.Load() }
	r.bar = p.bars.AddBar(1, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(text)))
}

// Update updates the state of migrations, by their jobs.
func (p *Progress) Update(runs map[int64]store.Run) {
	steps := map[int64]step{}
	for job, r := range runs {
		steps[job] = stepOfRun(r)
	}
	p.update(steps)
}

// UpdateSweeps updates the state of comparisons. The sizes of boards are those that are known, by board.
func (p *Progress) UpdateSweeps(sweeps []store.Sweep, sizes map[int64]int) {
	steps := map[int64]step{}
	for _, w := range sweeps {
		steps[w.ID] = stepOfSweep(w, sizes[w.BoardID])
	}
	p.update(steps)
}

func (p *Progress) update(steps map[int64]step) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range p.order {
		next, ok := steps[id]
		r := p.runs[id]
		if !ok || r.over {
			continue
		}
		if r.since.IsZero() {
			r.since, r.base = time.Now(), next.done
		}
		r.seen, r.over = next, next.over
		switch {
		case r.bar != nil:
			r.tell()
			r.bar.SetTotal(int64(max(next.total, next.done, 1)), false)
			r.bar.SetCurrent(int64(next.done))
			if r.over {
				r.bar.SetTotal(-1, true)
			}
		case r.over || time.Since(r.told) >= printEvery:
			r.told = time.Now()
			fmt.Fprintf(p.out, "%s: %s\n", r.name, r.text())
		}
	}
}

// End draws the bars for the last time.
func (p *Progress) End() {
	p.mu.Lock()
	if p.ended || p.bars == nil {
		p.ended = true
		p.mu.Unlock()
		return
	}
	p.ended = true
	for _, r := range p.runs {
		r.bar.Abort(false)
	}
	p.mu.Unlock()
	p.bars.Wait()
}

func (r *run) tell() {
	text := r.text()
	r.shown.Store(&text)
}

// text describes a run: its numbers, the rate, and the remaining time.
func (r *run) text() string {
	if r.since.IsZero() {
		return "waiting for its turn"
	}
	n, text := r.seen, r.seen.text
	if took := time.Since(r.since); !r.over && n.done > r.base {
		rate := float64(n.done-r.base) / took.Seconds()
		text += fmt.Sprintf(", %.0f/s", rate)
		if n.total > n.done {
			left := time.Duration(float64(n.total-n.done) / rate * float64(time.Second))
			text += fmt.Sprintf(", %s left", left.Round(time.Second))
		}
	}
	if n.err != "" {
		text += ", failed: " + n.err
	}
	return text
}

func stepOfRun(n store.Run) step {
	text := fmt.Sprintf("%d of %d read, %d created, %d updated, %d unchanged", n.Read, max(n.Total, n.Read), n.Created,
		n.Updated, n.Unchanged)
	if n.Conflicts > 0 {
		text += fmt.Sprintf(", %d conflicts", n.Conflicts)
	}
	text += fmt.Sprintf(", %d failed", n.Failed)
	if n.LeftOut > 0 {
		text += fmt.Sprintf(", %d without a column", n.LeftOut)
	}
	s := step{done: n.Read, total: n.Total, text: text, over: n.State != "running"}
	if n.State == "failed" {
		s.err = n.Error
	}
	return s
}

func stepOfSweep(w store.Sweep, size int) step {
	text := fmt.Sprintf("%d items compared", w.Items)
	if size > 0 {
		text = fmt.Sprintf("%d of %d items compared", w.Items, max(size, w.Items))
	}
	text += fmt.Sprintf(", %d differ, %d written", w.Differing, w.Written)
	if w.Rejected > 0 {
		text += fmt.Sprintf(", %d rejected", w.Rejected)
	}
	if w.Skipped > 0 {
		text += fmt.Sprintf(", %d changed since the plan", w.Skipped)
	}
	s := step{done: w.Items, total: max(size, w.Items), text: text, over: w.State != "running"}
	if w.State == "failed" {
		s.err = w.Error
	}
	return s
}

// Table prints runs, one per line.
func Table(w io.Writer, runs []store.Run) error {
	if len(runs) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RUN\tBOARD\tSTARTED\tTOOK\tSTATE\tREAD\tCREATED\tUPDATED\tUNCHANGED\tCONFLICTS\tFAILED\tLEFT "+
		"OUT\tERROR")
	for _, r := range runs {
		started, took := "-", "-" // a job may end before its run begins
		if !r.StartedAt.IsZero() {
			started = r.StartedAt.UTC().Format(time.DateTime)
		}
		if r.FinishedAt != nil {
			took = r.FinishedAt.Sub(r.StartedAt).Round(100 * time.Millisecond).String()
		}
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n", r.ID, r.Board, started, took, r.State,
			r.Read, r.Created, r.Updated, r.Unchanged, r.Conflicts, r.Failed, r.LeftOut, r.Error)
	}
	return t.Flush()
}
