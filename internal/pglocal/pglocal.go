// Package pglocal runs a private PostgreSQL server in a folder, for the demo and for tests.
//
// The server listens on a unix socket that only its own user can reach, and never on the network. It lives exactly as
// long as some process uses it: several processes share one server, and the last to leave stops it, however it ends,
// even by SIGKILL.
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

// Config configures a server.
type Config struct {
	// Dir holds the server's data, log and socket. It is created if missing, and the data are kept between starts.
	// Empty: a temporary folder, which Stop removes.
	Dir string

	// Testing is faster, and survives a crash of the server but not of the machine.
	Testing bool

	// Settings are added to postgresql.conf, by name.
	// https://www.postgresql.org/docs/current/runtime-config.html
	Settings map[string]string

	Log *slog.Logger // nil: silent
}

// Server is this process's share in a running server.
type Server struct {
	bin     Binaries
	folder  folder
	account *account
	config  Config
	log     *slog.Logger

	mu       sync.Mutex
	pipe     *os.File    // writing end of the supervisor's pipe; nil after Stop
	attached *os.File    // locked by every process that uses the server
	child    *os.Process // the supervisor, if it is a child of this process
}

// Mode is how a server is stopped.
type Mode string

// The modes.
const (
	Fast      Mode = "fast"      // disconnects clients, rolls back transactions and writes data to disk
	Immediate Mode = "immediate" // like a crash: the next start recovers from the log
)

// stopWithin is longer than the supervisor needs to stop a server that ignores everything but SIGKILL.
const stopWithin = 40 * time.Second

// Start runs a server in the configured folder, or attaches to the one running there, whose settings then stay as
// they are. The first start in a folder takes some seconds, later ones less than one. If this process runs as root,
// the server runs as "postgres" or "nobody", in another folder if that user cannot enter this one.
//
// It returns [ErrNotFound] if no PostgreSQL is installed, and an error if the folder contains data of another major
// version, which are left unchanged.
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

// discard removes a temporary folder that was never handed out, once no server runs in it.
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

// attachOrLaunch runs under the folder's lock, so that only one process launches a server.
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

// URL returns the URL of the database for pgx, with the server's superuser.
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.User(superuser),
		Path:     "/" + database,
		RawQuery: url.Values{"host": {s.folder.socket()}}.Encode(),
	}
	return u.String()
}

// Restart stops and starts the server for all its users, and returns when it accepts connections.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := s.folder.postmaster()
	if s.pipe == nil {
		return errors.New("restarting PostgreSQL: already stopped")
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

// Stop leaves the server. If no other process uses it, the server is stopped, and Stop returns when it is gone. A
// second Stop does nothing.
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

// release gives up this process's share, which the supervisor notices.
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
		_, _ = s.child.Wait() // the log in the folder shows what it did
	}
}
