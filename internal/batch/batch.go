// Package batch gathers single calls into natural batches: while one batch is running, the next one fills. If the
// program is idle, a lone call starts at once, without a wait. If it is busy, hundreds of calls share the cost of one
// batch. There is no linger and no timer.
package batch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"crmsync/internal/panics"
)

// ErrClosed is returned by calls after Close.
var ErrClosed = errors.New("batch: closed")

// Config configures how calls are gathered.
type Config[In any] struct {
	// Max is the maximum number of calls in a batch; at least 1.
	Max int

	// Concurrency is the maximum number of batches running at once; at least 1.
	Concurrency int

	// Full is how many calls, or keys if there are any, must wait before a further batch starts while others are
	// running. 0: Keys, or Max.
	Full int

	// Key, if not nil, serializes the calls of each key: they are never in two batches at once, but may share one. A
	// call whose key is running waits until that batch ends, and does not count for Full.
	Key func(In) int64

	// Keys is the maximum number of keys in a batch. 0: Max.
	Keys int

	// Complete, if not nil, reports that no call can arrive until one of the present calls is answered. A further
	// batch then starts although it is not full.
	Complete func() bool

	// Within, if not 0, limits how long a call waits, as a deadline of its ctx would, which costs several times as much.
	Within time.Duration

	// Dropped, if not nil, receives the input of each call that run will never see, before Do returns. All other
	// inputs belong to run, which may still use them after their calls have returned early.
	Dropped func(In)
}

// Batcher gathers calls of Do into batches. A batch starts when none is running, or when Full calls wait, or no more
// can arrive, and fewer than Concurrency are running. The rule is applied with every call and at the end of every
// batch.
type Batcher[In, Out any] struct {
	config Config[In]
	run    func(context.Context, []In) []Out
	ctx    context.Context //nolint:containedctx // of the batches: independent of the callers'
	cancel context.CancelFunc
	calls  sync.Pool
	idle   chan struct{} // closed once Close was called and the last batch has ended

	mu     sync.Mutex
	queue  chain[*line[In, Out]]    // lines with calls that may start
	ready  int                      // lines of queue, or the calls of the shared one
	lines  map[int64]*line[In, Out] // every line with a waiting or running call
	spare  []*line[In, Out]         // lines to be used again
	shared *line[In, Out]           // the only line if there are no keys
	out    int
	waits  int // calls that are not in a batch yet
	closed bool

	limited chain[*call[In, Out]] // calls without an answer, if Within limits them, the first to end first
	timer   *time.Timer           // ends calls; nil until the first call
	running bool                  // the timer
}

type group[In, Out any] struct {
	in    []In
	calls []*call[In, Out]
	lines []*line[In, Out]
}

