package app

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/google/uuid"

	"crmsync/internal/buildinfo"
	"crmsync/schema/store"
)

// beatWithin limits how long a process may take to report itself.
const beatWithin = 5 * time.Second

// presence reports this process in Postgres: which version and mapping it runs, and since when.
type presence struct {
	store *store.Store
	log   *slog.Logger

	mu      sync.Mutex
	process store.Process
	told    bool // whether the last report succeeded
	failing bool

	counting sync.Mutex
	place    int // among the workers
	workers  int
	counted  time.Time
}

func (s *Service) newPresence(st *store.Store) *presence {
	build := buildinfo.Read()
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return &presence{store: st, log: s.Log, process: store.Process{
		ID: uuid.New(), Host: host, PID: os.Getpid(), Ingest: s.Role.Ingest, Worker: s.Role.Worker,
		Version: build.Version, Commit: build.Commit, MappingFile: s.Config.Mapping, Mapping: s.mapping().Fingerprint(),
	}}
}

// beat reports the process, after a change to it. A failure is logged once; the process does its work regardless.
func (p *presence) beat(ctx context.Context, change func(*store.Process)) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if change != nil {
		change(&p.process)
	}
	ctx, cancel := context.WithTimeout(ctx, beatWithin)
	defer cancel()
	err := p.store.Beat(ctx, p.process)
	if err != nil && !p.failing && ctx.Err() == nil {
		p.log.Warn("could not report this process; crmsync status does not list it", "error", err)
	}
	p.told, p.failing = err == nil, err != nil
	return err
}

// run reports the process until ctx ends.
func (p *presence) run(ctx context.Context) {
	tick := time.NewTicker(store.BeatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = p.beat(ctx, nil) // errors are logged
		}
	}
}

// stop reports that the process takes no more jobs.
func (p *presence) stop() {
	_ = p.beat(context.Background(), func(s *store.Process) { s.Stopping = true }) // errors are logged
}

// leave reports that the process has stopped.
func (p *presence) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), beatWithin)
	defer cancel()
	if err := p.store.Leave(ctx, p.process.ID); err != nil {
		p.log.Debug("could not report the stop", "error", err)
	}
}

// hasNewerMapping reports whether another process loaded another mapping after this one loaded its own.
func (p *presence) hasNewerMapping(ctx context.Context) (bool, error) {
	p.mu.Lock()
	told := p.told
	p.mu.Unlock()
	if !told {
		return false, nil
	}
	return p.store.HasNewerMapping(ctx, p.process.ID)
}

const (
	// countEvery is how often the workers are counted at most, and countWithin how long that may take.
	countEvery  = 250 * time.Millisecond
	countWithin = time.Second
)

// share returns the place of this process among the running workers, and their number. If they cannot be counted, it
// returns what it last knew.
func (p *presence) share(ctx context.Context) (place, workers int) {
	p.counting.Lock()
	defer p.counting.Unlock()
	if time.Since(p.counted) < countEvery {
		return p.place, p.workers
	}
	ctx, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	if place, workers, err := p.store.Place(ctx, p.process.ID); err == nil {
		p.place, p.workers = place, workers
	}
	p.counted = time.Now()
	return p.place, p.workers
}
