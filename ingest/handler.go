// Package ingest receives Monday's webhooks: it authenticates a delivery, reads it, puts it into the queue, and answers
// 200 only when the job is committed. It is stateless, so any number of instances may run.
package ingest

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/batch"
	"crmsync/mondayclient"
)

const (
	// Path is the path that Monday posts to, followed by the secret as the last segment.
	Path = "/webhooks/monday"

	// minSecret is the minimum length of a secret, in bytes: shorter ones can be guessed.
	minSecret = 16

	// maxSecrets is how many secrets are valid at once: the one in use and the one that replaces it.
	maxSecrets = 2

	// AnswerWithin limits the wait for Postgres: Monday gets a 503 within 2 s and repeats the delivery.
	AnswerWithin = 1500 * time.Millisecond

	// pingWithin limits the readiness check.
	pingWithin = time.Second
)

// Config configures a Handler. At least one of Secrets and Verifier is required; if both are set, a delivery must
// satisfy both.
type Config struct {
	// Secrets holds the last segment of the webhook's URL, at least 16 bytes long. During a rotation there are two, and
	// both are valid. Empty: deliveries come to /webhooks/monday itself, guarded by the JWT alone.
	Secrets []string

	// Verifier checks the JWT of every event. nil: no JWT is required.
	Verifier *mondayclient.Verifier

	// Mapped reports whether the mapping names a board. Events of all others are ignored.
	Mapped func(boardID int64) bool

	// Queue receives the jobs.
	Queue Queue

	// MaxAttempts is how many times a job is attempted.
	MaxAttempts int

	// AnswerWithin limits the wait of a webhook for its commit. 0: the constant AnswerWithin.
	AnswerWithin time.Duration

	// Kept counts the stored unreadable deliveries, to limit them. nil: only their rate is limited.
	Kept func(context.Context) (deliveries, bytes int64, err error)

	// Ping returns an error if Postgres does not answer. It is called by /readyz.
	Ping func(context.Context) error

	// Version is the program's version in the answer of /healthz; may be empty.
	Version string

	Registerer prometheus.Registerer // nil: metrics are not exported
	Log        *slog.Logger          // nil: no log
	Now        func() time.Time      // nil: time.Now
}

// Handler answers the public requests; docs/operating.md lists them under "Endpoints".
type Handler struct {
	config  Config
	echo    *echo.Echo
	secrets [][sha256.Size]byte // hashes
	bodies  *bodies
	quota   *quota
	inserts *batch.Batcher[delivery, outcome]
	metrics metrics
}

// New returns a Handler. It rejects a Config that would leave the endpoint open: one with neither a secret nor a
// verifier, or with a secret that is too short.
func New(c Config) (*Handler, error) {
	switch {
	case len(c.Secrets) == 0 && c.Verifier == nil:
		return nil, errors.New("ingest: a webhook secret or a signing secret is required")
	case len(c.Secrets) > maxSecrets:
		return nil, fmt.Errorf("ingest: %d webhook secrets; at most %d are valid at once", len(c.Secrets), maxSecrets)
	case slices.ContainsFunc(c.Secrets, func(s string) bool { return len(s) < minSecret }):
		return nil, fmt.Errorf("ingest: a webhook secret is shorter than %d characters", minSecret)
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
	h := &Handler{config: c, bodies: newBodies(), quota: newQuota(c), metrics: newMetrics(c.Registerer)}
	h.inserts = newInserts(c, h.quota)
	for _, secret := range c.Secrets {
		h.secrets = append(h.secrets, sha256.Sum256([]byte(secret)))
	}
	h.echo = h.routes()
	return h, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.echo.ServeHTTP(w, r) }

// Close waits until every accepted delivery is stored. Later ones get a 503: shut the server down first.
func (h *Handler) Close(ctx context.Context) error { return h.inserts.Close(ctx) }

// requireSecret rejects a caller without the secret, whatever the method, so that it cannot tell that the endpoint
// exists.
func (h *Handler) requireSecret(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if !h.knowsSecret(c.Request()) {
			h.metrics.webhooks.WithLabelValues(otherEvent, string(unauthorized)).Inc()
			return echo.ErrNotFound
		}
		return next(c)
	}
}

