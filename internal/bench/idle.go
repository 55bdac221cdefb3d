package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"crmsync/sfclient/sfsim"
)

// firstItem is the id of the first of the linked items.
const firstItem int64 = 8_500_000_000

// idle measures how long it takes from a delivery to the call of Salesforce, when nothing else is to be done.
func (b *bench) idle(ctx context.Context) error {
	if err := b.seed(ctx, 0); err != nil {
		return err
	}
	p, err := b.start(ctx, "", "serve")
	if err != nil {
		return err
	}
	defer p.stop()
	arrived := make(chan time.Time, 1)
	b.salesforce.OnCall(func(call sfsim.Call) *sfsim.Fault {
		if call.Operation == "update" {
			arrived <- call.At
		}
		return nil
	})
	defer b.salesforce.OnCall(nil)
	url := "http://" + p.addr + "/webhooks/monday/" + secret
	var took []time.Duration
	for n := range b.single {
		began := time.Now()
		if err := post(http.DefaultClient, url, payload(fired.Add(1), firstItem+int64(n))); err != nil {
			return err
		}
		select {
		case at := <-arrived:
			took = append(took, at.Sub(began))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err := b.until(ctx, 20*time.Millisecond, "SELECT count(*) = $1 FROM river_job WHERE state = 'completed'", n+1); err != nil {
			return err
		}
	}
	slices.Sort(took)
	p50, p99 := quantile(took, 0.5), quantile(took, 0.99)
	table(fmt.Sprintf("Idle: from POST to the Salesforce call's arrival (%d events, one at a time)", b.single), [][]string{
		{"p50", "p99", "wanted"},
		{millis(p50), millis(p99), wanted(p50 < 15*time.Millisecond && p99 < 150*time.Millisecond, "p50 under 15 ms, p99 under 150 ms")},
	})
	return nil
}
