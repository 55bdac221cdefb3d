package worker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

const (
	// lettersPerMessage is how many dead letters stand in one message: all in one is one ping, and Telegram takes
	// 4,096 characters.
	lettersPerMessage = 15

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
	queue      *queue.Queue
	messengers []Messenger // at least one
	guards     []*breaker
	log        *slog.Logger

	sent   map[string]map[string]bool // what is told -> messengers who took it, until all have
	broken map[string]error           // by messenger: why it takes no more in this round
}

func newHerald(s *store.Store, q *queue.Queue, messengers []Messenger, guards []*breaker, log *slog.Logger) *herald {
	return &herald{store: s, queue: q, messengers: messengers, guards: guards, log: log, sent: map[string]map[string]bool{}, broken: map[string]error{}}
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
	clear(h.broken)
	for _, guard := range h.guards {
		err = errors.Join(err, guard.settle(ctx))
	}
	waking := h.queue.WakeEnded(ctx)
	_, sweeping := h.queue.SweepLetters(ctx)
	err = errors.Join(err, waking, sweeping, h.tellOutages(ctx), h.tellLetters(ctx))
	return errors.Join(err, h.store.Free(context.WithoutCancel(ctx), holder, []string{sweepLease}))
}

// tellLetters tells of dead letters, several in one message.
func (h *herald) tellLetters(ctx context.Context) (failed error) {
	for after := int64(0); ; {
		letters, err := h.store.UnalertedLetters(ctx, after, lettersPerMessage)
		if err != nil || len(letters) == 0 {
			return errors.Join(failed, err)
		}
		parts, ids := make([]string, len(letters)), make([]int64, len(letters))
		for n, l := range letters {
			parts[n], ids[n] = fmt.Sprint("letter ", l.ID, " of ", l.CreatedAt), l.ID
		}
		after = ids[len(ids)-1]
		err = h.tell(ctx, parts, func(left []int) string {
			some := make([]store.Letter, len(left))
			for n, at := range left {
				some[n] = letters[at]
			}
			return lettersText(some)
		})
		if err != nil {
			failed = cmp.Or(failed, fmt.Errorf("alerting %d dead letters: %w", len(letters), err))
			continue
		}
		if err := h.store.MarkAlerted(ctx, ids); err != nil {
			return errors.Join(failed, err)
		}
		h.told(parts)
	}
}

// tellOutages tells of systems that went away, and that came back.
func (h *herald) tellOutages(ctx context.Context) error {
	outages, err := h.store.UnalertedOutages(ctx)
	if err != nil {
		return err
	}
	for _, outage := range outages {
		var texts []string
		if !outage.Told {
			texts = append(texts, awayText(outage))
		}
		if outage.EndedAt != nil {
			texts = append(texts, backText(outage))
		}
		for _, text := range texts {
			if err := h.tell(ctx, []string{text}, func([]int) string { return text }); err != nil {
				return fmt.Errorf("alerting an outage: %w", err)
			}
		}
		if err := h.store.MarkOutageAlerted(ctx, outage); err != nil {
			return err
		}
		h.told(texts)
	}
	return nil
}

// tell gives every messenger those of the parts, by position, that it has not taken yet. It fails where one of them did not
// take it all: what the others took is not sent to them again.
func (h *herald) tell(ctx context.Context, parts []string, compose func(left []int) string) (failed error) {
	for _, m := range h.messengers {
		var left []int
		for n, part := range parts {
			if !h.sent[part][m.Name()] {
				left = append(left, n)
			}
		}
		if len(left) == 0 {
			continue
		}
		err := h.broken[m.Name()]
		if err == nil {
			err = m.Send(ctx, compose(left))
		}
		if err != nil {
			h.broken[m.Name()] = err
			failed = errors.Join(failed, fmt.Errorf("%s: %w", m.Name(), err))
			continue
		}
		for _, n := range left {
			if h.sent[parts[n]] == nil {
				h.sent[parts[n]] = map[string]bool{}
			}
			h.sent[parts[n]][m.Name()] = true
		}
	}
	return failed
}

// told forgets who took the parts: Postgres knows that all have.
func (h *herald) told(parts []string) {
	for _, part := range parts {
		delete(h.sent, part)
	}
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
