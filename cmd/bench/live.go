package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/internal/stage"
)

// liveQueued is the number of events that come at once.
const liveQueued = 4000

// newFields are fields that get their first values one after the other. Their column is known of every item, so that
// events cost the same before and after it was compared.
var newFields = []string{"Title", "Department", "Description", "MailingCity"}

// lived is the result for live events.
type lived struct {
	took []time.Duration // from POST to Salesforce's answer of single events, in ascending order
	rate float64         // events/s of many at once
}

// live measures whether events of people are slowed down while the items of a board get the values of a new field.
func (b *bench) live(ctx context.Context) (err error) {
	y, err := b.stageWith(ctx, b.sizes.live, "")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	front := newFront(y.Salesforce)
	if y.Env["SALESFORCE_LOGIN_URL"], err = y.Host(front); err != nil {
		return fmt.Errorf("serving Salesforce: %w", err)
	}
	y.Env["WEBHOOK_SECRET"] = secret
	if _, err := b.apply(ctx, y, b.sizes.live); err != nil {
		return err
	}
	b.calls.set(y)
	turns := &turns{bench: b, stage: y, front: front}
	if err := turns.find(ctx); err != nil {
		return err
	}
	var alone, beside []lived
	fields := ""
	for n := range min(b.rounds, len(newFields)) {
		fields += ", " + newFields[n] + ": name"
		if err := b.mapped(y, fields); err != nil {
			return err
		}
		for _, backfill := range []bool{false, true} {
			l, err := turns.turn(ctx, backfill)
			if err != nil {
				return fmt.Errorf("round %d, with a backfill %t: %w", n+1, backfill, err)
			}
			if backfill {
				beside = append(beside, l)
			} else {
				alone = append(alone, l)
			}
		}
	}
	b.tellLive(alone, beside)
	return nil
}

// tellLive reports the results without and with a backfill.
func (b *bench) tellLive(alone, beside []lived) {
	p50 := func(l lived) float64 { return quantile(l.took, 0.5) }
	p99 := func(l lived) float64 { return quantile(l.took, 0.99) }
	rate := func(l lived) float64 { return l.rate }
	rows := [][]string{{"backfill", "single events, p50", "p99", "many at once, events/s"}}
	for _, x := range []struct {
		name   string
		rounds []lived
	}{{"none", alone}, {"running", beside}} {
		rows = append(rows, []string{x.name, millis(middle(x.rounds, p50)), millis(middle(x.rounds, p99)),
			fmt.Sprintf("%.0f", middle(x.rounds, rate))})
	}
	b.table(fmt.Sprintf("Live events while %s items get a new field: %s (medians of %d rounds in turns)",
		thousands(b.sizes.live), b.calls, len(alone)), rows)
	b.atMost("live: from POST to Salesforce's answer beside a backfill, p50, times that without", "%.2f",
		ratio(beside, alone, p50), 1.1)
	b.atLeast("live: events/s beside a backfill, times those without", ratio(beside, alone, rate), 0.9)
}

// turns measures in turns.
type turns struct {
	*bench
	stage *stage.Stage
	front *front

	items   []int64 // of the board
	records []string
	next    int // the item of the next event
}

// find finds the items and their records.
func (t *turns) find(ctx context.Context) error {
	rows, err := t.bench.stage.DB.Query(ctx, "SELECT item_id, salesforce_id FROM links ORDER BY item_id DESC")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var item int64
		var record string
		if err := rows.Scan(&item, &record); err != nil {
			return err
		}
		t.items, t.records = append(t.items, item), append(t.records, record)
	}
	if err := rows.Err(); err != nil || len(t.items) != t.bench.sizes.live {
		return fmt.Errorf("%d items have records, want %d: %w", len(t.items), t.bench.sizes.live, err)
	}
	return nil
}

