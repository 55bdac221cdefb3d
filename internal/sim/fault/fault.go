// Package fault lets a simulator be slow, away or wrong: on demand, call by call, or at random.
package fault

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Fault is what goes wrong with a call. One with neither Status nor Cut only delays it.
type Fault struct {
	Status int    // of the answer
	Body   string // of the answer; empty: what the system answers with such a status
	After  bool   // the call takes effect before it fails
	Cut    bool   // the connection is cut without an answer
	Delay  time.Duration
}

// Fails reports whether the call gets no real answer.
func (f *Fault) Fails() bool { return f != nil && (f.Status != 0 || f.Cut) }

// Knobs are what a test turns to make a simulator fail. C is a call as the simulator shows it.
type Knobs[C any] struct {
	mu      sync.Mutex
	down    bool
	rate    float64
	latency time.Duration
	hook    func(C) *Fault
	random  *rand.Rand
}

// New returns knobs for which rate is the share of calls that fail at random, the same ones with the same seed.
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

// OnCall asks f about every call before it takes effect; what f returns happens to the call. nil, from f or in place of it,
// lets calls through. f may use the simulator.
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

// Latency is how long a call takes.
func (k *Knobs[C]) Latency() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.latency
}

// Strike asks OnCall's function, then chance, what goes wrong with a call. draw makes a random fault; nil: the call is of
// those that do not fail at random. Where nothing goes wrong, Strike returns nil.
func (k *Knobs[C]) Strike(call C, draw func(*rand.Rand) *Fault) *Fault {
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

// Wait lets time pass until ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
