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

// endpoint is a program that receives webhooks.
type endpoint struct {
	name, role string
	forgets    bool // it stores nothing
}

// endpoints returns the programs that are compared, crmsync last but for another build of it.
func (b *bench) endpoints() []endpoint {
	all := []endpoint{{name: oneInsert, role: oneInsert}, {name: oneRow, role: oneRow},
		{name: atOnceOK, role: atOnceOK, forgets: true}, {name: "crmsync ingest", role: "ingest"}}
	if b.stage.other != "" {
		all = append(all, endpoint{name: "the other build's", role: otherBuild + "ingest"})
	}
	return all
}

// connectionsWanted is the minimum rate at a number of connections, times that of one insert a request.
var connectionsWanted = map[int]float64{64: 4, 256: 4.5}

// ingest measures how many webhooks are accepted, compared with minimal endpoints.
func (b *bench) ingest(ctx context.Context) error {
	rows := [][]string{{"connections", "endpoint", "accepted/s", "of one insert", "p50", "p99", "CPU/event",
		"own + Postgres", "(load)", "peak RSS"}}
	for _, connections := range b.sizes.connections {
		rounds := map[string][]accepted{}
		for range b.rounds {
			for _, e := range b.endpoints() {
				a, err := b.round(ctx, e, connections)
				if err != nil {
					return fmt.Errorf("%s, %d connections: %w", e.name, connections, err)
				}
				rounds[e.role] = append(rounds[e.role], a)
			}
		}
		for _, e := range b.endpoints() {
			rows = append(rows, row(connections, e.name, rounds[e.role], rounds[oneInsert]))
		}
		b.judgeIngest(connections, rounds)
	}
	b.table(fmt.Sprintf("Ingest: accepted webhooks (medians of %d rounds of %s, in turns)", b.rounds, b.seconds), rows)
	return nil
}

// judgeIngest checks the rounds of all endpoints, by role, against the targets.
func (b *bench) judgeIngest(connections int, rounds map[string][]accepted) {
	ours, theirs := rounds["ingest"], rounds[oneInsert]
	rate := func(a accepted) float64 { return a.rate }
	slowest := func(a accepted) float64 { return a.p99 }
	what := fmt.Sprintf("ingest at %d connections: ", connections)
	if least := connectionsWanted[connections]; least > 0 {
		b.atLeast(what+"accepted/s, times one insert a request", ratio(ours, theirs, rate), least)
		b.atMost(what+"own CPU per event", "%.0f µs", middle(ours, func(a accepted) float64 { return a.cpu.program }), 45)
		b.atMost(what+"Postgres' CPU per event", "%.0f µs",
			middle(ours, func(a accepted) float64 { return a.cpu.postgres }), 40)
	}
	if connections == 64 {
		b.atLeast(what+"accepted/s, times bare commits of a row", ratio(ours, rounds[oneRow], rate), 0.85)
	}
	b.atMost(what+"p99, times that of one insert a request, worst round", "%.2f", most(ratios(ours, theirs, slowest),
		func(r float64) float64 { return r }), 1)
	b.atMost(what+"peak RSS", "%.0f MiB", most(ours, func(a accepted) float64 { return a.peak }), 64)
	if other := rounds[otherBuild+"ingest"]; other != nil {
		b.atLeast(what+"accepted/s, times the other build's", ratio(ours, other, rate), 0.97)
	}
}

func row(connections int, name string, rounds, theirs []accepted) []string {
	of := func(figure func(accepted) float64) float64 { return middle(rounds, figure) }
	rate := func(a accepted) float64 { return a.rate }
	return []string{
		fmt.Sprint(connections), name, fmt.Sprintf("%.0f", of(rate)), fmt.Sprintf("%.2f", ratio(rounds, theirs, rate)),
		millis(of(func(a accepted) float64 { return a.p50 })), millis(of(func(a accepted) float64 { return a.p99 })),
		micros(of(func(a accepted) float64 { return a.cpu.total() })),
		fmt.Sprintf("%.0f + %.0f", of(func(a accepted) float64 { return a.cpu.program }),
			of(func(a accepted) float64 { return a.cpu.postgres })),
		fmt.Sprintf("(%.0f)", of(func(a accepted) float64 { return a.cpu.bench })),
		fmt.Sprintf("%.0f MiB", most(rounds, func(a accepted) float64 { return a.peak })),
	}
}

// round loads an endpoint for a while, after a short warm-up, and checks that each accepted delivery is stored.
func (b *bench) round(ctx context.Context, e endpoint, connections int) (a accepted, err error) {
	s := b.stage
	if err := errors.Join(s.empty(ctx), s.exec(ctx, "TRUNCATE bare")); err != nil {
		return a, err
	}
	p, err := s.start(ctx, e.role)
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
	if err := s.keepProfile(ctx, p, fmt.Sprintf("%s-%d", e.role, connections)); err != nil || e.forgets {
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

// kept checks that as many deliveries are stored as were accepted.
func (s *testbed) kept(ctx context.Context, want int) error {
	var kept int
	const query = "SELECT (SELECT count(*) FROM river_job) + (SELECT count(*) FROM bare)"
	if err := s.DB.QueryRow(ctx, query).Scan(&kept); err != nil {
		return fmt.Errorf("counting deliveries: %w", err)
	}
	if kept != want {
		return fmt.Errorf("%d webhooks were accepted, but %d are stored", want, kept)
	}
	return nil
}
