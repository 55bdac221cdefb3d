// Package alert alerts people to what they must know: events that failed for good, unavailable systems, failing
// channels, paused queues, and deletions that wait for a decision. Each channel receives everything once,
// independently of the others.
package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

const (
	// lettersPerMessage is how many dead letters one message lists: one message is one notification, and Telegram
	// accepts 4,096 characters.
	lettersPerMessage = 15

	// failuresTold is the number of consecutive failures after which the other channels are told about a failing
	// channel.
	failuresTold = 3

	// longestPause is the maximum pause before a failing channel is used again.
	longestPause = 5 * time.Minute
)

// Channel delivers messages to people. Its errors contain no secret. An error with RetryAfter requests a pause, and
// is not a failure.
type Channel interface {
	Name() string
	Send(ctx context.Context, text string) error
}

// Alerter alerts people. The caller ensures that only one runs at a time, over all processes.
type Alerter struct {
	store    *store.Store
	queue    *queue.Queue
	channels []Channel
	log      *slog.Logger
}

// New returns an alerter. Without channels, alerts go to the log.
func New(s *store.Store, q *queue.Queue, channels []Channel, log *slog.Logger) *Alerter {
	if len(channels) == 0 {
		channels = []Channel{logChannel{log}}
	}
	return &Alerter{store: s, queue: q, channels: channels, log: log}
}

// Round sends each channel the alerts it has not received yet. It fails only with an error of Postgres: a channel
// that rejects messages is recorded, logged, and reported through the other channels.
func (a *Alerter) Round(ctx context.Context) (failed error) {
	known := make([]store.Channel, len(a.channels)) // read for all channels before anything is sent
	for n, channel := range a.channels {
		if known[n], failed = a.store.UseChannel(ctx, channel.Name()); failed != nil {
			return failed
		}
	}
	working := []string{}
	for n, channel := range a.channels {
		works, err := a.serve(ctx, channel, known[n])
		if works {
			working = append(working, channel.Name())
		}
		failed = errors.Join(failed, err)
	}
	return errors.Join(failed, a.store.MarkAlerted(ctx, working))
}

// serve sends a channel its alerts, and reports whether it works, so that the others need not be told that it fails.
func (a *Alerter) serve(ctx context.Context, channel Channel, c store.Channel) (works bool, err error) {
	if resting(c, time.Now()) {
		return c.Failures < failuresTold, nil
	}
	err = a.tell(ctx, channel, c)
	refused, ok := errors.AsType[*refusedError](err)
	if !ok {
		return true, err
	}
	if _, pauses := errors.AsType[*pauseError](err); pauses {
		a.log.Warn("alert channel requested a pause", "channel", c.Name, "error", refused.err)
		return true, nil
	}
	a.log.Error("alert channel rejected a message", "channel", c.Name, "failures", c.Failures+1, "error", refused.err)
	return c.Failures+1 < failuresTold, a.store.FailChannel(ctx, c.Name, refused.Error())
}

// resting reports whether a failing channel is paused: the longer it fails, the longer the pauses.
func resting(c store.Channel, now time.Time) bool {
	if c.FailingSince == nil || c.FailedAt == nil {
		return false
	}
	return now.Before(c.FailedAt.Add(min(c.FailedAt.Sub(*c.FailingSince), longestPause)))
}

// refusedError means that a channel rejected a message.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// message is a text and the alerts it contains.
type message struct {
	text   string
	alerts []store.Alert
}

// tell sends a channel the alerts it has not received yet.
func (a *Alerter) tell(ctx context.Context, channel Channel, c store.Channel) error {
	for _, find := range []func(context.Context, store.Channel) ([]message, error){a.outages, a.pauses, a.holds, a.failures} {
		messages, err := find(ctx, c)
		if err != nil {
			return err
		}
		for _, m := range messages {
			if err := a.send(ctx, channel, m); err != nil {
				return err
			}
		}
	}
	for after := int64(0); ; {
		letters, err := a.store.UntoldLetters(ctx, c, after, lettersPerMessage)
		if err != nil || len(letters) == 0 {
			return err
		}
		if err := a.send(ctx, channel, lettersMessage(letters)); err != nil {
			return err
		}
		after = letters[len(letters)-1].ID
	}
}

// send sends a message, and records that its alerts were delivered. If the process is killed in between, the message
// is sent again.
func (a *Alerter) send(ctx context.Context, channel Channel, m message) error {
	if err := channel.Send(ctx, m.text); err != nil {
		return &refusedError{err}
	}
	return a.store.RecordAlerts(ctx, channel.Name(), m.alerts)
}

func lettersMessage(letters []store.Letter) message {
	m := message{text: lettersText(letters)}
	for _, l := range letters {
		m.alerts = append(m.alerts, store.Alert{Kind: store.AlertLetter, Subject: strconv.FormatInt(l.ID, 10), Occasion: l.EndedAt})
	}
	return m
}

// pauseError means that a channel requested a pause.
type pauseError struct{ wait time.Duration }

func (e *pauseError) Error() string {
	return fmt.Sprintf("asked to wait for %s", e.wait.Round(time.Second))
}
