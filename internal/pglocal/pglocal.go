// Package pglocal runs a private PostgreSQL server out of a folder, for the demo and for tests.
//
// The server listens on a unix socket that only its own user can reach, and never on the network. It
// lives exactly as long as a process uses it: several processes share one server, and the last to leave
// stops it, however it leaves, SIGKILL included.
package pglocal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"sync"
	"time"
)

// Config says where a server lives and how it is set up.
type Config struct {
	// Dir holds the server's data, its log and its socket. It is made where missing, and the data stay
	// in it from one start to the next. Empty: a temporary folder, which Stop removes.
	Dir string

	// Testing is faster, and safe against a crash of the server but not of the machine.
	Testing bool

	// Settings go into postgresql.conf, by name.
	// https://www.postgresql.org/docs/current/runtime-config.html
	Settings map[string]string

	Log *slog.Logger // nil: silent
}

// Server is this process's hold on a running server.
type Server struct {
	bin     Binaries
	folder  folder
	account *account
	config  Config
	log     *slog.Logger

	mu       sync.Mutex
	pipe     *os.File    // writing end of the supervisor's pipe; nil once stopped
	attached *os.File    // locked together with every other process that uses the server
	child    *os.Process // the supervisor, where it is a child of this process
}

// Mode is the way a server goes down.
type Mode string

const (
	Fast      Mode = "fast"      // clients are cut off, transactions rolled back, data written out
	Immediate Mode = "immediate" // as in a crash: the next start recovers from the log
)

// stopWithin is longer than the supervisor takes to stop a server that ignores all but SIGKILL.
const stopWithin = 40 * time.Second

// Start runs a server in the configured folder, or attaches to the one that runs there: its settings
// then stay as they are. The first start in a folder takes some seconds, a later one less than one. As
// root, the server runs as "postgres" or "nobody", in another folder if that user cannot enter this one.
//
// It returns [ErrNotFound] where no PostgreSQL is installed, and an error where the folder holds data
// of another major version; such data are left alone.
func Start(ctx context.Context, config Config) (*Server, error) {
	s := &Server{config: config, log: config.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if s.bin, err = Find(ctx); err != nil {
		return nil, err
	}
	if s.account, err = serverAccount(); err != nil {
		return nil, err
	}
	if s.folder, err = prepare(ctx, config.Dir, s.account); err != nil {
		return nil, fmt.Errorf("preparing the server's folder: %w", err)
	}
	lock, err := waitLock(ctx, s.folder.path("lock"))
	if err != nil {
		return nil, fmt.Errorf("waiting for the lock of %s: %w", s.folder, err)
	}
	defer lock.Close()
	if err := s.attachOrLaunch(ctx); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

// discard removes a temporary folder that nobody will hear of, once no server runs in it.
func (s *Server) discard() error {
	if s.config.Dir != "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	running, err := waitLock(ctx, s.folder.path("running"))
	if err != nil {
		return fmt.Errorf("waiting for PostgreSQL in %s to stop: %w", s.folder, err)
	}
	running.Close()
	return os.RemoveAll(string(s.folder))
}

// attachOrLaunch runs under the folder's lock, so that no two processes launch.
func (s *Server) attachOrLaunch(ctx context.Context) error {
	var err error
	if s.attached, err = shareLock(ctx, s.folder.path("attached")); err != nil {
		return fmt.Errorf("registering with the server: %w", err)
	}
	running, err := s.attach(ctx)
	if err == nil && running != nil {
		err = s.launch(ctx, running)
		running.Close()
	}
	if err == nil {
		err = s.ready(ctx, func(p postmaster) bool { return p.ready })
	}
	if err != nil {
		s.release()
		return fmt.Errorf("starting PostgreSQL in %s: %w", s.folder, err)
	}
	s.log.Info("postgres is up", "dir", string(s.folder), "version", s.bin.Major)
	return nil
}

// URL is where pgx finds the database, as the server's superuser.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(superuser),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {s.folder.socket()}}.Encode(),
	}
	return u.String()
}

// Restart takes the server down and up again, for all that use it, and returns when it takes connections.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.folder.postmaster()
	if s.pipe == nil {
		return errors.New("restarting PostgreSQL: stopped already")
	}
	if _, err := fmt.Fprintln(s.pipe, mode); err != nil {
		return fmt.Errorf("asking PostgreSQL to restart: %w", err)
	}
	err := s.ready(ctx, func(p postmaster) bool { return p.ready && p.pid != before.pid })
	if err != nil {
		return fmt.Errorf("restarting PostgreSQL in %s: %w", s.folder, err)
	}
	return nil
}

// Stop leaves the server. When nobody else uses it, it is stopped, and Stop returns when it is gone.
// A second Stop does nothing.
func (s *Server) Stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pipe == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	lock, err := waitLock(ctx, s.folder.path("lock"))
	if err != nil {
		s.release()
		return fmt.Errorf("waiting for the lock of %s: %w", s.folder, err)
	}
	defer lock.Close()
	last := lockNow(s.attached) == nil
	s.release()
	if !last {
		return nil
	}
	running, err := waitLock(ctx, s.folder.path("running"))
	if err != nil {
		return fmt.Errorf("waiting for PostgreSQL in %s to stop: %w", s.folder, err)
	}
	running.Close()
	s.reap()
	s.log.Info("postgres is down", "dir", string(s.folder))
	if s.config.Dir == "" {
		return os.RemoveAll(string(s.folder))
	}
	return nil
}

// release gives up this process's hold; the supervisor sees it.
func (s *Server) release() {
	if s.pipe != nil {
		s.pipe.Close()
		s.pipe = nil
	}
	s.attached.Close()
}

// reap collects the supervisor, which has ended.
func (s *Server) reap() {
	if s.child != nil {
		_, _ = s.child.Wait() // what it did is in the log of the folder
	}
}
