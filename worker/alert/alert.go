// Package alert tells people what they must know: events that failed for good, systems that are away, channels that take
// no messages, queues that are paused, deletions that wait for them. Each channel is told of everything once, whatever becomes of the others.
package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

const (
	// lettersPerMessage is how many dead letters stand in one message: one message is one ping, and Telegram takes 4,096
	// characters.
	lettersPerMessage = 15

	// failuresTold is after how many failures in a row the other channels are told of a channel.
	failuresTold = 3

	// longestPause is the longest that a channel that takes no messages is left alone.
	longestPause = 5 * time.Minute
)

// Channel takes messages to people. Its errors hold no secret. An error with RetryAfter asks for a pause, and is no failure.
type Channel interface {
	Name() string
	Send(ctx context.Context, text string) error
}

// Alerter tells people. One of them is at work at a time, over all processes: the caller sees to that.
type Alerter struct {
	store    *store.Store
	queue    *queue.Queue
	channels []Channel
	log      *slog.Logger
}

// New returns an alerter. Without channels, the log is told.
func New(s *store.Store, q *queue.Queue, channels []Channel, log *slog.Logger) *Alerter {
	if len(channels) == 0 {
		channels = []Channel{logChannel{log}}
	}
	return &Alerter{store: s, queue: q, channels: channels, log: log}
}

// Round tells every channel what it has not been told yet. Its error is that of Postgres: a channel that takes no message
// is recorded, logged, and told of through the others.
func (a *Alerter) Round(ctx context.Context) (failed error) {
	known := make([]store.Channel, len(a.channels)) // all of them before anything is told in one
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

// serve tells one channel, and reports whether others need not be told that it fails.
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
		a.log.Warn("alert channel asks for a pause", "channel", c.Name, "error", refused.err)
		return true, nil
	}
	a.log.Error("alert channel takes no messages", "channel", c.Name, "failures", c.Failures+1, "error", refused.err)
	return c.Failures+1 < failuresTold, a.store.FailChannel(ctx, c.Name, refused.Error())
}

// resting reports whether a channel that takes no messages is left alone: the longer, the longer it fails.
func resting(c store.Channel, now time.Time) bool {
	if c.FailingSince == nil || c.FailedAt == nil {
		return false
	}
	return now.Before(c.FailedAt.Add(min(c.FailedAt.Sub(*c.FailingSince), longestPause)))
}

// refusedError is a message that a channel did not take.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// message is one text, and the alerts that it carries.
type message struct {
	text   string
	alerts []store.Alert
}

// tell sends a channel what it has not been told yet.
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

// send sends a message, and records that its alerts were taken. Between the two the process may be killed: then the
// message is sent again.
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

// outages are systems that went away, and that came back.
func (a *Alerter) outages(ctx context.Context, c store.Channel) (messages []message, err error) {
	outages, err := a.store.UntoldOutages(ctx, c)
	for _, o := range outages {
		id := strconv.FormatInt(o.ID, 10)
		if !o.Told {
			messages = append(messages, message{awayText(o), []store.Alert{{Kind: store.AlertOutage, Subject: id, Occasion: o.StartedAt}}})
		}
		if o.EndedAt != nil {
			messages = append(messages, message{backText(o), []store.Alert{{Kind: store.AlertOutageEnd, Subject: id, Occasion: *o.EndedAt}}})
		}
	}
	return messages, err
}

// pauses are queues that somebody paused, and that go on.
func (a *Alerter) pauses(ctx context.Context, c store.Channel) ([]message, error) {
	pauses, err := a.queue.Pauses(ctx)
	if err != nil {
		return nil, err
	}
	var now []store.Alert
	for _, p := range pauses {
		now = append(now, store.Alert{Kind: store.AlertPause, Subject: p.Queue, Occasion: p.Since})
	}
	return a.changes(ctx, c, now, store.AlertPause, store.AlertPauseEnd, pausedText, resumedText)
}

// holds are boards whose deletions wait for a person, and that have none left.
func (a *Alerter) holds(ctx context.Context, c store.Channel) ([]message, error) {
	holds, err := a.store.Holds(ctx)
	if err != nil {
		return nil, err
	}
	told, err := a.store.TakenWithoutEnd(ctx, c.Name, store.AlertHold, store.AlertHoldEnd)
	if err != nil {
		return nil, err
	}
	var now []store.Alert
	items := map[string]int{}
	for _, h := range holds {
		alert := store.Alert{Kind: store.AlertHold, Subject: strconv.FormatInt(h.BoardID, 10), Occasion: h.Since}
		for _, t := range told {
			if t.Subject == alert.Subject { // the first of its items may have been decided about since
				alert.Occasion = t.Occasion
			}
		}
		now, items[alert.Subject] = append(now, alert), len(h.Items)
	}
	held := func(alert store.Alert) string { return heldText(alert, items[alert.Subject]) }
	return a.changes(ctx, c, now, store.AlertHold, store.AlertHoldEnd, held, decidedText)
}

// failures are other channels that take no messages, and that do again.
func (a *Alerter) failures(ctx context.Context, c store.Channel) ([]message, error) {
	channels, err := a.store.Channels(ctx)
	if err != nil {
		return nil, err
	}
	var now []store.Alert
	reasons := map[string]string{}
	for _, other := range channels {
		if other.Name != c.Name && other.FailingSince != nil && other.Failures >= failuresTold {
			now = append(now, store.Alert{Kind: store.AlertChannel, Subject: other.Name, Occasion: *other.FailingSince})
			reasons[other.Name] = other.Error
		}
	}
	failing := func(alert store.Alert) string { return failingText(alert, reasons[alert.Subject]) }
	return a.changes(ctx, c, now, store.AlertChannel, store.AlertChannelEnd, failing, workingText)
}

// changes are messages of what is the case now and has not been told, and of what was told and is no longer the case.
func (a *Alerter) changes(
	ctx context.Context, c store.Channel, now []store.Alert, kind, end string, began, ended func(store.Alert) string,
) (messages []message, err error) {
	fresh, err := a.store.Untold(ctx, c.Name, now)
	if err != nil {
		return nil, err
	}
	for _, alert := range fresh {
		messages = append(messages, message{began(alert), []store.Alert{alert}})
	}
	told, err := a.store.TakenWithoutEnd(ctx, c.Name, kind, end)
	if err != nil {
		return nil, err
	}
	for _, alert := range told {
		still := func(n store.Alert) bool { return n.Subject == alert.Subject && n.Occasion.Equal(alert.Occasion) }
		if !slices.ContainsFunc(now, still) {
			messages = append(messages, message{ended(alert), []store.Alert{{Kind: end, Subject: alert.Subject, Occasion: alert.Occasion}}})
		}
	}
	return messages, nil
}

// pauseError is a channel's wish to be left alone for a while.
type pauseError struct{ wait time.Duration }

func (e *pauseError) Error() string {
	return fmt.Sprintf("asked to wait for %s", e.wait.Round(time.Second))
}
