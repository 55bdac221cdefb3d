package chaos_test

import (
	"context"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"crmsync/internal/e2e"
	"crmsync/internal/pglocal"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

// chaosSize is the size of a run of TestChaos.
type chaosSize struct {
	items, events int
	pace          time.Duration        // between two events
	incidents     map[int]func(*chaos) // besides the killing of workers, by the number of the preceding event
	patience      time.Duration        // from the last event until all is quiet
}

// A kill every two seconds, in both sizes. What a killed worker had claimed stays leased for JOB_TIMEOUT + 15 s, and
// the queue checks for its jobs every 30 s once a new leader is elected, which takes 15 s: everything is quiet a minute
// after the last kill.
var (
	shortChaos = chaosSize{
		items: 40, events: 300, pace: 30 * time.Millisecond, patience: 4 * time.Minute,
		incidents: map[int]func(*chaos){80: (*chaos).killIngest, 110: (*chaos).revoke, 150: (*chaos).crashPostgres},
	}
	fullChaos = chaosSize{
		items: 200, events: 2000, pace: 20 * time.Millisecond, patience: 8 * time.Minute,
		incidents: map[int]func(*chaos){
			300: (*chaos).killIngest, 600: (*chaos).restartPostgres, 1000: (*chaos).killIngest, 1200: (*chaos).crashPostgres, 1700: (*chaos).killIngest,
			200: (*chaos).revoke, 900: (*chaos).revoke, 1800: (*chaos).revoke,
			250: (*chaos).stall, 1500: (*chaos).wake, // 25 s: longer than its leases last
		},
	}
)

const (
	killEvery     = 2 * time.Second
	poolOfWorkers = 3
	callTime      = 40 * time.Millisecond // of a call to either system: a worker that is killed mostly has one under way
)

// TestChaos sends some hundred events, doubled and shuffled, to the real program. Meanwhile its processes are killed or
// (in full) stopped for longer than their leases last, Postgres restarts, Salesforce ends its sessions, and both
// systems and the messenger fail occasionally, even after taking effect. When everything is quiet again, Salesforce
// must hold what the oracle expects, which is derived from Monday's state without the engine, and every event must have
// ended exactly once.
//
// SEED=n repeats the same events, but not their timing. CHAOS=full sends 2,000 events on 200 items.
func TestChaos(t *testing.T) {
	t.Parallel()
	size := shortChaos
	if os.Getenv("CHAOS") == "full" {
		size = fullChaos
	}
	c := newChaos(t, size, nil)
	c.script = newScript(c.seed, c.size, c.Monday, c.Salesforce)
	c.start()
	c.play(c.script.step)
	c.settle()
	c.judge()
}

// chaos is the program as processes, with its environment.
type chaos struct {
	t     *testing.T
	ctx   context.Context // ends before the test binary's deadline, so that the processes are still stopped
	size  chaosSize
	seed  uint64
	rng   *rand.Rand // decides who is killed
	began time.Time

	*stage.Stage
	dir      string
	program  string // path of the binary
	gate     *gate
	script   *script
	ingest   *daemon
	workers  []*daemon
	stalled  *daemon // the worker that is stopped, if one is
	restarts sync.WaitGroup

	mu        sync.Mutex
	disturbed []time.Time // when something was killed or restarted
}

// newChaos builds the program and starts its environment; change, if not nil, changes the configuration.
func newChaos(t *testing.T, size chaosSize, change func(*stage.Config)) *chaos {
	c := &chaos{t: t, size: size, seed: e2e.Seed(t), began: time.Now(), dir: t.TempDir()}
	t.Logf("SEED=%d", c.seed)
	c.rng = rand.New(rand.NewPCG(c.seed, 1))
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c.ctx = ctx
	if deadline, ok := t.Deadline(); ok {
		c.ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Minute))
		t.Cleanup(cancel)
	}
	c.build()
	c.set(change)
	return c
}

// start runs the program's processes.
func (c *chaos) start(boards ...int64) {
	c.ingest = c.run("ingest", 0)
	for n := range poolOfWorkers {
		c.workers = append(c.workers, c.run("worker", n+1))
	}
	c.eventually("all processes are up", time.Minute, func() bool {
		for _, d := range append(c.workers, c.ingest) {
			if !d.up.Load() {
				return false
			}
		}
		return true
	})
	c.Subscribe(c.WebhookURL(c.gate.URL), boards...)
}

// build builds the binary that the processes run.
func (c *chaos) build() {
	c.program = filepath.Join(c.dir, "crmsync")
	out, err := exec.CommandContext(c.ctx, "go", "build", "-buildvcs=false", "-o", c.program, "crmsync/cmd/crmsync").CombinedOutput()
	if err != nil {
		c.t.Fatalf("building the program: %v\n%s", err, out)
	}
}

