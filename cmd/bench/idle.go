package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
)

// idle measures the time from a delivery to the call of Salesforce when there is nothing else to do.
func (b *bench) idle(ctx context.Context) error {
	rows := [][]string{{"processes", "p50", "p99", "longest"}}
	for _, roles := range [][]string{{"serve"}, {"worker", "ingest"}} {
		took, err := b.singly(ctx, roles)
		if err != nil {
			return err
		}
		name := strings.Join(roles, " and ")
		p50, p99 := quantile(took, 0.5), quantile(took, 0.99)
		rows = append(rows, []string{name, millis(p50), millis(p99), millis(quantile(took, 1))})
		what := fmt.Sprintf("idle, %s: from POST to Salesforce's call, ", name)
		b.atMost(what+"p50", "%.1f ms", p50, 15)
		b.atMost(what+"p99", "%.1f ms", p99, 150)
	}
	b.table(fmt.Sprintf("Idle: from POST to the Salesforce call's arrival (%d events each, the next when the one "+
		"before is completed)", b.single), rows)
	return nil
}

// singly sends events one at a time, and returns how long each took to reach Salesforce, in ascending order.
func (b *bench) singly(ctx context.Context, roles []string) (took []time.Duration, err error) {
	s := b.stage
	if err := s.empty(ctx); err != nil {
		return nil, err
	}
	if err := s.link(ctx, b.single); err != nil {
		return nil, err
	}
	var addr string
	for _, role := range roles {
		p, err := s.start(ctx, role)
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, p.stop()) }()
		alive, end := p.while(ctx)
		defer end()
		ctx, addr = alive, p.addr
	}
	arrived := make(chan time.Time, 1)
	s.Salesforce.OnCall(func(call sfsim.Call) *sfsim.Fault {
		if call.Operation == "update" {
			arrived <- call.At
		}
		return nil
	})
	defer s.Salesforce.OnCall(nil)
	connections, hangUp, err := dialAll(ctx, addr, 1)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	for n := range b.single {
		one, err := s.single(ctx, connections[0], n, arrived)
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", n+1, err)
		}
		took = append(took, one)
	}
	slices.Sort(took)
	return took, nil
}

// single sends an event and waits until it is completed. It returns how long it took to reach Salesforce.
func (s *testbed) single(ctx context.Context, c *connection, n int,
	arrived <-chan time.Time) (took time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	// The queue does some things periodically: without a random pause, all events would meet it in the same phase.
	select {
	case <-time.After(rand.N(100 * time.Millisecond)):
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	at := time.Now()
	if err := c.post(payload(at, delivered.Add(1), firstItem+int64(n))); err != nil {
		return 0, err
	}
	select {
	case called := <-arrived:
		took = called.Sub(at)
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	return took, s.until(ctx, 20*time.Millisecond, "SELECT count(*) = $1 FROM river_job WHERE state = 'completed'", n+1)
}
