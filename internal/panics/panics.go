// Package panics turns the panic of a goroutine into an error, so that one fault does not end the process with
// everything else in it.
package panics

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"golang.org/x/sync/errgroup"
)

// Error means that a function panicked or left its goroutine by runtime.Goexit.
type Error struct {
	Value any    // value of the panic; nil: it exited
	Stack []byte // of its goroutine
}

// Error reveals only the type of a panic's value, or the runtime's own message: a value may be a customer's.
func (e *Error) Error() string {
	if e.Value == nil {
		return "goroutine exited"
	}
	if r, ok := e.Value.(runtime.Error); ok {
		return "panic: " + r.Error()
	}
	return fmt.Sprintf("panic: %T", e.Value)
}

// Catch calls f and returns its error, or an *Error if f panicked.
func Catch(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &Error{Value: v, Stack: debug.Stack()}
		}
	}()
	return f()
}

// Group is an errgroup.Group whose functions may panic: the panic becomes the error.
type Group struct{ group errgroup.Group }

// Go calls f in a goroutine. It waits while the limit is reached.
func (g *Group) Go(f func() error) {
	g.group.Go(func() error { return Catch(f) })
}

// SetLimit limits the number of concurrent goroutines. It must be called before Go.
func (g *Group) SetLimit(n int) { g.group.SetLimit(n) }

// Wait waits until all functions have returned, and returns the first error.
func (g *Group) Wait() error { return g.group.Wait() }