// set starts a private Postgres, since it is restarted, both systems and the messenger, all of them unreliable, and a
// gate in front of ingest.
func (c *chaos) set(change func(*stage.Config)) {
	const signing = "a-signing-secret-of-some-length"
	config := stage.Config{
		Postgres: &pglocal.Config{Testing: true, Settings: map[string]string{"max_connections": "200"}},
		Monday: mondaysim.Config{
			SigningSecret: signing, Seed: int64(c.seed), Latency: callTime, FaultRate: 0.05, Doubled: 0.1, Shuffle: 2 * time.Second, RetryEvery: time.Second,
		},
		Salesforce: sfsim.Config{Seed: int64(c.seed), Latency: callTime, FaultRate: 0.2},
		Messenger:  true,
		Env: map[string]string{
			"LOG_LEVEL": "debug", "JOB_TIMEOUT": "3s", "RESCUE_AFTER": "4s", "RETRY_BASE": "100ms", "RETRY_MAX": "2s", "MAX_ATTEMPTS": "40",
			"ALERT_INTERVAL": "500ms", "SHUTDOWN_GRACE": "5s",
		},
	}
	if change != nil {
		change(&config)
	}
	var err error
	if c.Stage, err = stage.Set(c.ctx, config); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			c.t.Error(err)
		}
	})
	c.Telegram.LoseAnswers(0.1, c.seed)
	c.gate = newGate(c.t)
}

// play performs actions, one step at a time, and causes failures, until all events have happened.
func (c *chaos) play(step func(n int)) {
	defer c.restarts.Wait()
	events, kills := time.NewTicker(c.size.pace), time.NewTicker(killEvery)
	defer events.Stop()
	defer kills.Stop()
	for n := 0; n < c.size.events; {
		select {
		case <-c.ctx.Done():
			c.t.Fatal("the test's time is over")
		case <-kills.C:
			c.killWorker()
		case <-events.C:
			step(n)
			n++
			if incident := c.size.incidents[n]; incident != nil {
				incident(c)
			}
		}
	}
}

func (c *chaos) killWorker() {
	if d := c.workers[c.rng.IntN(len(c.workers))]; d != c.stalled {
		d.signal(syscall.SIGKILL)
		c.disturb()
	}
}

func (c *chaos) killIngest() {
	c.ingest.signal(syscall.SIGKILL)
	c.disturb()
}

// stall pauses a worker, as when its machine swaps or is moved. Its leases run out before wake.
func (c *chaos) stall() {
	c.stalled = c.workers[0]
	c.stalled.signal(syscall.SIGSTOP)
	c.disturb()
}

func (c *chaos) wake() {
	c.stalled.signal(syscall.SIGCONT)
	c.stalled = nil
	c.disturb()
}

// revoke ends Salesforce's sessions.
func (c *chaos) revoke() { c.Salesforce.Revoke() }

func (c *chaos) restartPostgres() { c.restart(pglocal.Fast) }
func (c *chaos) crashPostgres()   { c.restart(pglocal.Immediate) }

// restart does not wait, as people do not either.
func (c *chaos) restart(mode pglocal.Mode) {
	c.restarts.Go(func() {
		c.disturb()
		if err := c.Postgres.Restart(c.ctx, mode); err != nil {
			c.t.Error(err)
		}
		c.disturb()
	})
}

func (c *chaos) disturb() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disturbed = append(c.disturbed, time.Now())
}

// settle ends all faults and waits until nothing is left to do or to alert.
func (c *chaos) settle() {
	c.Salesforce.SetFaults(0)
	c.Monday.SetFaults(0)
	c.Telegram.LoseAnswers(0, 0)
	last := time.Now()
	c.eventually("all is quiet", c.size.patience, func() bool {
		return c.Monday.Pending() == 0 && c.none("SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')") &&
			c.none(`SELECT count(*) FROM river_job j WHERE state IN ('cancelled', 'discarded')
			        AND NOT EXISTS (SELECT FROM dead_letters d WHERE d.job_id = j.id AND d.alerted_at IS NOT NULL)`) &&
			c.Monday.Pending() == 0
	})
	events, deliveries := c.Monday.DeliveryCounts()
	c.t.Logf("quiet %s after the last event; %d events (%d deliveries), %d kills and restarts, %d calls to Salesforce, %d to Monday",
		time.Since(last).Round(time.Second), events, deliveries, len(c.disturbed), c.Salesforce.TotalCalls(), c.Monday.TotalCalls())
	c.show("jobs", `SELECT count(*), count(*) FILTER (WHERE kind = 'item_resync') AS resyncs, count(*) FILTER (WHERE args ? 'force') AS overtaken, count(*) FILTER (WHERE state <> 'completed') AS given_up,
		count(*) FILTER (WHERE errors::text LIKE '%rescued%') AS rescued, max(attempt) AS attempts, max((metadata->>'snoozes')::int) AS snoozes FROM river_job`)
}

// none reports whether a count is zero; false while Postgres is away.
func (c *chaos) none(query string) bool {
	var n int
	err := c.DB.QueryRow(c.ctx, query).Scan(&n)
	return err == nil && n == 0
}

// eventually waits for a condition.
func (c *chaos) eventually(what string, patience time.Duration, ok func() bool) {
	c.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-c.ctx.Done():
			c.reportStall()
			c.t.Fatalf("SEED=%d: the test's time is over before %s", c.seed, what)
		case <-deadline.C:
			c.reportStall()
			c.t.Fatalf("SEED=%d: waited too long until %s", c.seed, what)
		case <-tick.C:
		}
	}
}

// judge compares the final state with the oracle and the invariants.
func (c *chaos) judge() {
	problems := c.invariants()
	problems = append(problems, newJudge(c).check()...)
	if len(problems) > 0 {
		c.report(problems)
	}
}
