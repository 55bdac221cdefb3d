package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// drained is the cost of draining a queue.
type drained struct {
	rate  float64 // events/s
	cpu   cpu     // µs per event
	calls float64 // of Salesforce, per 1,000 events
	reads float64 // of Monday, per 1,000 events
	peak  float64 // MiB
}

// contender is a worker that drains the queue.
type contender struct {
	name, role string
	latency    time.Duration // of a call to Salesforce
	wanted     float64       // minimum share of the empty worker's rate
}

// contenders returns the workers that are compared: the empty one first, then crmsync without latency.
func (b *bench) contenders() []contender {
	all := []contender{
		{name: nothing, role: nothing},
		{name: "crmsync, 0 ms a call", role: "worker", wanted: 0.85},
		{name: "crmsync, 50 ms a call", role: "worker", latency: 50 * time.Millisecond, wanted: 0.85},
	}
	if b.stage.other != "" {
		all = append(all, contender{name: "the other build, 0 ms a call", role: otherBuild + "worker"})
	}
	return all
}

// drain measures how fast a queue of column updates is drained, compared with a River worker that does nothing. Of the
// longer queues, only crmsync drains one, whose cost per event is compared with that of the shortest queue.
func (b *bench) drain(ctx context.Context) error {
	rows := [][]string{{"events", "worker", "events/s", "of the empty one", "CPU/event", "own + Postgres", "(simulators)",
		"Salesforce calls/1,000", "Monday reads/1,000", "peak RSS"}}
	contenders := b.contenders()
	all := make([][]drained, len(contenders))
	for range b.rounds {
		for n, c := range contenders {
			d, err := b.measure(ctx, c, b.events[0])
			if err != nil {
				return fmt.Errorf("%s, %d events: %w", c.name, b.events[0], err)
			}
			all[n] = append(all[n], d)
		}
	}
	for n, c := range contenders {
		rows = append(rows, drainRow(c.name, b.events[0], all[n], all[0]))
		b.judge(c, all[n], all[0])
	}
	if last := len(all) - 1; b.stage.other != "" {
		b.atLeast("drain: events/s, times the other build's", ratio(all[1], all[last],
			func(d drained) float64 { return d.rate }), 0.97)
	}
	for _, events := range b.events[1:] {
		d, err := b.measure(ctx, contenders[1], events)
		if err != nil {
			return fmt.Errorf("%s, %d events: %w", contenders[1].name, events, err)
		}
		rows = append(rows, drainRow(contenders[1].name, events, []drained{d}, nil))
		b.atMost(fmt.Sprintf("drain: CPU per event at %s, times that at %s", thousands(events), thousands(b.events[0])),
			"%.2f", d.cpu.total()/middle(all[1], func(d drained) float64 { return d.cpu.total() }), 1.15)
		b.atMost(fmt.Sprintf("drain %s: peak RSS", thousands(events)), "%.0f MiB", d.peak, workerRSS)
	}
	b.table(fmt.Sprintf("Draining queued column updates of %s linked items (medians of rounds in turns: %d of the "+
		"shortest queue, 1 of a longer one)",
		thousands(b.items), b.rounds), rows)
	return nil
}

// workerRSS is how much memory a worker may use, in MiB, whatever it does.
const workerRSS = 90

// judge checks a contender's rounds of the shortest queue against the targets.
func (b *bench) judge(c contender, rounds, empty []drained) {
	if c.wanted == 0 {
		return
	}
	of := func(figure func(drained) float64) float64 { return middle(rounds, figure) }
	what := fmt.Sprintf("drain %s, %s: ", thousands(b.events[0]), c.name)
	b.atLeast(what+"events/s of the empty worker's", ratio(rounds, empty, func(d drained) float64 { return d.rate }),
		c.wanted)
	b.atMost(what+"Postgres' CPU per event beyond the empty worker's", "%.0f µs",
		excess(rounds, empty, func(d drained) float64 { return d.cpu.postgres }), 30)
	b.atMost(what+"Salesforce calls per 1,000 events", "%.1f", of(func(d drained) float64 { return d.calls }), 8)
	b.atMost(what+"Monday reads per 1,000 events", "%.1f", of(func(d drained) float64 { return d.reads }), 0)
	b.atMost(what+"peak RSS", "%.0f MiB", most(rounds, func(d drained) float64 { return d.peak }), workerRSS)
}

