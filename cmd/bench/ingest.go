package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// accepted is the result of an endpoint under load.
type accepted struct {
	rate     float64 // accepted/s
	p50, p99 float64 // ms
	cpu      cpu     // µs per event
	peak     float64 // MiB
}

// ingest measures how many webhooks are accepted, compared with an endpoint that does one insert per request.
func (b *bench) ingest(ctx context.Context) error {
	rows := [][]string{{"connections", "endpoint", "accepted/s", "of one insert", "p50", "p99", "CPU/event",
		"own + Postgres", "(load)", "peak RSS"}}
	wanted := map[int]float64{64: 3, 256: 3.5}
	for _, connections := range []int{16, 64, 256} {
		var ours, theirs []accepted
		for range b.rounds {
			for _, role := range []string{oneInsert, "ingest"} {
				a, err := b.round(ctx, role, connections)
				if err != nil {
					return fmt.Errorf("%s, %d connections: %w", role, connections, err)
				}
				if role == oneInsert {
					theirs = append(theirs, a)
				} else {
					ours = append(ours, a)
				}
			}
		}
		rate := ratio(ours, theirs, func(a accepted) float64 { return a.rate })
		slowest := func(a accepted) float64 { return a.p99 }
		rows = append(rows, row(connections, oneInsert, theirs, 1), row(connections, "crmsync ingest", ours, rate))
		what := fmt.Sprintf("ingest at %d connections: ", connections)
		if least := wanted[connections]; least > 0 {
			b.atLeast(what+"accepted/s, times one insert a request", rate, least)
		}
		b.atMost(what+"p99, times that of one insert a request", "%.2f", ratio(ours, theirs, slowest), 1)
		b.atMost(what+"peak RSS", "%.0f MiB", most(ours, func(a accepted) float64 { return a.peak }), 64)
	}
	b.table(fmt.Sprintf("Ingest: accepted webhooks (medians of %d rounds of %s, in turns)", b.rounds, b.seconds), rows)
	return nil
}

func row(connections int, name string, rounds []accepted, rate float64) []string {
	of := func(figure func(accepted) float64) float64 { return middle(rounds, figure) }
	return []string{
		fmt.Sprint(connections), name, fmt.Sprintf("%.0f", of(func(a accepted) float64 { return a.rate })),
		fmt.Sprintf("%.2f", rate),
		millis(of(func(a accepted) float64 { return a.p50 })), millis(of(func(a accepted) float64 { return a.p99 })),
		micros(of(func(a accepted) float64 { return a.cpu.total() })),
		fmt.Sprintf("%.0f + %.0f", of(func(a accepted) float64 { return a.cpu.program }),
			of(func(a accepted) float64 { return a.cpu.postgres })),
		fmt.Sprintf("(%.0f)", of(func(a accepted) float64 { return a.cpu.bench })),
		fmt.Sprintf("%.0f MiB", most(rounds, func(a accepted) float64 { return a.peak })),
	}
}

// round loads an endpoint for a while, after a short warm-up, and checks that each accepted delivery is a job.
func (b *bench) round(ctx context.Context, role string, connections int) (a accepted, err error) {
	s := b.stage
	if err := s.empty(ctx); err != nil {
		return a, err
	}
	p, err := s.start(ctx, role)
	if err != nil {
		return a, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	all, hangUp, err := dialAll(ctx, p.addr, connections)
	if err != nil {
		return a, err
	}
	defer hangUp()
	warm, err := fire(ctx, all, b.seconds/4)
	if err != nil {
		return a, err
	}
	if err := s.resetStatements(ctx); err != nil {
		return a, err
	}
	took, err := a.measure(ctx, s, p, all, b.seconds)
	if err != nil {
		return a, err
	}
	if err := s.keepProfile(ctx, p, fmt.Sprintf("%s-%d", role, connections)); err != nil {
		return a, err
	}
	return a, s.kept(ctx, len(warm)+took)
}

// measure sends deliveries, and returns how many were accepted.
func (a *accepted) measure(ctx context.Context, s *testbed, p *process, all []*connection,
	d time.Duration) (int, error) {
	before, err := s.used(p)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	took, err := fire(ctx, all, d)
	if err != nil {
		return 0, err
	}
	a.rate = float64(len(took)) / time.Since(began).Seconds()
	a.p50, a.p99 = quantile(took, 0.5), quantile(took, 0.99)
	after, err := s.used(p)
	if err != nil {
		return 0, err
	}
	a.cpu = after.since(before, len(took))
	a.peak, err = p.peak()
	return len(took), err
}

// kept checks that the queue has as many jobs as deliveries were accepted.
func (s *testbed) kept(ctx context.Context, want int) error {
	var kept int
	if err := s.DB.QueryRow(ctx, "SELECT count(*) FROM river_job").Scan(&kept); err != nil {
		return fmt.Errorf("counting jobs: %w", err)
	}
	if kept != want {
		return fmt.Errorf("%d webhooks were accepted, but there are %d jobs", want, kept)
	}
	return nil
}
