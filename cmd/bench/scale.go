package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/jobs"
)

// perItem is how many queued events each item has while scaling is measured, so that workers compete for items.
const perItem = 10

// team is a number of workers that drain one queue together.
type team struct {
	workers int
	latency time.Duration // of a call to Salesforce
	wanted  float64       // minimum, in multiples of the rate of one worker
}

// teams returns the teams to measure: for each latency, the single worker first.
func teams() []team {
	const slow = 500 * time.Millisecond
	return []team{{workers: 1}, {workers: 2, wanted: 0.95}, {workers: 1, latency: slow},
		{workers: 2, latency: slow, wanted: 1.8}, {workers: 4, latency: slow, wanted: 3.2}}
}

// scale measures how fast several workers drain one queue, compared with a single one.
func (b *bench) scale(ctx context.Context) error {
	all := teams()
	rounds := make([][]drained, len(all))
	for range b.rounds {
		for n, t := range all {
			d, err := b.together(ctx, t, b.sizes.shared)
			if err != nil {
				return fmt.Errorf("%d workers, %v a call: %w", t.workers, t.latency, err)
			}
			rounds[n] = append(rounds[n], d)
		}
	}
	rows := [][]string{{"workers", "a call", "events/s", "of one worker", "CPU/event", "own + Postgres",
		"Salesforce calls/1,000"}}
	single := 0
	for n, t := range all {
		if t.workers == 1 {
			single = n
		}
		of := func(figure func(drained) float64) float64 { return middle(rounds[n], figure) }
		rate := func(d drained) float64 { return d.rate }
		times := ratio(rounds[n], rounds[single], rate)
		if t.wanted > 0 {
			b.atLeast(fmt.Sprintf("scale: %d workers at %v a call, times one", t.workers, t.latency), times, t.wanted)
		}
		rows = append(rows, []string{
			fmt.Sprint(t.workers), t.latency.String(), fmt.Sprintf("%.0f", of(rate)), fmt.Sprintf("%.2f", times),
			micros(of(func(d drained) float64 { return d.cpu.total() })),
			fmt.Sprintf("%.0f + %.0f", of(func(d drained) float64 { return d.cpu.program }),
				of(func(d drained) float64 { return d.cpu.postgres })),
			fmt.Sprintf("%.1f", of(func(d drained) float64 { return d.calls })),
		})
	}
	b.table(fmt.Sprintf("Several workers draining %s events of %s items (medians of %d rounds in turns)",
		thousands(b.sizes.shared), thousands(b.sizes.shared/perItem), b.rounds), rows)
	return nil
}

// together fills the queue and lets a team drain it.
func (b *bench) together(ctx context.Context, t team, events int) (d drained, err error) {
	s, items := b.stage, events/perItem
	if err := s.fill(ctx, events, items); err != nil {
		return d, err
	}
	s.Salesforce.SetLatency(t.latency)
	defer s.Salesforce.SetLatency(0)
	calls := s.Salesforce.TotalCalls()
	resume, err := s.pause(ctx)
	if err != nil {
		return d, err
	}
	var workers []*process
	defer func() {
		for _, p := range workers {
			err = errors.Join(err, p.stop())
		}
	}()
	for range t.workers {
		p, err := s.start(ctx, "worker")
		if err != nil {
			return d, err
		}
		workers = append(workers, p)
	}
	if err := resume(); err != nil {
		return d, err
	}
	if d.cpu, err = s.workOff(ctx, workers, events); err != nil {
		return d, err
	}
	if d.rate, err = s.rate(ctx, events); err != nil {
		return d, err
	}
	d.calls = 1000 * float64(s.Salesforce.TotalCalls()-calls) / float64(events)
	return d, s.synced(ctx, events, items, "unchanged")
}

// pause pauses the queue until every worker has started; resume resumes it.
func (s *testbed) pause(ctx context.Context) (resume func() error, err error) {
	client, err := river.NewClient(riverpgxv5.New(s.DB), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, fmt.Errorf("preparing the queue: %w", err)
	}
	const query = `
		INSERT INTO river_queue (name, created_at, updated_at, paused_at) VALUES ('events', now(), now(), now())
		ON CONFLICT (name) DO UPDATE SET paused_at = now()`
	return func() error { return client.QueueResume(ctx, jobs.QueueEvents, nil) }, s.exec(ctx, query)
}
