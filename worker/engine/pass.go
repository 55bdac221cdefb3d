package engine

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// tools are shared by all batches.
type tools struct {
	Config
	users  *users
	sender *send.Sender
	size   prometheus.Histogram
	lag    *prometheus.HistogramVec // by direction

	described sync.Map // objects whose description a dry pass has counted as a call

	conflicts *prometheus.CounterVec // by the side that won
}

// pass is the processing of one batch.
type pass struct {
	*tools
	holder uuid.UUID // of its leases
	tasks  []*task   // in the order of the events
	works  []*work   // by item id
	byItem map[int64]*work

	suppressed []*ledger.Item // claimed items that are left as they are

	refs     plan.References
	leases   leases
	holds    map[string]map[string]any                // what records hold that were read, by Id; nil: not visible
	followed map[string]bool                          // Ids of invisible records whose fate was asked for
	unread   []target                                 // records that must be read before fields that go both ways are sent
	items    map[*mapping.Record]map[string]int64     // items of the records that other records refer to, by Id
	kept     map[*ledger.Link]map[string]ledger.Doubt // the stored doubts
	bulk     *bulk                                    // of a pass over a page; nil: over events
}

// persist repeats a statement until Postgres accepts it, for as long as the leases last: if it stopped earlier, the
// items would stay leased without a holder.
func (p *pass) persist(ctx context.Context, statement func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ledger.LeaseMargin)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := statement(ctx)
		if err == nil || !waits(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// failAll fails events, except those that have failed for good.
func failAll(tasks []*task, err error) {
	for _, t := range tasks {
		if t.err == nil || !permanent(t.err) {
			t.err = err
		}
	}
}

// leases are the keys that a batch has leased.
type leases struct {
	keys   []string
	unsure []string // those under which a record may be being created
}

// unsureLease is how long a match value stays leased if the answer to a create was lost: Salesforce may still be
// executing it, and an early look-up would lead to a second record.
const unsureLease = 10 * time.Second

// lease leases keys for the batch. Keys that it does not get are leased by another worker.
func (p *pass) lease(ctx context.Context, keys []string) error {
	if p.isDry() {
		p.leases.keys = append(p.leases.keys, keys...) // a dry pass decides nothing under them
		return nil
	}
	got, err := p.Store.Lease(ctx, p.holder, keys, p.leaseLasts())
	if err != nil {
		return err
	}
	p.leases.keys = append(p.leases.keys, got...)
	return nil
}

// leaseLasts returns how long the leases of the batch last unless they are renewed.
func (p *pass) leaseLasts() time.Duration {
	if p.bulk != nil && p.bulk.Lease > 0 {
		return p.bulk.Lease
	}
	return p.Timeout + ledger.LeaseMargin
}

func (p *pass) isLeased(key string) bool { return slices.Contains(p.leases.keys, key) }

// shortenUnsure shortens the leases on values under which a record may be being created.
func (p *pass) shortenUnsure(ctx context.Context) {
	if len(p.leases.unsure) == 0 {
		return
	}
	err := p.persist(ctx, func(ctx context.Context) error {
		_, err := p.Store.Lease(ctx, p.holder, p.leases.unsure, unsureLease)
		return err
	})
	if err != nil {
		p.Log.Warn("could not shorten leases", "keys", len(p.leases.unsure),
			"lasts", (p.Timeout + ledger.LeaseMargin).Round(time.Second), "error", err)
	}
}

// isDry reports whether changes are forbidden.
func (p *pass) isDry() bool { return p.bulk != nil && p.bulk.Dry }