// turn starts the program, with a backfill or without it, and sends it events: single ones, then many at once. The
// backfill must outlast them.
func (t *turns) turn(ctx context.Context, backfill bool) (l lived, err error) {
	s := t.bench.stage
	err = s.exec(ctx, "TRUNCATE river_job, sweeps, differences, sync_logs", "VACUUM ANALYZE", "CHECKPOINT")
	if err != nil {
		return l, err
	}
	t.stage.Env["BACKFILL"] = map[bool]string{true: "auto", false: "off"}[backfill]
	p, err := s.startOn(ctx, t.stage, "serve")
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	during, end := p.while(ctx)
	defer end()
	const running = "SELECT EXISTS (SELECT FROM sweeps WHERE kind = 'backfill' AND state = 'running' AND pages > 0)"
	if backfill {
		if err := s.within(during, running); err != nil {
			return l, fmt.Errorf("waiting for the backfill: %w", err)
		}
	}
	if l.took, err = t.single(during, p.addr); err != nil {
		return l, err
	}
	if l.rate, err = t.burst(during); err != nil || !backfill {
		return l, err
	}
	var outlasts bool
	if err := s.DB.QueryRow(during, running).Scan(&outlasts); err != nil || !outlasts {
		return l, fmt.Errorf("the backfill did not outlast the events: %w", err)
	}
	return l, s.within(during, "SELECT NOT EXISTS (SELECT FROM sweeps WHERE state = 'running')")
}

// single sends events at random distances, and returns how long Salesforce's answers took.
func (t *turns) single(ctx context.Context, addr string) (took []time.Duration, err error) {
	connections, hangUp, err := dialAll(ctx, addr, 1)
	if err != nil {
		return nil, err
	}
	defer hangUp()
	t.front.forget()
	sent := map[string]time.Time{}
	for range t.bench.single {
		if err := sleep(ctx, 5*time.Millisecond+rand.N(45*time.Millisecond)); err != nil {
			return nil, err
		}
		at := time.Now()
		if err := connections[0].post(payload(at, delivered.Add(1), t.items[t.next])); err != nil {
			return nil, err
		}
		sent[t.records[t.next]] = at
		t.next = (t.next + 1) % len(t.items)
	}
	if err := t.bench.stage.within(ctx, eventsDone, len(sent)); err != nil {
		return nil, err
	}
	for record, at := range sent {
		if answered, ok := t.front.answer(record); ok {
			took = append(took, answered.Sub(at))
		}
	}
	slices.Sort(took)
	if len(took) != len(sent) {
		return nil, fmt.Errorf("%d of %d events reached Salesforce", len(took), len(sent))
	}
	return took, nil
}

// eventsDone asks whether so many events are completed.
const eventsDone = "SELECT count(*) = $1 FROM river_job WHERE kind = 'column_update' AND state = 'completed'"

// burst queues events of many items at once, and returns how many a second are completed.
func (t *turns) burst(ctx context.Context) (rate float64, err error) {
	s := t.bench.stage
	client, err := river.NewClient(riverpgxv5.New(s.DB), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, fmt.Errorf("preparing the queue: %w", err)
	}
	var params []river.InsertManyParams
	began := time.Now()
	for range liveQueued {
		args := change(int(delivered.Add(1)), 1, began)
		args.ItemID, args.ChangedAt = t.items[t.next], float64(began.UnixMicro())/1e6
		params = append(params, river.InsertManyParams{Args: args})
		t.next = (t.next + 1) % len(t.items)
	}
	began = time.Now()
	if _, err := client.InsertManyFast(ctx, params); err != nil {
		return 0, fmt.Errorf("queueing events: %w", err)
	}
	if err := s.within(ctx, eventsDone, t.bench.single+liveQueued); err != nil {
		return 0, err
	}
	const took = `
		SELECT extract(epoch FROM max(finalized_at) - $1)::float8
		FROM   river_job
		WHERE  kind = 'column_update'`
	var seconds float64
	err = s.DB.QueryRow(ctx, took, began).Scan(&seconds)
	return liveQueued / seconds, err
}
