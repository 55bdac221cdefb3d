// Package signals receives the signals that end the program from the earliest moment on: a program that is stopped
// while its packages are still being initialized ends as orderly as later. It imports nothing that takes time to
// initialize, so that Go initializes it early.
package signals

import (
	"os"
	"os/signal"
	"syscall"
)

// Stop receives a signal that asks the program to end.
var Stop = func() <-chan os.Signal {
	c := make(chan os.Signal, 2)
	signal.Notify(c, os.Interrupt, syscall.SIGTERM)
	return c
}()

// Reset makes another signal end the program at once.
func Reset() { signal.Reset(os.Interrupt, syscall.SIGTERM) }