// drainRow returns rounds as a row. empty holds the empty worker's; nil: it was not measured.
func drainRow(name string, events int, rounds, empty []drained) []string {
	of := func(figure func(drained) float64) float64 { return middle(rounds, figure) }
	rate, share := func(d drained) float64 { return d.rate }, "-"
	if empty != nil {
		share = fmt.Sprintf("%.2f", ratio(rounds, empty, rate))
	}
	return []string{
		thousands(events), name, fmt.Sprintf("%.0f", of(rate)), share,
		micros(of(func(d drained) float64 { return d.cpu.total() })),
		fmt.Sprintf("%.0f + %.0f", of(func(d drained) float64 { return d.cpu.program }),
			of(func(d drained) float64 { return d.cpu.postgres })),
		fmt.Sprintf("(%.0f)", of(func(d drained) float64 { return d.cpu.bench })),
		fmt.Sprintf("%.1f", of(func(d drained) float64 { return d.calls })),
		fmt.Sprintf("%.1f", of(func(d drained) float64 { return d.reads })),
		fmt.Sprintf("%.0f MiB", most(rounds, func(d drained) float64 { return d.peak })),
	}
}

// measure fills the queue, lets a worker drain it, measures the cost, and checks that everything was done.
func (b *bench) measure(ctx context.Context, c contender, events int) (d drained, err error) {
	s := b.stage
	if err := s.fill(ctx, events, b.items); err != nil {
		return d, err
	}
	s.Salesforce.SetLatency(c.latency)
	defer s.Salesforce.SetLatency(0)
	calls, reads := s.Salesforce.TotalCalls(), s.mondayReads()
	p, err := s.start(ctx, c.role)
	if err != nil {
		return d, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if d.cpu, err = s.workOff(ctx, []*process{p}, events); err != nil {
		return d, err
	}
	if err := s.keepProfile(ctx, p, fmt.Sprintf("%s-%d", c.name, events)); err != nil {
		return d, err
	}
	d.calls = 1000 * float64(s.Salesforce.TotalCalls()-calls) / float64(events)
	d.reads = 1000 * float64(s.mondayReads()-reads) / float64(events)
	if d.peak, err = p.peak(); err != nil {
		return d, err
	}
	if d.rate, err = s.rate(ctx, events); err != nil || c.role == nothing {
		return d, err
	}
	return d, s.synced(ctx, events, b.items)
}

// mondayReads counts Monday's calls except the one by which each worker logs in.
func (s *testbed) mondayReads() int {
	calls := s.Monday.Calls()
	return s.Monday.TotalCalls() - calls["me+platform_api"]
}

// fill creates linked items and queues events of them.
func (s *testbed) fill(ctx context.Context, events, items int) error {
	if err := s.empty(ctx); err != nil {
		return err
	}
	if err := s.link(ctx, items); err != nil {
		return err
	}
	if err := s.queue(ctx, events, items); err != nil {
		return err
	}
	return s.resetStatements(ctx)
}

// workOff waits until newly started workers have drained the queue, and returns the cost of each event.
func (s *testbed) workOff(ctx context.Context, workers []*process, events int) (c cpu, err error) {
	for _, p := range workers {
		var end context.CancelFunc
		ctx, end = p.while(ctx)
		defer end()
	}
	before, err := s.used(workers...)
	if err != nil {
		return c, err
	}
	// The index finds immediately what is left.
	const done = "SELECT NOT EXISTS (SELECT FROM river_job WHERE state IN ('available', 'running', 'retryable', " +
		"'scheduled'))"
	if err := s.until(ctx, 100*time.Millisecond, done); err != nil {
		return c, err
	}
	after, err := s.used(workers...)
	return after.since(before, events), err
}

// rate returns how many events per second were processed, from the start of the first to the end of the last.
func (s *testbed) rate(ctx context.Context, events int) (rate float64, err error) {
	const query = `
		SELECT $1 / extract(epoch FROM max(finalized_at) - min(attempted_at))::float8
		FROM   river_job
		WHERE  state = 'completed'
		HAVING count(*) = $1`
	if err := s.DB.QueryRow(ctx, query, events).Scan(&rate); err != nil {
		return 0, fmt.Errorf("finding all events completed: %w", err)
	}
	return rate, nil
}

// synced checks that each event changed Salesforce, and that Salesforce holds the values of the last events. With
// several workers, one may overtake another, whose older value then counts as unchanged.
func (s *testbed) synced(ctx context.Context, events, items int, ends ...string) error {
	statuses := append(ends, "success")
	const query = `
		SELECT coalesce(sum(n) FILTER (WHERE status = ANY($1)), 0), coalesce(string_agg(concat_ws(' ', n, status, reason), ', '), 'no events')
		FROM  (SELECT status, response_data->>'reason' AS reason, count(*) AS n FROM sync_logs GROUP BY 1, 2) AS ends`
	var done int
	var found string
	if err := s.DB.QueryRow(ctx, query, statuses).Scan(&done, &found); err != nil {
		return fmt.Errorf("counting the log: %w", err)
	}
	if stale := s.stale(events, items); done != events || stale != 0 {
		return fmt.Errorf("%d events ended as: %s; %d records are stale", events, found, stale)
	}
	return nil
}
