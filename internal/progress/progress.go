// Package progress shows the progress and the results of migration runs.
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
	seen  store.Run
	base  int       // records read when it was first seen
	since time.Time // when it was first seen
	told  time.Time
	over  bool

	shown atomic.Pointer[string] // the text beside the bar, which may be drawn at any time
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
	r.bar = p.bars.AddBar(1, mpb.PrependDecorators(decor.Name(name, decor.WCSyncSpaceR)), mpb.AppendDecorators(decor.Any(text)))
}

// Update updates the state of the runs.
func (p *Progress) Update(runs map[int64]store.Run) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, job := range p.order {
		run, ok := runs[job]
		r := p.runs[job]
		if !ok || r.over {
			continue
		}
		if r.since.IsZero() {
			r.since, r.base = time.Now(), run.Read
		}
		r.seen, r.over = run, run.State != "running"
		switch {
		case r.bar != nil:
			r.tell()
			r.bar.SetTotal(int64(max(run.Total, run.Read, 1)), false)
			r.bar.SetCurrent(int64(run.Read))
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

// text describes a run: its numbers of records, the rate, and the remaining time.
func (r *run) text() string {
	n := r.seen
	if r.since.IsZero() {
		return "waiting for its turn"
	}
	text := fmt.Sprintf("%d of %d read, %d created, %d updated, %d unchanged", n.Read, max(n.Total, n.Read), n.Created, n.Updated, n.Unchanged)
	if n.Conflicts > 0 {
		text += fmt.Sprintf(", %d conflicts", n.Conflicts)
	}
	text += fmt.Sprintf(", %d failed", n.Failed)
	if n.LeftOut > 0 {
		text += fmt.Sprintf(", %d without a column", n.LeftOut)
	}
	if took := time.Since(r.since); !r.over && n.Read > r.base {
		rate := float64(n.Read-r.base) / took.Seconds()
		left := time.Duration(float64(max(n.Total-n.Read, 0)) / rate * float64(time.Second))
		text += fmt.Sprintf(", %.0f/s, %s left", rate, left.Round(time.Second))
	}
	if n.State == "failed" {
		text += ", failed: " + n.Error
	}
	return text
}

// Table prints runs, one per line.
func Table(w io.Writer, runs []store.Run) error {
	if len(runs) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "RUN\tBOARD\tSTARTED\tTOOK\tSTATE\tREAD\tCREATED\tUPDATED\tUNCHANGED\tCONFLICTS\tFAILED\tLEFT OUT\tERROR")
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
