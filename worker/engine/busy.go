package engine

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// If another worker holds an event's item, the event first waits in this process, and goes back to the queue only
// after a while. Waiting here is cheap, and the other batch takes little longer than one call to Salesforce. Waiting
// events may overtake each other, since events commute.
const (
	busyFor    = 2 * time.Second       // how long an event waits, in all
	busyAtMost = 10 * time.Second      // the same, unless waiting events take most of the places
	busyFirst  = 20 * time.Millisecond // between two checks of the leases
	busyMost   = 160 * time.Millisecond
)

// waitingRoom holds the events whose items are leased by other workers. One query checks the leases of all of them.
type waitingRoom struct {
	leased  func(ctx context.Context, items []int64) (map[int64]bool, error)
	places  int // for events in the process
	closing chan struct{}
	once    sync.Once

	mu      sync.Mutex
	waiting map[int64][]chan struct{} // by item; closed once the item is free
	count   int                       // waiting events
	looking bool
}

func newWaitingRoom(places int, leased func(ctx context.Context, items []int64) (map[int64]bool, error)) *waitingRoom {
	return &waitingRoom{leased: leased, places: places, closing: make(chan struct{}), waiting: map[int64][]chan struct{}{}}
}

// wait waits until an item is free, and reports whether it is. It ends early if the event has waited too long since it
// arrived, if the room closes, or if ctx ends.
func (r *waitingRoom) wait(ctx context.Context, item int64, since time.Time) bool {
	free := r.enter(item)
	timer := time.NewTimer(busyFor - time.Since(since))
	defer timer.Stop()
	for {
		select {
		case <-free:
			return true
		case <-timer.C:
			if left := busyAtMost - time.Since(since); left > 0 && r.hasPlaces() {
				timer.Reset(min(left, busyFor))
				continue
			}
		case <-ctx.Done():
		case <-r.closing:
		}
		r.leave(item, free)
		return false
	}
}

// hasPlaces reports whether the waiting events leave at least half of the places to others.
func (r *waitingRoom) hasPlaces() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return 2*r.count <= r.places
}

// awaits reports whether events wait for an item that another worker holds.
func (r *waitingRoom) awaits(item int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.waiting[item]) > 0
}

// pause waits, with some jitter, for something other than a busy item. It reports whether it waited the whole time and
// the event has not waited too long since it arrived.
func (r *waitingRoom) pause(ctx context.Context, pause time.Duration, since time.Time) bool {
	if time.Since(since)+pause > busyFor {
		return false
	}
	timer := time.NewTimer(pause/2 + rand.N(pause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-r.closing:
	}
	return false
}

func (r *waitingRoom) close() { r.once.Do(func() { close(r.closing) }) }

func (r *waitingRoom) enter(item int64) chan struct{} {
	free := make(chan struct{})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting[item] = append(r.waiting[item], free)
	r.count++
	if !r.looking {
		r.looking = true
		go r.look()
	}
	return free
}

func (r *waitingRoom) leave(item int64, free chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := slices.Index(r.waiting[item], free)
	if n < 0 {
		return // it was freed meanwhile
	}
	r.count--
	if r.waiting[item] = slices.Delete(r.waiting[item], n, n+1); len(r.waiting[item]) == 0 {
		delete(r.waiting, item)
	}
}

// look checks the leases until no event waits, and wakes the events whose items are free.
func (r *waitingRoom) look() {
	pause := busyFirst
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		<-timer.C
		items, some := r.items()
		if !some {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), busyFor)
		leased, err := r.leased(ctx, items)
		cancel()
		if err == nil && r.free(items, leased) {
			pause = busyFirst
		} else {
			pause = min(2*pause, busyMost)
		}
		timer.Reset(pause)
	}
}

// items returns the items that events wait for. If there are none, look ends.
func (r *waitingRoom) items() (items []int64, some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for item := range r.waiting {
		items = append(items, item)
	}
	r.looking = len(items) > 0
	return items, r.looking
}

// free wakes the events of the items that are not leased, and reports whether there are any.
func (r *waitingRoom) free(items []int64, leased map[int64]bool) (some bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range items {
		if leased[item] {
			continue
		}
		for _, free := range r.waiting[item] {
			close(free)
			r.count--
			some = true
		}
		delete(r.waiting, item)
	}
	return some
}
