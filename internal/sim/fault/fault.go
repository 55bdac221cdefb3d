// Package fault makes a simulator slow, unavailable or faulty: on demand, for chosen calls, or at random.
package fault

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Fault describes what goes wrong with a call. With neither Status nor Cut it only delays the call.
type Fault struct {
	Status int    // HTTP status of the answer
	Body   string // body of the answer; empty: the system's usual one for the status
	After  bool   // the call takes effect before it fails
	Cut    bool   // the connection is closed without an answer
	Delay  time.Duration
}

// Fails reports whether the caller gets no real answer.
func (f *Fault) Fails() bool { return f != nil && (f.Status != 0 || f.Cut) }

// Knobs are the settings by which a test makes a simulator fail. C is a call as the simulator presents it.
type Knobs[C any] struct {
	mu      sync.Mutex
	down    bool
	rate    float64
	latency time.Duration
	hook    func(C) *Fault
	random  *rand.Rand
}

// New returns knobs with which the share rate of all calls fails at random. The same seed fails the same calls.
func New[C any](rate float64, latency time.Duration, seed uint64) *Knobs[C] {
	return &Knobs[C]{rate: rate, latency: latency, random: rand.New(rand.NewPCG(seed, 0))}
}

// SetDown makes the system unreachable, or reachable again.
func (k *Knobs[C]) SetDown(down bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.down = down
}

// SetFaults replaces the FaultRate of the configuration.
func (k *Knobs[C]) SetFaults(rate float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rate = rate
}

// SetLatency replaces the Latency of the configuration.
func (k *Knobs[C]) SetLatency(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.latency = d
}

// OnCall calls f before each call takes effect, and applies the fault that f returns. A nil f, or a nil fault, lets
// calls pass. f may use the simulator.
func (k *Knobs[C]) OnCall(f func(C) *Fault) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.hook = f
}

// Down reports whether the system is unreachable.
func (k *Knobs[C]) Down() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.down
}

// Latency returns how long a call takes.
func (k *Knobs[C]) Latency() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.latency
}

// Fault decides what goes wrong with a call: it asks OnCall's function first, then chance. draw creates a random
// fault; nil means that the call never fails at random. It returns nil if nothing goes wrong.
func (k *Knobs[C]) Fault(call C, draw func(*rand.Rand) *Fault) *Fault {
	k.mu.Lock()
	hook := k.hook
	k.mu.Unlock()
	if hook != nil {
		if f := hook(call); f != nil {
			return f
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if draw == nil || k.rate <= 0 || k.random.Float64() >= k.rate {
		return nil
	}
	return draw(k.random)
}

// Wait waits for d, or until ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