// New returns a Batcher that passes its batches to run, each in its own goroutine. run returns one output for every
// input, by position. Its context is independent of the callers' and ends only when Close runs out of time.
func New[In, Out any](c Config[In], run func(ctx context.Context, in []In) []Out) *Batcher[In, Out] {
	c.Max, c.Concurrency = max(c.Max, 1), max(c.Concurrency, 1)
	if c.Keys <= 0 {
		c.Keys = c.Max
	}
	if c.Full <= 0 {
		c.Full = c.Keys
	}
	b := &Batcher[In, Out]{config: c, run: run, idle: make(chan struct{}), lines: map[int64]*line[In, Out]{}}
	b.calls.New = func() any {
		made := &call[In, Out]{answer: make(chan answer[Out], 1)}
		made.place.of, made.turn.of = made, made
		return made
	}
	b.shared = newLine[In, Out]()
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Do waits for a place in a batch and for its output. It fails with the cause of an ended ctx, with
// context.DeadlineExceeded after Within, with ErrClosed, with a *panics.Error if run panicked, or with another error if
// run returned the wrong number of outputs. A call whose time ends while it waits is removed from its line; if its
// batch is already running, Do returns and the batch continues.
func (b *Batcher[In, Out]) Do(ctx context.Context, in In) (Out, error) {
	if ctx.Err() != nil {
		b.drop(in)
		return *new(Out), context.Cause(ctx)
	}
	c := b.calls.Get().(*call[In, Out])
	c.in = in
	if !b.join(c) {
		b.drop(in)
		return *new(Out), ErrClosed
	}
	var a answer[Out]
	select {
	case a = <-c.answer:
	case <-ctx.Done():
		a = b.leave(c, context.Cause(ctx))
	}
	switch {
	case a.waited:
		b.drop(in)
	case !a.early: // the batch is done with it
		c.in, c.line = *new(In), nil
		b.calls.Put(c)
	}
	return a.out, a.err
}

func (b *Batcher[In, Out]) drop(in In) {
	if b.config.Dropped != nil {
		b.config.Dropped(in)
	}
}

// Close rejects further calls and waits until earlier ones have been answered. If ctx ends first, it cancels the
// context of the running batches and returns the cause.
func (b *Batcher[In, Out]) Close(ctx context.Context) error {
	defer b.cancel()
	b.mu.Lock()
	first, over := !b.closed, b.out == 0
	b.closed = true
	b.mu.Unlock()
	if over {
		if first {
			close(b.idle)
		}
		return nil
	}
	select {
	case <-b.idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Waiting returns the number of calls that wait for a place in a batch.
func (b *Batcher[In, Out]) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.waits
}

// join adds a call to the line of its key, and the line to the queue unless its key is running.
func (b *Batcher[In, Out]) join(c *call[In, Out]) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	l, out := b.line(c.in)
	c.line = l
	l.calls.pushBack(&c.place)
	b.waits++
	b.limit(c)
	if !out {
		b.enqueue(l)
		b.start()
	}
	return true
}

// enqueue counts a call that was added to a line, which is queued unless it already is.
func (b *Batcher[In, Out]) enqueue(l *line[In, Out]) {
	if l.place.in == nil {
		b.queue.pushBack(&l.place)
	} else if b.config.Key != nil {
		return // a line counts once
	}
	b.ready++
}

// line finds or creates the line of an input's key, and reports whether it is running.
func (b *Batcher[In, Out]) line(in In) (l *line[In, Out], out bool) {
	if b.config.Key == nil {
		return b.shared, false
	}
	key := b.config.Key(in)
	if l = b.lines[key]; l != nil {
		return l, l.place.in == nil
	}
	if last := len(b.spare) - 1; last >= 0 {
		l, b.spare = b.spare[last], b.spare[:last]
	} else {
		l = newLine[In, Out]()
	}
	l.key = key
	b.lines[key] = l
	return l, false
}

// forget ends a line without calls.
func (b *Batcher[In, Out]) forget(l *line[In, Out]) {
	delete(b.lines, l.key)
	if len(b.spare) < b.config.Keys {
		b.spare = append(b.spare, l)
	}
}

// start starts as many batches as the rule allows.
func (b *Batcher[In, Out]) start() {
	for b.ready > 0 && (b.out == 0 || b.out < b.config.Concurrency && (b.ready >= b.config.Full || b.isComplete())) {
		b.out++
		go b.work(b.take())
	}
}

func (b *Batcher[In, Out]) isComplete() bool { return b.config.Complete != nil && b.config.Complete() }

// take fills a batch from the lines at the head of the queue, which run with it.
func (b *Batcher[In, Out]) take() *group[In, Out] {
	n := min(b.ready, b.config.Max) // or more, if a key has several calls
	g := &group[In, Out]{in: make([]In, 0, n), calls: make([]*call[In, Out], 0, n)}
	if b.config.Key != nil {
		g.lines = make([]*line[In, Out], 0, min(n, b.config.Keys))
	}
	for b.ready > 0 && len(g.calls) < b.config.Max && len(g.lines) < b.config.Keys {
		l := b.queue.first.of
		for l.calls.count > 0 && len(g.calls) < b.config.Max {
			c := l.calls.first.of
			c.place.remove()
			if b.config.Key == nil {
				b.ready--
			}
			g.calls = append(g.calls, c)
		}
		if b.config.Key != nil {
			b.dequeue(l)
			g.lines = append(g.lines, l)
		} else if l.calls.count == 0 {
			b.dequeue(l)
		}
	}
	b.waits -= len(g.calls)
	for _, c := range g.calls {
		g.in = append(g.in, c.in)
	}
	return g
}

// dequeue removes a line from the queue.
func (b *Batcher[In, Out]) dequeue(l *line[In, Out]) {
	l.place.remove()
	if b.config.Key != nil {
		b.ready--
	}
}

// work runs a batch, ends it, and then delivers the outputs: when Do returns, its key is free.
func (b *Batcher[In, Out]) work(g *group[In, Out]) {
	var out []Out
	err := error(&panics.Error{}) // remains if run exits by runtime.Goexit, which cannot be recovered
	defer func() {
		b.end(g)
		for i, c := range g.calls {
			a := answer[Out]{err: err}
			if err == nil {
				a.out = out[i]
			}
			c.answer <- a
		}
	}()
	out, err = b.guard(g.in)
}

// guard calls run and turns a panic into an error. A panic does not end the program, because it says nothing about
// the other batches; the callers decide.
func (b *Batcher[In, Out]) guard(in []In) (out []Out, err error) {
	n := len(in)
	err = panics.Catch(func() error {
		if out = b.run(b.ctx, in); len(out) != n {
			return fmt.Errorf("batch: run returned %d answers for %d calls", len(out), n)
		}
		return nil
	})
	return out, err
}

// end releases the batch's keys, whose waiting calls go to the back of the queue, and starts further batches.
func (b *Batcher[In, Out]) end(g *group[In, Out]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range g.calls {
		c.turn.remove()
	}
	for _, l := range g.lines {
		if l.calls.count == 0 {
			b.forget(l)
			continue
		}
		b.enqueue(l)
	}
	b.out--
	b.start()
	if b.closed && b.out == 0 {
		close(b.idle)
	}
}
