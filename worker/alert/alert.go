// Package alert alerts people to what they must know: events that failed for good, by their causes, unavailable
// systems, failing channels, paused queues, and deletions that wait for a decision. Each channel receives everything
// once, independently of the others.
package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

const (
	// lettersPerMessage is how many dead letters a message lists; the others are counted. Each message is one
	// notification, and Telegram accepts 4,096 characters.
	lettersPerMessage = 15

	// failuresReported is the number of consecutive failures after which a failing channel is reported through
	// the others.
	failuresReported = 3

	// longestPause is the maximum pause before a failing channel is used again.
	longestPause = 5 * time.Minute
)

// Channel delivers messages to people. Its errors contain no secret. An error with RetryAfter requests a pause, and
// is not a failure.
type Channel interface {
	Name() string
	Send(ctx context.Context, text string) error
}

// Config configures an Alerter.
type Config struct {
	Store    *store.Store
	Queue    *queue.Queue
	Channels []Channel // none: alerts go to the log

	// Pauses are the minimum times between messages about one cause: after the first message, after the second, and so
	// on. The last one repeats. None: no pause.
	Pauses []time.Duration

	PublicURL  string // address of the console, for links; empty: there are none
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time
}

// Alerter alerts people. The caller ensures that only one runs at a time, over all processes.
type Alerter struct {
	Config
	store *store.Store
	queue *queue.Queue
	log   *slog.Logger
	sent  *prometheus.CounterVec
}

// New returns an alerter.
func New(c Config) *Alerter {
	if len(c.Channels) == 0 {
		c.Channels = []Channel{logChannel{c.Log}}
	}
	sent := promauto.With(c.Registerer).NewCounterVec(prometheus.CounterOpts{
		Name: "crmsync_alerts_total",
		Help: "Messages to people, by channel and result.",
	}, []string{"channel", "outcome"})
	for _, channel := range c.Channels {
		for _, outcome := range []string{"delivered", "rejected", "deferred"} {
			sent.WithLabelValues(channel.Name(), outcome)
		}
	}
	return &Alerter{Config: c, store: c.Store, queue: c.Queue, log: c.Log, sent: sent}
}

// Round sends each channel the alerts it has not received yet. It fails only with an error of Postgres: a channel
// that rejects messages is recorded, logged, and reported through the other channels.
func (a *Alerter) Round(ctx context.Context) (failed error) {
	known := make([]store.Channel, len(a.Channels)) // read for all channels before anything is sent
	for n, channel := range a.Channels {
		if known[n], failed = a.store.UseChannel(ctx, channel.Name()); failed != nil {
			return failed
		}
	}
	working := []string{}
	for n, channel := range a.Channels {
		works, err := a.serve(ctx, channel, known[n])
		if works {
			working = append(working, channel.Name())
		}
		failed = errors.Join(failed, err)
	}
	return errors.Join(failed, a.store.MarkAlerted(ctx, working))
}

// serve sends a channel its alerts, and reports whether it works, so that the other channels report it only if it
// fails.
func (a *Alerter) serve(ctx context.Context, channel Channel, c store.Channel) (works bool, err error) {
	if resting(c, a.Now()) {
		return c.Failures < failuresReported, nil
	}
	err = a.tell(ctx, channel, c)
	rejected, ok := errors.AsType[*rejectedError](err)
	if !ok {
		return true, err
	}
	if _, pauses := errors.AsType[*pauseError](err); pauses {
		a.log.Warn("alert channel requested a pause", "channel", c.Name, "error", rejected.err)
		return true, nil
	}
	a.log.Error("alert channel rejected a message", "channel", c.Name, "failures", c.Failures+1, "error", rejected.err)
	return c.Failures+1 < failuresReported, a.store.FailChannel(ctx, c.Name, rejected.Error())
}

// resting reports whether a failing channel is paused: the longer it fails, the longer the pauses.
func resting(c store.Channel, now time.Time) bool {
	if c.FailingSince == nil || c.FailedAt == nil {
		return false
	}
	return now.Before(c.FailedAt.Add(min(c.FailedAt.Sub(*c.FailingSince), longestPause)))
}

// rejectedError means that a channel rejected a message.
type rejectedError struct{ err error }

func (e *rejectedError) Error() string { return e.err.Error() }
func (e *rejectedError) Unwrap() error { return e.err }

// message is a text and the alerts it contains.
type message struct {
	text   string
	alerts []store.Alert
	cause  *store.UntoldCause // a message about its dead letters; nil: about something else
	calm   bool               // it requires no action: something is over, or it is a digest
}

// wakes reports whether a channel wakes people, and so receives only what they have to act on.
func wakes(channel Channel) bool {
	w, ok := channel.(interface{ Wakes() bool })
	return ok && w.Wakes()
}

// tell sends a channel the alerts it has not received yet.
func (a *Alerter) tell(ctx context.Context, channel Channel, c store.Channel) error {
	finds := []func(context.Context, store.Channel) ([]message, error){
		a.outages, a.pauses, a.holds, a.failures, a.causes, a.ends, a.digest,
	}
	for _, find := range finds {
		messages, err := find(ctx, c)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if err := a.send(ctx, channel, c, m); err != nil {
				return err
			}
		}
	}
	return nil
}

// send sends a message, and records that its alerts were delivered. If the process is killed in between, the message
// is sent again.
func (a *Alerter) send(ctx context.Context, channel Channel, c store.Channel, m message) error {
	if m.calm && wakes(channel) {
		return a.store.SkipAlerts(ctx, c.Name, m.alerts)
	}
	if err := deliver(ctx, channel, m); err != nil {
		outcome := "rejected"
		if _, pauses := errors.AsType[*pauseError](err); pauses {
			outcome = "deferred"
		}
		a.sent.WithLabelValues(c.Name, outcome).Inc()
		return &rejectedError{err}
	}
	a.sent.WithLabelValues(c.Name, "delivered").Inc()
	if m.cause != nil {
		return a.store.RecordCause(ctx, c, *m.cause)
	}
	return a.store.RecordAlerts(ctx, c.Name, m.alerts)
}

func deliver(ctx context.Context, channel Channel, m message) error {
	if c, ok := channel.(logChannel); ok && m.calm {
		c.sendCalm(m.text)
		return nil
	}
	return channel.Send(ctx, m.text)
}

// pauseError means that a channel requested a pause.
type pauseError struct{ wait time.Duration }

func (e *pauseError) Error() string {
	return fmt.Sprintf("asked to wait for %s", e.wait.Round(time.Second))
}