// webhook answers a delivery.
func (h *Handler) webhook(c echo.Context) error {
	start := time.Now()
	a := h.receive(c.Response().Writer, c.Request())
	h.metrics.webhooks.WithLabelValues(a.event, string(a.outcome)).Inc()
	h.metrics.duration.Observe(time.Since(start).Seconds())
	return a.send(c)
}

// receive verifies the token before it reads the body. A challenge needs no token, so a body of at most a challenge's
// size is read without one.
func (h *Handler) receive(w http.ResponseWriter, r *http.Request) answer {
	if err := h.verify(r); err != nil {
		h.config.Log.DebugContext(r.Context(), "webhook refused", "error", err)
		return h.challenge(w, r)
	}
	read, o := h.bodies.read(w, r)
	if o != "" {
		return answer{event: otherEvent, outcome: o}
	}
	defer read.release()
	stopWatching(r)
	return h.take(context.WithoutCancel(r.Context()), read) // stored even if the client leaves now
}

func (h *Handler) verify(r *http.Request) error {
	if h.config.Verifier == nil {
		return nil
	}
	return h.config.Verifier.Verify(r.Header.Get(echo.HeaderAuthorization))
}

// challenge answers a caller without a valid token. Such a caller may only verify that this is the endpoint.
func (h *Handler) challenge(w http.ResponseWriter, r *http.Request) answer {
	refused := answer{event: otherEvent, outcome: unauthorized}
	read, o := h.bodies.readChallenge(w, r)
	if o == busy {
		return answer{event: otherEvent, outcome: busy}
	}
	if o != "" {
		return refused
	}
	defer read.release()
	d, err := mondayclient.ReadWebhook(read.bytes)
	if err != nil || !d.HasChallenge {
		return refused
	}
	return answer{event: otherEvent, outcome: challenged, challenge: d.Challenge}
}

// take turns a body into an answer, a job or nothing.
func (h *Handler) take(ctx context.Context, from *body) answer {
	now := h.config.Now().UTC()
	d, err := mondayclient.ReadWebhook(from.bytes)
	switch {
	case err != nil:
		return answer{event: otherEvent, outcome: h.keep(ctx, unreadableDelivery(from, err.Error(), now))}
	case d.HasChallenge:
		return answer{event: otherEvent, outcome: challenged, challenge: d.Challenge}
	}
	key := eventKey(d.Event, from.bytes)
	args := argsOf(d.Event, key, now)
	switch {
	case args == nil:
		return answer{event: otherEvent, outcome: ignored}
	case !h.config.Mapped(d.Event.BoardID):
		return answer{event: d.Event.Type, outcome: ignored}
	}
	return answer{event: d.Event.Type, outcome: h.store(ctx, newDelivery(args, key, from, now, d.Event.Redelivered))}
}

// keep stores an unreadable delivery if the quota allows it.
func (h *Handler) keep(ctx context.Context, d delivery) outcome {
	ctx, cancel := context.WithTimeout(ctx, h.config.AnswerWithin)
	defer cancel()
	if o := h.quota.take(ctx, len(d.body.bytes)); o != "" {
		return o
	}
	return h.store(ctx, d)
}

// store waits for a delivery's place in a group and for the commit. The group may take longer than this caller waits,
// so it holds the body itself.
func (h *Handler) store(ctx context.Context, d delivery) outcome {
	d.body.hold()
	o, err := h.inserts.Do(ctx, d)
	if err != nil {
		if ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
			h.config.Log.ErrorContext(ctx, "storing a webhook", "error", err)
		}
		return unavailable
	}
	return o
}

// knowsSecret compares hashes, so that its duration depends neither on the secrets' content nor on their length.
func (h *Handler) knowsSecret(r *http.Request) bool {
	if len(h.secrets) == 0 {
		return true
	}
	var room [128]byte // few secrets are longer
	given := append(room[:0], strings.TrimPrefix(r.URL.Path, Path+"/")...)
	got, matches := sha256.Sum256(given), 0
	for _, secret := range h.secrets {
		matches |= subtle.ConstantTimeCompare(got[:], secret[:])
	}
	return matches == 1
}

// ready answers /readyz.
func (h *Handler) ready(c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), pingWithin)
	defer cancel()
	if err := h.config.Ping(ctx); err != nil {
		return echo.ErrServiceUnavailable
	}
	return c.JSONBlob(http.StatusOK, []byte(`{"status":"ok"}`))
}
