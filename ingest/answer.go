package ingest

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// outcome is the result of a delivery, and a label of webhooks_total.
type outcome string

const (
	accepted     outcome = "accepted"     // committed in Postgres
	duplicate    outcome = "duplicate"    // its key is stored already
	ignored      outcome = "ignored"      // another board, or a type that is not handled
	unreadable   outcome = "unreadable"   // kept unchanged
	challenged   outcome = "challenge"    // answered, nothing stored
	unauthorized outcome = "unauthorized" // wrong or missing secret or JWT
	tooLarge     outcome = "too_large"
	cutShort     outcome = "cut_short"   // the client left, or was too slow
	overQuota    outcome = "over_quota"  // unreadable, and the quota of those is used up
	busy         outcome = "busy"        // other deliveries hold the memory for bodies
	unavailable  outcome = "unavailable" // not committed in time
)

// statuses are the bodies of answers.
var statuses = map[outcome][]byte{
	accepted: status(accepted), duplicate: status(duplicate), ignored: status(ignored), unreadable: status(unreadable),
}

func status(o outcome) []byte { return []byte(`{"status":"` + o + `"}`) }

// otherEvent is the type label of all types that are not handled, so that a caller cannot add labels.
const otherEvent = "other"

// answer is the response to a delivery.
type answer struct {
	event     string // type label, one of a fixed set
	outcome   outcome
	challenge string
}

func (a answer) send(c echo.Context) error {
	switch a.outcome {
	case challenged:
		return c.JSON(http.StatusOK, map[string]string{"challenge": a.challenge})
	case unauthorized:
		return echo.ErrUnauthorized
	case tooLarge:
		return echo.ErrStatusRequestEntityTooLarge
	case cutShort:
		return echo.ErrRequestTimeout
	case busy, overQuota, unavailable:
		return echo.ErrServiceUnavailable
	}
	return c.JSONBlob(http.StatusOK, statuses[a.outcome])
}

type metrics struct {
	webhooks *prometheus.CounterVec
	duration prometheus.Histogram
}

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		webhooks: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_webhooks_total",
			Help: "Deliveries by Monday's type of event and by outcome.",
		}, []string{"type", "outcome"}),
		duration: promauto.With(reg).NewHistogram(prometheus.HistogramOpts{
			Name:    "crmsync_webhook_duration_seconds",
			Help:    "Time from a delivery's header to its answer.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 13), // 0.5 ms to about 2 s
		}),
	}
}
