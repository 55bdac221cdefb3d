package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"riverqueue.com/riverui"

	"crmsync/internal/buildinfo"
	"crmsync/worker"
)

// Dashboard is the path of River's dashboard.
const Dashboard = "/jobs"

// admin answers on the internal listener: metrics, health and, with credentials, the dashboard and, if there are
// workers, the console.
func (s *Service) admin(ctx context.Context, db *pgxpool.Pool, registry *prometheus.Registry) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry,
		promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}))
	mux.HandleFunc("GET /healthz", healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /runbook", runbook)
	wrong := newGuesses(registry, s.Log)
	if s.Config.AdminUser != "" {
		jobs, err := riverui.NewHandler(&riverui.HandlerOpts{
			Endpoints:                riverui.NewEndpoints(s.queue, nil),
			JobListHideArgsByDefault: true,
			Logger:                   worker.QueueLog(s.Log),
			Prefix:                   Dashboard,
		})
		if err != nil {
			return nil, fmt.Errorf("preparing the dashboard: %w", err)
		}
		guard := s.newGuard(wrong)
		guarded := func(next http.Handler, operatorsOnly bool) http.Handler {
			return secured(http.NewCrossOriginProtection().Handler(guard.lets(next, operatorsOnly)))
		}
		mux.Handle(Dashboard+"/", guarded(onFirstUse(func() error { return jobs.Start(ctx) }, jobs), true))
		mux.Handle(Dashboard, http.RedirectHandler(Dashboard+"/", http.StatusMovedPermanently))
		if s.Role.Worker {
			mux.Handle("/", guarded(&consoles{service: s, db: db}, false))
		}
	} else if s.Role.Worker {
		s.Log.Info(consoleOff)
		mux.HandleFunc("GET /", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, consoleOff, http.StatusNotFound)
		})
	}
	return mux, nil
}

// onFirstUse calls start before the first request. Once it is started, River's dashboard counts all jobs every half
// minute whether or not anybody looks, which takes Postgres 1 % of a processor at 1,000,000 jobs.
func onFirstUse(start func() error, next http.Handler) http.Handler {
	started := sync.OnceValue(start)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := started(); err != nil {
			http.Error(w, "The dashboard could not be started", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// consoleOff explains why there is no console.
const consoleOff = "The console is off: set ADMIN_USER and ADMIN_PASSWORD"

// healthz answers while the process is alive, with its version.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	// fails only if the client left
	_ = json.NewEncoder(w).Encode(map[string]string{"status": "ok", "version": buildinfo.Read().Version})
}

func (s *Service) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := s.ready(ctx); err != nil {
		answer(w, http.StatusServiceUnavailable, "postgres is away")
		return
	}
	answer(w, http.StatusOK, "ok")
}

// secured sets the headers that keep other sites out of the dashboard and the console, and keep their content from
// leaving. The console sets a stricter policy.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' "+
			"'unsafe-inline'; img-src 'self' data:; "+
			"font-src 'self' data:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'")
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	key := "error"
	if status == http.StatusOK {
		key = "status"
	}
	fmt.Fprintf(w, "{%q: %q}\n", key, text)
}
