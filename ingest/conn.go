package ingest

import (
	"context"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Listener returns a listener whose connections cost the server of Server less: net/http sets eight time limits for
// each request, and watches the connection for its end while the request is being handled.
func Listener(l net.Listener) net.Listener { return listener{l} }

type listener struct{ net.Listener }

// Accept implements net.Listener.
func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return newConn(c), nil
}

// conn is a connection whose time limits are compared with a timer that is seldom set, instead of setting one for each
// limit.
type conn struct {
	net.Conn
	reads, writes side
	unwatched     atomic.Bool // the next Read returns at once
}

func newConn(c net.Conn) *conn {
	made := &conn{Conn: c}
	made.reads.interrupt = c.SetReadDeadline
	made.writes.interrupt = c.SetWriteDeadline
	return made
}

// Read implements net.Conn. After stopWatching, it returns once without data or an error.
func (c *conn) Read(p []byte) (int, error) {
	if c.unwatched.Swap(false) {
		return 0, nil // to the goroutine that watches, which ends; any other reader calls again
	}
	if !c.reads.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.reads.end()
	return c.Conn.Read(p)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	if !c.writes.begin() {
		return 0, os.ErrDeadlineExceeded
	}
	defer c.writes.end()
	return c.Conn.Write(p)
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(at time.Time) error {
	c.reads.limit(at)
	c.writes.limit(at)
	return nil
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(at time.Time) error {
	c.reads.limit(at)
	return nil
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(at time.Time) error {
	c.writes.limit(at)
	return nil
}

// CloseWrite ends what is sent. After a request that was not read to its end, net/http does this first, so that the
// client receives the answer before the connection is reset.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close implements net.Conn.
func (c *conn) Close() error {
	c.reads.close()
	c.writes.close()
	return c.Conn.Close()
}

// side is one direction of a connection.
type side struct {
	interrupt func(time.Time) error // sets the limit of the connection itself

	mu     sync.Mutex
	at     time.Time // the limit; zero: none
	passed bool      // the limit has passed
	told   bool      // the connection itself has been interrupted
	active int       // calls of the connection itself
	timer  *time.Timer
	due    time.Time // when the timer fires, not later than the limit; zero: it does not run
}

// begin begins a call. It reports false if the limit has passed.
func (s *side) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.passed {
		return false
	}
	s.active++
	return true
}

func (s *side) end() {
	s.mu.Lock()
	s.active--
	s.mu.Unlock()
}

// limit sets the limit of present and later calls.
func (s *side) limit(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at, s.passed = at, false
	if s.told {
		s.told = false
		_ = s.interrupt(time.Time{}) // fails only if the connection is closed, like all calls
	}
	if at.IsZero() || !s.due.IsZero() && !at.Before(s.due) {
		return // the timer fires before that
	}
	s.check()
}

// check sets the timer for the limit, or interrupts the calls if it has passed.
func (s *side) check() {
	wait := time.Until(s.at)
	if wait <= 0 {
		s.passed = true
		if s.active > 0 {
			s.told = true
			_ = s.interrupt(s.at)
		}
		return
	}
	s.due = s.at
	if s.timer == nil {
		s.timer = time.AfterFunc(wait, s.fire)
	} else {
		s.timer.Reset(wait)
	}
}

func (s *side) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.due = time.Time{}
	if !s.at.IsZero() {
		s.check()
	}
}

func (s *side) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
	}
	s.at = time.Time{}
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// stopWatching has the server no longer watch the connection of a request whose body is read, until it is answered.
// That a client has left is noticed when the answer is written.
func stopWatching(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*conn); ok {
		c.unwatched.Store(true)
	}
}
