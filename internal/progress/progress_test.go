package progress

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vbauerster/mpb/v8"

	"crmsync/schema/store"
)

func runOf(job int64, state string, read int) map[int64]store.Run {
	return map[int64]store.Run{job: {JobID: job, State: state, Total: 10, Counts: store.Counts{Read: read, Created: read}}}
}

// lockedBuffer may be written and read concurrently.
type lockedBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

// TestProgressBars checks that bars are drawn while runs are updated and lines are printed above them, and end with
// the results.
func TestProgressBars(t *testing.T) {
	t.Parallel()
	out := &lockedBuffer{}
	p := &Progress{out: out, runs: map[int64]*run{}, bars: mpb.New(mpb.WithOutput(out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(time.Millisecond))}
	p.Add(1, "accounts")
	p.Add(2, "contacts")
	for n := range 11 {
		p.Update(runOf(1, "running", n))
		if _, err := p.Write([]byte("a line of the log\n")); err != nil {
			t.Fatal(err)
		}
	}
	p.Update(runOf(1, "done", 10))
	p.End()
	p.End()
	for _, want := range []string{"accounts", "10 of 10 read, 10 created", "a line of the log", "contacts", "waiting for its turn"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not shown:\n%s", want, out.String())
		}
	}
}

// TestProgressOfSweeps: comparisons show how many of a board's items they have compared, if the number of items is
// known, and the results.
func TestProgressOfSweeps(t *testing.T) {
	t.Parallel()
	sweep := store.Sweep{ID: 7, BoardID: 1, State: "failed", Error: "no board", SweepCounts: store.SweepCounts{Items: 500, Differing: 12, Written: 9, Rejected: 2, Skipped: 1}}
	for size, want := range map[int]string{
		0:    "people: 500 items compared, 12 differ, 9 written, 2 rejected, 1 changed since the plan, failed: no board\n",
		2000: "people: 500 of 2000 items compared, 12 differ, 9 written, 2 rejected, 1 changed since the plan, failed: no board\n",
	} {
		out := &lockedBuffer{}
		p := New(out)
		p.Add(7, "people")
		p.UpdateSweeps([]store.Sweep{sweep}, map[int64]int{1: size})
		p.End()
		if out.String() != want {
			t.Errorf("of %d: %q, want %q", size, out.String(), want)
		}
	}
}

// TestProgressLines checks that without a terminal a run prints a line from time to time, and one at its end.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	out := &lockedBuffer{}
	p := New(out)
	p.Add(1, "accounts")
	p.Update(runOf(1, "running", 1))
	p.Update(runOf(1, "running", 2))
	p.Update(runOf(1, "done", 10))
	p.Update(runOf(1, "done", 10))
	p.End()
	if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 1 || !strings.HasPrefix(lines[0], "accounts: 10 of 10 read, 10 created") {
		t.Errorf("lines:\n%s", out.String())
	}
}
