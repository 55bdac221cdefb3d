// Package ingest receives Monday's webhooks: it authenticates a delivery, reads it, puts it into the queue,
// and answers 200 only when the job is committed. It keeps no state of its own, so any number may run.
package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/batch"
	"crmsync/mondayclient"
)

const (
	// path is where Monday posts; the secret follows it as a last segment.
	path = "/webhooks/monday"

	// minSecret is the least length of a secret that nobody guesses, in bytes.
	minSecret = 16

	// AnswerWithin bounds the wait for Postgres: Monday hears 503 within 2 s and comes again.
	AnswerWithin = 1500 * time.Millisecond

	// pingWithin bounds the readiness check.
	pingWithin = time.Second
)

// Config is what a Handler works with. At least one of Secret and Verifier is required; where both are set,
// a delivery must satisfy both.
type Config struct {
	// Secret is the last segment of the webhook's URL, at least 16 bytes long.
	// Empty: deliveries come to /webhooks/monday itself, guarded by the JWT alone.
	Secret string

	// Verifier checks the JWT of every event. nil: none is wanted.
	Verifier *mondayclient.Verifier

	// Mapped says whether the mapping names a board. Events of all others are ignored.
	Mapped func(boardID int64) bool

	// Insert is the queue.
	Insert Inserter

	// AnswerWithin bounds the wait of a webhook for its commit. 0: the constant of that name.
	AnswerWithin time.Duration

	// Ping says whether Postgres answers; /readyz asks it.
	Ping func(context.Context) error

	Registerer prometheus.Registerer // nil: metrics are counted and shown nowhere
	Log        *slog.Logger          // nil: no log
	Now        func() time.Time      // nil: time.Now
}

// Handler answers the public requests of section 3 of the contract.
type Handler struct {
	config     Config
	echo       *echo.Echo
	secretHash [sha256.Size]byte
	inserts    *batch.Batcher[delivery, outcome]
	metrics    metrics
}

// New refuses a Config that would leave the door open: without a secret and a verifier, or with a secret that
// is too short.
func New(c Config) (*Handler, error) {
	switch {
	case c.Secret == "" && c.Verifier == nil:
		return nil, errors.New("ingest: a webhook secret or a signing secret is required")
	case c.Secret != "" && len(c.Secret) < minSecret:
		return nil, fmt.Errorf("ingest: the webhook secret is shorter than %d characters", minSecret)
	}
	if c.AnswerWithin == 0 {
		c.AnswerWithin = AnswerWithin
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	h := &Handler{
		config:     c,
		secretHash: sha256.Sum256([]byte(c.Secret)),
		inserts:    newInserts(c),
		metrics:    newMetrics(c.Registerer),
	}
	h.echo = h.routes()
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.echo.ServeHTTP(w, r) }

// Close waits until every delivery that was taken on is stored. Those that come later are answered 503: shut
// the server down first.
func (h *Handler) Close(ctx context.Context) error { return h.inserts.Close(ctx) }

// webhook answers a delivery. A caller without the secret does not learn that there is anything here.
func (h *Handler) webhook(c echo.Context) error {
	start := time.Now()
	if !h.secretRight(c.Request()) {
		h.metrics.webhooks.WithLabelValues(otherEvent, string(unauthorized)).Inc()
		return echo.ErrNotFound
	}
	a := h.receive(c.Response().Writer, c.Request())
	h.metrics.webhooks.WithLabelValues(a.event, string(a.outcome)).Inc()
	h.metrics.duration.Observe(time.Since(start).Seconds())
	return a.send(c)
}

// receive reads the body and holds it as long as anyone needs it.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) answer {
	body, o := readBody(w, r)
	if o != "" {
		return answer{event: otherEvent, outcome: o}
	}
	a := h.take(r, body.Bytes())
	if a.outcome != unavailable { // else a batch that goes on without its caller may still read the body
		body.free()
	}
	return a
}

// take decides what a body is worth: an answer, a job, or nothing.
func (h *Handler) take(r *http.Request, body []byte) answer {
	d, err := mondayclient.ReadWebhook(body)
	if err == nil && d.HasChallenge {
		return answer{event: otherEvent, outcome: challenged, challenge: d.Challenge}
	}
	if h.config.Verifier != nil {
		if err := h.config.Verifier.Verify(r.Header.Get(echo.HeaderAuthorization)); err != nil {
			h.config.Log.DebugContext(r.Context(), "webhook refused", "error", err)
			return answer{event: otherEvent, outcome: unauthorized}
		}
	}
	now := h.config.Now().UTC()
	if err != nil {
		return answer{event: otherEvent, outcome: h.store(r.Context(), unreadableDelivery(body, err.Error(), now))}
	}
	key := eventKey(d.Event, body)
	args := jobArgs(d.Event, key, now)
	switch {
	case args == nil:
		return answer{event: otherEvent, outcome: ignored}
	case !h.config.Mapped(d.Event.BoardID):
		return answer{event: d.Event.Type, outcome: ignored}
	}
	return answer{event: d.Event.Type, outcome: h.store(r.Context(), delivery{args, key, body, now})}
}

// store waits for a delivery's place in a group and for the commit.
func (h *Handler) store(ctx context.Context, d delivery) outcome {
	ctx, cancel := context.WithTimeout(ctx, h.config.AnswerWithin)
	defer cancel()
	o, err := h.inserts.Do(ctx, d)
	if err != nil {
		if ctx.Err() == nil {
			h.config.Log.ErrorContext(ctx, "storing a webhook", "error", err)
		}
		return unavailable
	}
	return o
}

// secretRight compares hashes, so that the time it takes tells nothing of the secret, not even its length.
func (h *Handler) secretRight(r *http.Request) bool {
	if h.config.Secret == "" {
		return true
	}
	got := sha256.Sum256([]byte(strings.TrimPrefix(r.URL.Path, path+"/")))
	return subtle.ConstantTimeCompare(got[:], h.secretHash[:]) == 1
}

// ready answers /readyz.
func (h *Handler) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), pingWithin)
	defer cancel()
	if err := h.config.Ping(ctx); err != nil {
		return echo.ErrServiceUnavailable
	}
	return alive(c)
}
