// Package app runs a role of the program: it reads the configuration, wires the parts, and opens the listeners.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/riverqueue/river"

	"crmsync/ingest"
	"crmsync/internal/buildinfo"
	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/postgres"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker"
)

// Serve reads the configuration and runs a role until ctx ends. Its log goes to stderr.
func Serve(ctx context.Context, source *Source, stderr io.Writer, r Role) error {
	c, err := ReadConfig(source.Getenv, r)
	text, reading := ReadMapping(c.Mapping)
	if err != nil || reading != nil {
		return UsageError{errors.Join(err, reading)}
	}
	tuneMemory(ctx, source.Getenv, c, r)
	s := &Service{Config: c, Role: r, Mapping: text, Log: NewLog(stderr, c)}
	if source.File() != "" {
		s.Log.Info("read variables from a file", "file", source.File())
	}
	for _, warning := range source.Warnings() {
		s.Log.Warn(warning)
	}
	return s.Run(ctx)
}

// Service is a running role.
type Service struct {
	Config  Config
	Role    Role
	Mapping *mapping.Mapping
	Log     *slog.Logger

	Listening func(name, addr string) // called with each listener's address; nil: it is only logged

	// Waiting, if not nil, is called when an import or a comparison waits, with the reason and the time of the next
	// attempt. In any case it is logged.
	Waiting func(board int64, reason string, until time.Time)

	started   bool
	polls     bool // the queue is polled: LISTEN is not available
	through   postgres.Mode
	current   atomic.Pointer[mapping.Mapping]
	presence  *presence
	queueDB   *pgxpool.Pool // connections of the workers' River client; nil: those of all others
	workers   worker.Config // without the mapping
	pool      *worker.Pool  // nil without the worker role, or while switching mappings
	ofWorkers atomic.Pointer[prometheus.Registry]
	queue     *river.Client[pgx.Tx] // for the console and the dashboard
	webhooks  *ingest.Handler
	ready     func(context.Context) error
	events    *queue.Queue
}

// Run starts the role's parts, waits for ctx to end, and stops them in the order of the flow of work: first the input,
// then what is running. Being stopped is not a failure, even before everything has started.
func (s *Service) Run(ctx context.Context) error {
	err := s.run(ctx)
	if err != nil && !s.started && ctx.Err() != nil {
		s.Log.Info("stopped before it had started")
		return nil
	}
	return err
}

func (s *Service) run(ctx context.Context) error {
	build := buildinfo.Read()
	s.Log.Info("starting", "ingest", s.Role.Ingest, "worker", s.Role.Worker,
		"version", build.Version, "commit", build.Commit, "date", build.Date, "go", build.Go)
	if s.Config.SchemaUp {
		if err := store.Migrate(ctx, s.Config.SchemaURL()); err != nil {
			return fmt.Errorf("migrating the schema: %w", err)
		}
	}
	db, disconnect, err := s.connect(ctx)
	if err != nil {
		return err
	}
	defer disconnect()
	if s.through != postgres.Direct && s.through != postgres.Unknown { // unknown: Postgres did not answer
		s.Log.Info("connected to Postgres", "through", s.through, "polls_queue", s.polls)
	}
	st := store.New(db)
	s.ready, s.events, s.presence = st.Ping, worker.Queue(db), s.newPresence(st)
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exportBuild(registry, build)
	faulty := newFaultyGauge(registry)
	if err := s.prepare(db, registry); err != nil {
		return err
	}
	_ = s.presence.beat(ctx, nil) // it is logged
	defer s.presence.leave()
	stopping, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	servers, err := s.listen(stopping, db, registry, stop)
	if err != nil {
		return err
	}
	if s.pool != nil {
		if err := s.pool.Start(ctx); err != nil {
			return errors.Join(err, shutdown(servers))
		}
	}
	s.started = true
	s.Log.Info("started", "ingest", s.Role.Ingest, "worker", s.Role.Worker, "mapping", s.mapping().Fingerprint())
	go s.presence.run(stopping)
	s.watch(stopping, faulty)
	s.Log.Info("stopping", "grace", s.Config.ShutdownGrace)
	var told sync.WaitGroup
	told.Go(s.presence.stop)
	err = s.stop(servers)
	told.Wait()
	if cause := context.Cause(stopping); !errors.Is(cause, context.Canceled) {
		err = errors.Join(cause, err)
	}
	return err
}

// prepare creates the queue's client and, with the worker role, the pool.
func (s *Service) prepare(db *pgxpool.Pool, registry *prometheus.Registry) (err error) {
	if s.queue, err = s.newQueue(db); err != nil {
		return err
	}
	if !s.Role.Worker {
		return nil
	}
	if s.workers, err = s.PoolConfig(db, registry); err != nil {
		return err
	}
	s.workers.QueueDB = s.queueDB
	registry.MustRegister(workersMetrics{s})
	s.pool, err = s.newPool(s.mapping())
	return err
}

