package sweep

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

	"crmsync/schema/ledger"
)

const (
	// leaseLasts is how long a sweep and the items of its page stay leased at most to a process that was killed: its
	// last call may still be running.
	leaseLasts = ledger.LeaseMargin + 5*time.Second

	retryAfter = 2 * time.Second
)

// lease is how long leases last. No call lasts longer than its attempt.
func (s *Sweeper) lease() time.Duration { return min(leaseLasts, s.Timeout) }

// TakenError means that another process works on the sweep, or was killed and may still have a call running.
type TakenError struct{}

func (e *TakenError) Error() string { return "another process works on the comparison" }

// RetryAfter returns when the sweep may be free.
func (e *TakenError) RetryAfter() time.Duration { return retryAfter }

// claim is the lease on a sweep, and on the items of the page that is being compared.
type claim struct {
	sweeper *Sweeper
	holder  uuid.UUID
	keys    []string
	stop    context.CancelFunc
	done    sync.WaitGroup

	mu    sync.Mutex
	page  uuid.UUID // holder of the page's leases
	items []int64
}

// claim leases a sweep and renews the lease until it is released.
func (s *Sweeper) claim(ctx context.Context, id int64) (*claim, error) {
	c := &claim{sweeper: s, holder: uuid.New(), keys: []string{fmt.Sprintf("sweep %d", id)}}
	got, err := s.Store.Lease(ctx, c.holder, c.keys, s.lease())
	switch {
	case err != nil:
		return nil, err
	case len(got) == 0:
		return nil, &TakenError{}
	}
	ctx, c.stop = context.WithCancel(ctx)
	c.done.Go(func() { c.renewAll(ctx) })
	return c, nil
}

// holds sets the page that is being compared. It returns the holder of the page's leases.
func (c *claim) holds(items []int64) uuid.UUID {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.page, c.items = uuid.New(), items
	return c.page
}

func (c *claim) renewAll(ctx context.Context) {
	ticker := time.NewTicker(c.sweeper.lease() / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := c.renew(ctx); err != nil && ctx.Err() == nil {
			c.sweeper.Log.Warn("could not renew the leases of a comparison", "error", err)
		}
	}
}

// renew renews the page's leases before the sweep's: they must not outlast it.
func (c *claim) renew(ctx context.Context) error {
	c.mu.Lock()
	holder, items := c.page, c.items
	c.mu.Unlock()
	if err := c.sweeper.Store.Renew(ctx, holder, items, c.sweeper.lease()); err != nil {
		return err
	}
	_, err := c.sweeper.Store.Lease(ctx, c.holder, c.keys, c.sweeper.lease())
	return err
}

// release ends the lease on the sweep.
func (c *claim) release(ctx context.Context) {
	c.stop()
	c.done.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), retryAfter)
	defer cancel()
	if err := c.sweeper.Store.Free(ctx, c.holder, c.keys); err != nil {
		c.sweeper.Log.Warn("could not release a comparison", "error", err)
	}
}
