package engine

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// leasedItems stands for the store: every item is leased until it is freed.
type leasedItems struct {
	free  atomic.Bool
	away  atomic.Bool
	looks atomic.Int64
}

func (l *leasedItems) leased(_ context.Context, items []int64) (map[int64]bool, error) {
	l.looks.Add(1)
	if l.away.Load() {
		return nil, errors.New("the database is away")
	}
	leased := map[int64]bool{}
	for _, id := range items {
		leased[id] = !l.free.Load()
	}
	return leased, nil
}

func TestWaitingRoom(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		places int
		before time.Duration // how long the events have already waited
		happen func(r *waitingRoom, l *leasedItems, cancel func())
		free   bool
		within time.Duration
	}{
		"freed":            {happen: func(_ *waitingRoom, l *leasedItems, _ func()) { l.free.Store(true) }, free: true, within: time.Second + busyMost},
		"never freed":      {within: busyFor},
		"places are left":  {places: 100, within: busyAtMost},
		"waited already":   {before: busyFor, within: 0},
		"the room closes":  {happen: func(r *waitingRoom, _ *leasedItems, _ func()) { r.close() }, within: time.Second},
		"the caller goes":  {happen: func(_ *waitingRoom, _ *leasedItems, cancel func()) { cancel() }, within: time.Second},
		"no answer":        {happen: func(_ *waitingRoom, l *leasedItems, _ func()) { l.away.Store(true); l.free.Store(true) }, within: busyFor},
		"freed before all": {places: 100, happen: func(_ *waitingRoom, l *leasedItems, _ func()) { l.free.Store(true) }, free: true, within: time.Second + busyMost},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &leasedItems{}
				r := newWaitingRoom(tt.places, l.leased)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tt.happen != nil {
					time.AfterFunc(time.Second, func() { tt.happen(r, l, cancel) })
				}
				began := time.Now()
				answers := make(chan bool)
				for n := range 3 {
					go func() { answers <- r.wait(ctx, int64(n/2), began.Add(-tt.before)) }()
				}
				for range 3 {
					if free := <-answers; free != tt.free {
						t.Errorf("wait() = %t, want %t", free, tt.free)
					}
				}
				if took := time.Since(began); took > tt.within {
					t.Errorf("waited %v, want at most %v", took, tt.within)
				}
				time.Sleep(2 * busyMost) // of the test's clock: the last look ends by itself
				r.mu.Lock()
				defer r.mu.Unlock()
				if r.count != 0 || len(r.waiting) != 0 {
					t.Errorf("%d events of %d items are left in the room", r.count, len(r.waiting))
				}
				if looks := l.looks.Load(); looks > int64(tt.within/busyFirst)+2 {
					t.Errorf("the leases were read %d times in %v", looks, tt.within)
				}
			})
		})
	}
}
