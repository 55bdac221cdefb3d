package chaos_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/oracle"
	mondaysim "crmsync/internal/sim/monday"
	"crmsync/internal/stage"
)

// whileDown is how many events of TestChaosLost happen while nothing runs.
const whileDown = 25

// TestChaosLost sends events, a third of which are lost for good, while workers are killed, Monday's pages lag, cursors
// expire between two pages of a board, and the token loses a board for a while. At the end, no program is running for
// some events. Then comparisons of all boards, one of which is killed, must bring Salesforce to the state that the
// oracle expects, with everything that was changed, created, deleted, archived and restored meanwhile.
func TestChaosLost(t *testing.T) {
	t.Parallel()
	size := shortChaos
	size.incidents = map[int]func(*chaos){
		100: (*chaos).killIngest, 150: (*chaos).compareAside, 160: (*chaos).loseBoard, 200: (*chaos).compareAside, 230: (*chaos).findBoard,
	}
	if os.Getenv("CHAOS") == "full" {
		size.items, size.events = 100, 1000
	}
	c := newChaos(t, size, func(config *stage.Config) {
		config.Monday.PageLag = 2 * time.Second
		config.Monday.PageSize = size.items / 10 // so that each board has several pages
	})
	expired := c.expireCursors()
	c.script = newScript(c.seed, c.size, c.Monday, c.Salesforce)
	c.script.tame = true // an event with a value that is rejected may be one of those that are lost
	draw := rand.New(rand.NewPCG(c.seed, 5))
	c.gate.lose(func() bool { return draw.IntN(3) == 0 })
	c.start()
	c.play(c.script.step)
	for _, d := range append(c.workers, c.ingest) {
		d.stop()
	}
	c.gate.lose(func() bool { return true })
	for n := range whileDown {
		c.script.step(size.events + n)
	}
	c.eventually("Monday has delivered what is lost", time.Minute, func() bool { return c.Monday.Pending() == 0 })
	c.gate.lose(nil)
	c.Salesforce.SetFaults(0)
	c.Monday.SetFaults(0)
	c.Monday.SetPageLag(0)
	c.workers = nil
	c.start()
	c.heal()
	c.settle()
	if n := c.gate.losses(); n < size.events/6 {
		t.Errorf("only %d events were lost", n)
	}
	if n := expired(); n < 2 {
		t.Errorf("cursors expired %d times, want several", n)
	}
	c.judge()
}

// expireCursors makes every seventh further page of a board find its cursor expired. It returns how often that was.
func (c *chaos) expireCursors() (times func() int64) {
	var pages, expired atomic.Int64
	c.Monday.OnCall(func(call mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(call.Operation, "next_items_page") && pages.Add(1)%7 == 0 {
			expired.Add(1)
			c.Monday.ExpireCursors()
		}
		return nil
	})
	return expired.Load
}

func (c *chaos) loseBoard() { c.Monday.SetAccess(oracle.Contacts, mondaysim.Hidden) }

func (c *chaos) findBoard() { c.Monday.SetAccess(oracle.Contacts, mondaysim.Full) }

// compareAside has all boards compared while events happen. It does not wait, and may fail.
func (c *chaos) compareAside() {
	c.restarts.Go(func() {
		ctx, cancel := context.WithTimeout(c.ctx, 3*time.Second)
		defer cancel()
		cmd := exec.CommandContext(ctx, c.program, "apply", "--yes")
		cmd.Env = c.Environ()
		_ = cmd.Run() // killed, or refused because a board is out of reach
	})
}

// heal compares all boards: once with a command that is killed, then until there is nothing left to do.
func (c *chaos) heal() {
	c.compareAside()
	c.restarts.Wait()
	var said bytes.Buffer
	var mu sync.Mutex
	c.eventually("comparisons find nothing to do", c.size.patience, func() bool {
		mu.Lock()
		defer mu.Unlock()
		said.Reset()
		apply := exec.CommandContext(c.ctx, c.program, "apply", "--yes", "--adopt", "monday", "--enforce")
		apply.Env, apply.Stdout, apply.Stderr = c.Environ(), &said, &said
		if err := apply.Run(); err != nil {
			c.t.Logf("apply: %v\n%s", err, tail(said.String()))
			return false
		}
		return c.none("SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')") &&
			c.none("SELECT count(*) FROM sweeps s JOIN (SELECT max(id) AS id FROM sweeps GROUP BY board_id) l USING (id) WHERE s.written + s.busy + s.ended > 0")
	})
}

func tail(text string) string { return text[max(0, len(text)-1000):] }
