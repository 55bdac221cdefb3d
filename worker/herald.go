package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"crmsync/schema/store"
)

const (
	// lettersPerMessage is how many dead letters stand in one message: all in one is one ping, and Telegram takes
	// 4,096 characters.
	lettersPerMessage = 20

	// telling is how long one round of messages may take.
	telling = time.Minute

	sweepLease = "sweep"
)

// Messenger sends a text to people. Its errors name no secret.
type Messenger interface {
	Name() string
	Send(ctx context.Context, text string) error
}

// herald finds what people must hear of, and tells them: events that were given up, by whomever, and systems that went
// away or came back. One herald at a time is at it, over all pools. It never holds up the jobs.
type herald struct {
	store      *store.Store
	messengers []Messenger // at least one
	guards     []*breaker
	log        *slog.Logger
	sent       map[string]bool // messenger and message: what one messenger took while another failed
}

// run sweeps until ctx ends.
func (h *herald) run(ctx context.Context, every time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := h.round(ctx); err != nil && ctx.Err() == nil {
			h.log.Error("sweep failed", "error", err)
		}
	}
}

// round is one sweep, by whoever gets its lease.
func (h *herald) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, telling)
	defer cancel()
	holder := uuid.New()
	got, err := h.store.Lease(ctx, holder, []string{sweepLease}, telling)
	if err != nil || len(got) == 0 {
		return err
	}
	for _, guard := range h.guards {
		err = errors.Join(err, guard.settle(ctx))
	}
	if _, sweeping := h.store.SweepLetters(ctx); sweeping != nil {
		err = errors.Join(err, sweeping)
	}
	err = errors.Join(err, h.tellOutages(ctx), h.tellLetters(ctx))
	return errors.Join(err, h.store.Free(context.WithoutCancel(ctx), holder, []string{sweepLease}))
}

// tellLetters tells of dead letters, several in one message. What one messenger took is not sent to it again because
// another failed.
func (h *herald) tellLetters(ctx context.Context) error {
	for {
		letters, err := h.store.UnalertedLetters(ctx, lettersPerMessage)
		if err != nil || len(letters) == 0 {
			return err
		}
		err = h.tell(ctx, func(m Messenger) (keys []string, text string) {
			fresh := slices.DeleteFunc(slices.Clone(letters), func(l store.Letter) bool { return h.sent[letterKey(m, l)] })
			for _, l := range fresh {
				keys = append(keys, letterKey(m, l))
			}
			return keys, lettersText(fresh)
		})
		if err != nil {
			return fmt.Errorf("alerting %d dead letters: %w", len(letters), err)
		}
		ids := make([]int64, len(letters))
		for n, letter := range letters {
			ids[n] = letter.ID
		}
		if err := h.store.MarkAlerted(ctx, ids); err != nil {
			return err
		}
		clear(h.sent)
	}
}

// tellOutages tells of systems that went away, and that came back.
func (h *herald) tellOutages(ctx context.Context) error {
	outages, err := h.store.UnalertedOutages(ctx)
	if err != nil {
		return err
	}
	for _, outage := range outages {
		texts := []string{}
		if !outage.Told {
			texts = append(texts, awayText(outage))
		}
		if outage.EndedAt != nil {
			texts = append(texts, backText(outage))
		}
		for _, text := range texts {
			err := h.tell(ctx, func(m Messenger) ([]string, string) {
				if key := m.Name() + text; !h.sent[key] {
					return []string{key}, text
				}
				return nil, ""
			})
			if err != nil {
				return fmt.Errorf("alerting an outage: %w", err)
			}
		}
		if err := h.store.MarkOutageAlerted(ctx, outage); err != nil {
			return err
		}
	}
	return nil
}

// tell gives every messenger its text, and remembers by the text's keys what it took.
func (h *herald) tell(ctx context.Context, compose func(Messenger) (keys []string, text string)) (failed error) {
	for _, m := range h.messengers {
		keys, text := compose(m)
		if len(keys) == 0 {
			continue
		}
		if err := m.Send(ctx, text); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", m.Name(), err))
			continue
		}
		for _, key := range keys {
			h.sent[key] = true
		}
	}
	return failed
}

func letterKey(m Messenger, l store.Letter) string {
	return m.Name() + " " + strconv.FormatInt(l.ID, 10) + " " + l.CreatedAt.String()
}

// lettersText tells of dead letters without a value of theirs.
func lettersText(letters []store.Letter) string {
	var b strings.Builder
	if len(letters) == 1 {
		b.WriteString("crmsync gave up an event:\n")
	} else {
		fmt.Fprintf(&b, "crmsync gave up %d events:\n", len(letters))
	}
	for _, l := range letters {
		fmt.Fprintf(&b, "• job %d: %s", l.JobID, l.Event)
		if l.BoardID != nil {
			fmt.Fprintf(&b, ", board %d", *l.BoardID)
		}
		if l.ItemID != nil {
			fmt.Fprintf(&b, ", item %d", *l.ItemID)
		}
		if l.Object != nil {
			b.WriteString(", " + *l.Object)
		}
		if l.SalesforceID != nil {
			b.WriteString(" " + *l.SalesforceID)
		}
		if l.Code != "" {
			b.WriteString(", " + l.Code)
		}
		fmt.Fprintf(&b, ", %s\n", plural(l.Attempts, "attempt"))
	}
	b.WriteString("Put back with: crmsync replay")
	for _, l := range letters {
		b.WriteString(" " + strconv.FormatInt(l.JobID, 10))
	}
	return b.String()
}

func awayText(o store.Outage) string {
	return fmt.Sprintf("%s is away (%s) since %s. Events wait; none is lost.", title(o.System), o.Code, clock(o.StartedAt))
}

func backText(o store.Outage) string {
	return fmt.Sprintf("%s is back. It was away for %s, from %s.", title(o.System), o.EndedAt.Sub(o.StartedAt).Round(time.Second), clock(o.StartedAt))
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func title(system string) string { return strings.ToUpper(system[:1]) + system[1:] }

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
