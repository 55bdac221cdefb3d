package app

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/internal/buildinfo"
)

// exportBuild exports the running build as a series whose value is always 1.
func exportBuild(reg prometheus.Registerer, build buildinfo.Info) {
	promauto.With(reg).NewGaugeVec(prometheus.GaugeOpts{
		Name: "crmsync_build_info",
		Help: "Build of the running program, always 1.",
	}, []string{"version", "commit", "go"}).WithLabelValues(build.Version, build.Commit, build.Go).Set(1)
}

// apiMetrics counts the calls of the clients to the two systems.
type apiMetrics struct {
	calls      *prometheus.CounterVec
	duration   *prometheus.HistogramVec
	rows       *prometheus.CounterVec
	usage      prometheus.Gauge
	limit      prometheus.Gauge
	complexity prometheus.Gauge
}

func newAPIMetrics(reg prometheus.Registerer) *apiMetrics {
	with := promauto.With(reg)
	return &apiMetrics{
		calls: with.NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_api_calls_total",
			Help: "Calls to a system's API, by Salesforce's HTTP status or by Monday's code (ok for success); \"error\" " +
				"without an answer.",
		}, []string{"system", "operation", "code"}),
		duration: with.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "crmsync_api_call_duration_seconds",
			Help:    "Time until a system's API answered.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14), // 5 ms to 41 s
		}, []string{"system", "operation"}),
		rows: with.NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_api_rows_total",
			Help: "Records and items in calls, by result.",
		}, []string{"system", "operation", "outcome"}),
		usage: with.NewGauge(prometheus.GaugeOpts{
			Name: "crmsync_salesforce_api_usage",
			Help: "Calls of the last 24 hours that Salesforce has counted for the org.",
		}),
		limit: with.NewGauge(prometheus.GaugeOpts{
			Name: "crmsync_salesforce_api_limit",
			Help: "Calls that Salesforce allows the org in 24 hours.",
		}),
		complexity: with.NewGauge(prometheus.GaugeOpts{
			Name: "crmsync_monday_complexity_remaining",
			Help: "Remaining complexity in Monday's current minute.",
		}),
	}
}

// observe returns the function that a system's client calls for each API call.
func (m *apiMetrics) observe(system string) func(operation, code string, took time.Duration, succeeded, failed int) {
	return func(operation, code string, took time.Duration, succeeded, failed int) {
		m.calls.WithLabelValues(system, operation, code).Inc()
		m.duration.WithLabelValues(system, operation).Observe(took.Seconds())
		if succeeded > 0 {
			m.rows.WithLabelValues(system, operation, "success").Add(float64(succeeded))
		}
		if failed > 0 {
			m.rows.WithLabelValues(system, operation, "failed").Add(float64(failed))
		}
	}
}
