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

var contenders = []contender{
	{name: nothing, role: nothing},
	{name: "crmsync, 0 ms a call", role: "worker", wanted: 0.5},
	{name: "crmsync, 50 ms a call", role: "worker", latency: 50 * time.Millisecond, wanted: 0.4},
}

// drain measures how fast a queue of column updates is drained, compared with a River worker that does nothing.
func (b *bench) drain(ctx context.Context) error {
	rows := [][]string{{"events", "worker", "events/s", "of the empty one", "CPU/event", "own + Postgres", "(simulators)",
		"Salesforce calls/1,000", "Monday reads/1,000", "peak RSS"}}
	var cost []float64
	for n, events := range b.events {
		rounds := 1
		if n == 0 {
			rounds = b.rounds
		}
		all := make([][]drained, len(contenders))
		for range rounds {
			for n, c := range contenders {
				d, err := b.measure(ctx, c, events)
				if err != nil {
					return fmt.Errorf("%s, %d events: %w", c.name, events, err)
				}
				all[n] = append(all[n], d)
			}
		}
		for n, c := range contenders {
			rows = append(rows, b.judge(c, events, all[n], all[0]))
		}
		cost = append(cost, middle(all[1], func(d drained) float64 { return d.cpu.total() }))
	}
	b.table(fmt.Sprintf("Draining queued column updates of %s linked items (medians of rounds in turns: %d of the "+
		"shortest queue, 1 of a longer one)",
		thousands(b.items), b.rounds), rows)
	if last := len(cost) - 1; last > 0 {
		b.atMost(fmt.Sprintf("drain: CPU per event at %s, times that at %s", thousands(b.events[last]),
			thousands(b.events[0])), "%.2f", cost[last]/cost[0], 1.2)
	}
	return nil
}

// judge checks a contender's rounds against the targets, and returns them as a row.
func (b *bench) judge(c contender, events int, rounds, empty []drained) []string {
	of := func(figure func(drained) float64) float64 { return middle(rounds, figure) }
	rate := func(d drained) float64 { return d.rate }
	share := ratio(rounds, empty, rate)
	calls, reads := of(func(d drained) float64 { return d.calls }), of(func(d drained) float64 { return d.reads })
	peak := most(rounds, func(d drained) float64 { return d.peak })
	if c.wanted > 0 {
		what := fmt.Sprintf("drain %s, %s: ", thousands(events), c.name)
		b.atLeast(what+"events/s of the empty worker's", share, c.wanted)
		b.atMost(what+"Salesforce calls per 1,000 events", "%.1f", calls, 8)
		b.atMost(what+"Monday reads per 1,000 events", "%.1f", reads, 0)
		b.atMost(what+"peak RSS", "%.0f MiB", peak, 150)
	}
	return []string{
		thousands(events), c.name, fmt.Sprintf("%.0f", of(rate)), fmt.Sprintf("%.2f", share),
		micros(of(func(d drained) float64 { return d.cpu.total() })),
		fmt.Sprintf("%.0f + %.0f", of(func(d drained) float64 { return d.cpu.program }),
			of(func(d drained) float64 { return d.cpu.postgres })),
		fmt.Sprintf("(%.0f)", of(func(d drained) float64 { return d.cpu.bench })),
		fmt.Sprintf("%.1f", calls), fmt.Sprintf("%.1f", reads), fmt.Sprintf("%.0f MiB", peak),
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
	calls, reads := s.Salesforce.TotalCalls(), s.Monday.TotalCalls()
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
	d.reads = 1000 * float64(s.Monday.TotalCalls()-reads) / float64(events)
	if d.peak, err = p.peak(); err != nil {
		return d, err
	}
	if d.rate, err = s.rate(ctx, events); err != nil || c.role == nothing {
		return d, err
	}
	return d, s.synced(ctx, events, b.items)
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
