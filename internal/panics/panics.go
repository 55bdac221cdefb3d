// Package panics turns the panic of a goroutine into an error, so that a fault in the work on one thing does not end the
// process with everything else in it.
package panics

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Error is a function that panicked or left its goroutine by runtime.Goexit.
type Error struct {
	Value any    // what the function panicked with; nil: it exited
	Stack []byte // of its goroutine
}

// Error tells no more of the panic than its type, or the runtime's own words: a value may be a customer's.
func (e *Error) Error() string {
	if e.Value == nil {
		return "goroutine exited"
	}
	if r, ok := e.Value.(runtime.Error); ok {
		return "panic: " + r.Error()
	}
	return fmt.Sprintf("panic: %T", e.Value)
}

// Catch calls f and returns its error, or an *Error where it panicked.
func Catch(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// Group is an errgroup.Group in which a function may panic: the panic becomes its error.
type Group struct{ group errgroup.Group }

// Go calls f in a goroutine of its own. It waits while the limit is reached.
func (g *Group) Go(f func() error) {
	g.group.Go(func() error { return Catch(f) })
}

// SetLimit bounds the number of goroutines at once. It must be called before Go.
func (g *Group) SetLimit(n int) { g.group.SetLimit(n) }

// Wait waits until all functions have returned, and returns the first error.
func (g *Group) Wait() error { return g.group.Wait() }