// PoolConfig returns the configuration of a pool.
func (s *Service) PoolConfig(db *pgxpool.Pool, registry *prometheus.Registry) (worker.Config, error) {
	api := newAPIMetrics(registry)
	salesforce, err := newSalesforce(s.Config, api)
	if err != nil {
		return worker.Config{}, UsageError{err}
	}
	monday, err := newMonday(s.Config, api)
	if err != nil {
		return worker.Config{}, UsageError{err}
	}
	channels, err := newChannels(s.Config, s.Log)
	if err != nil {
		return worker.Config{}, UsageError{err}
	}
	c := s.Config
	return worker.Config{
		Mapping: s.Mapping, DB: db, Salesforce: salesforce, Monday: monday, Channels: channels,
		MaxAttempts: c.MaxAttempts, RetryBase: c.RetryBase, RetryMax: c.RetryMax, JobTimeout: c.JobTimeout,
		RescueAfter:   c.RescueAfter,
		AlertInterval: c.AlertInterval, AlertPauses: c.AlertPauses, PublicURL: c.PublicURL,
		LogRetention: c.LogRetention, BatchSize: c.BatchSize, BatchConcurrency: c.BatchConcurrency, MaxWorkers: c.MaxWorkers,
		ShutdownGrace: c.ShutdownGrace, PollOnly: s.polls, SalesforceReserve: c.SalesforceReserve,
		MondayReserve: c.MondayReserve, Backfill: c.Backfill,
		FeedInterval: c.Poll, FeedOff: c.PollOff,
		Registerer: registry, Log: s.Log,
	}, nil
}

// listen opens the role's listeners. A server that fails later stops the role.
func (s *Service) listen(ctx context.Context, db *pgxpool.Pool, registry *prometheus.Registry,
	failed context.CancelCauseFunc) (servers []*http.Server, err error) {
	admin, err := s.admin(ctx, db, registry)
	if err != nil {
		return nil, err
	}
	names := []string{"admin"}
	servers = []*http.Server{{Addr: s.Config.AdminAddr, Handler: admin, ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout: time.Minute}}
	if s.Role.Ingest {
		if s.webhooks, err = s.newIngest(registry); err != nil {
			return nil, err
		}
		names, servers = append(names, "ingest"), append(servers, ingest.Server(s.Config.IngestAddr, s.webhooks))
	}
	for n, server := range servers {
		server.ErrorLog = slog.NewLogLogger(s.Log.Handler(), slog.LevelDebug)
		listener, err := net.Listen("tcp", server.Addr)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("listening at %s_ADDR: %w", strings.ToUpper(names[n]), err), shutdown(servers))
		}
		if s.Listening != nil {
			s.Listening(names[n], listener.Addr().String())
		} else {
			s.Log.Info("listening", "listener", names[n], "addr", listener.Addr().String())
		}
		if names[n] == "ingest" {
			listener = ingest.Listener(listener)
		}
		go func() {
			if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
				failed(fmt.Errorf("serving %s: %w", server.Addr, err))
			}
		}()
	}
	return servers, nil
}

func (s *Service) newIngest(registry *prometheus.Registry) (*ingest.Handler, error) {
	c := ingest.Config{
		Secrets: s.Config.WebhookSecrets,
		Mapped:  func(board int64) bool { return s.mapping().Board(board) != nil },
		Queue:   s.events, MaxAttempts: s.Config.MaxAttempts,
		Kept: func(ctx context.Context) (deliveries, bytes int64, err error) {
			return s.events.Kept(ctx, jobs.KindUnreadable)
		},
		Ping:       s.ready,
		Version:    buildinfo.Read().Version,
		Registerer: registry,
		Log:        s.Log,
	}
	if len(s.Config.SigningSecrets) > 0 {
		verifier, err := mondayclient.NewVerifier(s.Config.SigningSecrets, time.Now)
		if err != nil {
			return nil, UsageError{fmt.Errorf("MONDAY_SIGNING_SECRET: %w", err)}
		}
		c.Verifier = verifier
	}
	return ingest.New(c)
}

// handBack is the time to return jobs to the queue, after River's grace.
const handBack = 10 * time.Second

// stop stops the input, then what is running.
func (s *Service) stop(servers []*http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), s.Config.ShutdownGrace+handBack)
	defer cancel()
	admin := servers[0]
	var err error
	for _, server := range servers[1:] {
		err = errors.Join(err, server.Shutdown(ctx))
	}
	if s.webhooks != nil {
		err = errors.Join(err, s.webhooks.Close(ctx))
	}
	if s.pool != nil {
		err = errors.Join(err, s.pool.Stop(ctx))
	}
	return errors.Join(err, admin.Close()) // metrics and health stay available until the end
}

func shutdown(servers []*http.Server) (err error) {
	for _, server := range servers {
		err = errors.Join(err, server.Close())
	}
	return err
}
