package batch

import (
	"context"
	"time"
)

// call is a call of Do.
type call[In, Out any] struct {
	in     In
	line   *line[In, Out]
	place  link[*call[In, Out]] // in line, unless the call is in a batch
	answer chan answer[Out]     // of the batch, or of expire
	ends   time.Time            // if Within limits the call
	turn   link[*call[In, Out]] // in limited
}

type answer[Out any] struct {
	out    Out
	err    error
	early  bool // not the batch's, whose answer may still come
	waited bool // the call was not in a batch yet
}

// leave ends a call whose caller waits no longer, and returns its answer. An answer that already exists is returned.
func (b *Batcher[In, Out]) leave(c *call[In, Out], over error) answer[Out] {
	b.mu.Lock()
	defer b.mu.Unlock()
	select {
	case a := <-c.answer:
		return a
	default:
		return b.abandon(c, over)
	}
}

// abandon ends a call without an answer of a batch, and removes it from its line if it is still there.
func (b *Batcher[In, Out]) abandon(c *call[In, Out], over error) answer[Out] {
	c.turn.remove()
	a := answer[Out]{err: over, early: true, waited: c.place.in != nil}
	if !a.waited {
		return a
	}
	l := c.line
	c.place.remove()
	b.waits--
	if l.place.in == nil {
		return a // the line is running, and remains
	}
	if b.config.Key == nil {
		b.ready--
	}
	if l.calls.count == 0 {
		b.dequeue(l)
		if b.config.Key != nil {
			b.forget(l)
		}
	}
	return a
}

// limit has a call end after Within. Calls end in the order in which they came, so one timer is enough.
func (b *Batcher[In, Out]) limit(c *call[In, Out]) {
	if b.config.Within <= 0 {
		return
	}
	c.ends = time.Now().Add(b.config.Within)
	b.limited.pushBack(&c.turn)
	switch {
	case b.running: // it fires before this call ends
	case b.timer == nil:
		b.timer = time.AfterFunc(b.config.Within, b.expire)
	default:
		b.timer.Reset(b.config.Within)
	}
	b.running = true
}

// expire answers the calls that have waited too long, and sets the timer for the next one.
func (b *Batcher[In, Out]) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.limited.count > 0 {
		c := b.limited.first.of
		if left := time.Until(c.ends); left > 0 {
			b.timer.Reset(left)
			return
		}
		c.answer <- b.abandon(c, context.DeadlineExceeded)
	}
	b.running = false
}
