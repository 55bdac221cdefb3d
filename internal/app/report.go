package app

import (
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/report"
	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine"
)

// compareTimeout limits the comparison of one page.
const compareTimeout = 10 * time.Minute

// NewComparer returns an engine that only compares and gets no events.
func (s *Service) NewComparer(db *pgxpool.Pool, salesforce *sfclient.Client,
	monday *mondayclient.Client) *engine.Engine {
	return s.newComparer(db, s.Mapping, salesforce, monday)
}

func (s *Service) newComparer(db *pgxpool.Pool, m *mapping.Mapping, salesforce *sfclient.Client,
	monday *mondayclient.Client) *engine.Engine {
	return engine.New(engine.Config{
		Mapping: m, Store: store.New(db), Salesforce: salesforce, Monday: monday,
		BatchSize: s.Config.BatchSize, Concurrency: 1, Timeout: compareTimeout,
		Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler), Now: time.Now,
	})
}

// NewReporter returns a reporter on items.
func (s *Service) NewReporter(db *pgxpool.Pool, salesforce *sfclient.Client,
	monday *mondayclient.Client) *report.Reporter {
	return s.newReporter(db, s.Mapping, salesforce, monday)
}

func (s *Service) newReporter(db *pgxpool.Pool, m *mapping.Mapping, salesforce *sfclient.Client,
	monday *mondayclient.Client) *report.Reporter {
	return &report.Reporter{
		Mapping: m, Store: store.New(db), Engine: s.newComparer(db, m, salesforce, monday), Monday: monday, Now: time.Now,
		Places: &report.Places{Mapping: m, Monday: monday, Salesforce: salesforce, Now: time.Now},
	}
}
