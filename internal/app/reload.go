package app

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker"
)

const (
	// lookEvery is how often a running role checks its mapping file. It reads the content, because a ConfigMap is
	// swapped by symbolic links, which file-system notifications do not report reliably.
	lookEvery = time.Second

	// startAgainAfter is the pause before the next attempt to start the workers with a new mapping.
	startAgainAfter = 2 * time.Second
)

// mappingFile notices changes of a file.
type mappingFile struct {
	path   string
	judged [sha256.Size]byte // content that was accepted or rejected
	seen   [sha256.Size]byte // content at the last check
}

// readChange returns the file's mapping, or its faults, once for each new content. New content counts once two
// consecutive checks have seen it, because a file that is being written may look like a shorter valid mapping.
func (f *mappingFile) readChange() (m *mapping.Mapping, changed bool, err error) {
	text, reading := os.ReadFile(f.path)
	now := sha256.Sum256(text)
	if reading != nil {
		now = sha256.Sum256([]byte("\x00" + reading.Error()))
	}
	settled := now == f.seen
	f.seen = now
	if !settled || now == f.judged {
		return nil, false, nil
	}
	f.judged = now
	m, err = ReadMapping(f.path)
	return m, true, err
}

// mapping returns the mapping in use.
func (s *Service) mapping() *mapping.Mapping {
	if m := s.current.Load(); m != nil {
		return m
	}
	return s.Mapping
}

// watch loads changes of the mapping file until ctx ends.
func (s *Service) watch(ctx context.Context, faulty prometheus.Gauge) {
	file := &mappingFile{path: s.Config.Mapping}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		m, changed, err := file.readChange()
		if !changed {
			continue
		}
		if err != nil {
			s.Log.Error("the mapping file is faulty; the earlier mapping stays in use", "file", file.path, "error", err)
			faulty.Set(1)
			_ = s.presence.beat(ctx, func(p *store.Process) { p.MappingError = err.Error() }) // errors are logged
			continue
		}
		faulty.Set(0)
		if s.take(ctx, m) != nil {
			file.judged = [sha256.Size]byte{} // check it again
		}
	}
}

// take switches to another mapping. Other processes can see the new mapping before this one accepts an event by it, so
// that none with an older one skips the event.
func (s *Service) take(ctx context.Context, m *mapping.Mapping) error {
	before, now := s.mapping().Fingerprint(), m.Fingerprint()
	if err := s.presence.beat(ctx, func(p *store.Process) { p.Mapping, p.MappingError = now, "" }); err != nil &&
		before != now {
		return err
	}
	if before == now {
		return nil
	}
	s.Log.Info("the mapping has changed: switching to it", "file", s.Config.Mapping, "from", before, "to", now)
	s.current.Store(m)
	if s.Role.Worker {
		s.restart(ctx, m)
	}
	if ctx.Err() == nil {
		s.Log.Info("switched to the new mapping", "mapping", now)
	}
	return nil
}

// restart stops the workers, as at the end of the process, and starts new ones with another mapping. Until it succeeds
// or ctx ends, this process does no work.
func (s *Service) restart(ctx context.Context, m *mapping.Mapping) {
	stopping, cancel := context.WithTimeout(context.Background(), s.Config.ShutdownGrace+handBack)
	defer cancel()
	if err := s.pool.Stop(stopping); err != nil {
		s.Log.Error("could not stop the workers cleanly", "error", err)
	}
	s.pool = nil
	for ctx.Err() == nil {
		pool, err := s.newPool(m)
		if err == nil {
			err = pool.Start(ctx)
		}
		if err == nil {
			s.pool = pool
			return
		}
		s.Log.Error("could not start the workers with the new mapping", "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(startAgainAfter):
		}
	}
}

// newPool returns workers for a mapping, with a registry of their own, so that they can be replaced.
func (s *Service) newPool(m *mapping.Mapping) (*worker.Pool, error) {
	registry := prometheus.NewRegistry()
	c := s.workers
	c.Mapping, c.Registerer, c.Share = m, registry, s.presence.share
	c.HasNewerMapping = func(ctx context.Context) (bool, error) {
		if s.mapping() != m {
			return true, nil
		}
		return s.presence.hasNewerMapping(ctx)
	}
	pool, err := worker.New(c)
	if err == nil {
		s.ofWorkers.Store(registry)
	}
	return pool, err
}

// workersMetrics collects the metrics of the process's current workers.
type workersMetrics struct{ service *Service }

// Describe describes nothing, because the workers' metrics depend on their mapping.
func (workersMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (w workersMetrics) Collect(metrics chan<- prometheus.Metric) {
	if workers := w.service.ofWorkers.Load(); workers != nil {
		workers.Collect(metrics)
	}
}

func newFaultyGauge(reg prometheus.Registerer) prometheus.Gauge {
	return promauto.With(reg).NewGauge(prometheus.GaugeOpts{
		Name: "crmsync_mapping_faulty",
		Help: "Whether the mapping file is faulty, and an earlier mapping is in use: 1 or 0.",
	})
}

// ReadMapping reads and parses the mapping file.
func ReadMapping(path string) (*mapping.Mapping, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("MAPPING: %s cannot be read: %w", path, cause(err))
	}
	return mapping.Parse(path, text)
}
