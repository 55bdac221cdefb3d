package main

import (
	"context"
	"fmt"
	"time"
)

const items = 20_000 // linked items that the queued updates are of

// drained is what working off a queue took.
type drained struct {
	rate    float64 // events/s
	cpu     float64 // µs an event, of the worker and Postgres
	calls   float64 // of Salesforce, per 1,000 events
	reads   int     // of Monday
	rss     float64 // MiB
	success int
}

// drain measures how fast a queue of column updates is worked off, against a River worker that does nothing.
func (b *bench) drain(ctx context.Context) error {
	rows := [][]string{{"events", "", "events/s", "CPU/event", "Salesforce calls/1,000", "Monday reads", "peak RSS", "ratio", "wanted"}}
	cost := map[int]float64{}
	for _, events := range b.events {
		empty, err := b.measureDrain(ctx, "empty", events, 0)
		if err != nil {
			return err
		}
		rows = append(rows, empty.row(events, "a worker that does nothing", "", ""))
		for _, latency := range []time.Duration{0, 50 * time.Millisecond} {
			d, err := b.measureDrain(ctx, "", events, latency)
			if err != nil {
				return err
			}
			least := map[time.Duration]float64{0: 0.5}[latency]
			if latency > 0 {
				least = 0.4
			} else {
				cost[events] = d.cpu
			}
			ratio := d.rate / empty.rate
			ok := ratio >= least && d.calls <= 8 && d.reads == 0 && d.rss < 150 && d.success == events
			rows = append(rows, d.row(events, fmt.Sprintf("crmsync, %s a call", latency), fmt.Sprintf("%.2f", ratio),
				wanted(ok, fmt.Sprintf("%.1f, 8 calls, 0 reads, under 150 MiB", least))))
		}
	}
	table(fmt.Sprintf("Draining queued column updates of %d linked items", items), rows)
	if least, most := b.events[0], b.events[len(b.events)-1]; least != most {
		growth := cost[most] / cost[least]
		fmt.Printf("  CPU per event at %d is %.2f of that at %d: %s\n", most, growth, least, wanted(growth <= 1.2, "at most 1.2"))
	}
	return nil
}

func (d drained) row(events int, what, ratio, verdict string) []string {
	return []string{fmt.Sprint(events), what, fmt.Sprintf("%.0f", d.rate), fmt.Sprintf("%.0f µs", d.cpu), fmt.Sprintf("%.1f", d.calls),
		fmt.Sprint(d.reads), fmt.Sprintf("%.0f MiB", d.rss), ratio, verdict}
}

// measureDrain fills the queue, lets a worker work it off, and looks what that took.
func (b *bench) measureDrain(ctx context.Context, role string, events int, latency time.Duration) (d drained, err error) {
	if err := b.seed(ctx, events); err != nil {
		return d, fmt.Errorf("filling the queue: %w", err)
	}
	b.salesforce.SetLatency(latency)
	defer b.salesforce.SetLatency(0)
	calls, reads := b.salesforce.TotalCalls(), b.monday.TotalCalls()
	p, err := b.start(ctx, role, map[string][]string{"": {"worker"}}[role]...)
	if err != nil {
		return d, err
	}
	defer p.stop()
	if err := b.until(ctx, 500*time.Millisecond, `SELECT NOT EXISTS (SELECT FROM river_job WHERE state IN ('available', 'running', 'retryable', 'scheduled'))`); err != nil {
		return d, err
	}
	var seconds float64
	const took = `SELECT extract(epoch FROM max(finalized_at) - min(attempted_at))::float8, (SELECT count(*) FROM sync_logs WHERE status = 'success') FROM river_job`
	if err := b.db.QueryRow(ctx, took).Scan(&seconds, &d.success); err != nil {
		return d, err
	}
	// All that the worker and Postgres did since the worker's start is the drain's.
	d.rate, d.rss = float64(events)/seconds, p.rss()
	d.cpu = 1e6 * (b.cpu(p) - b.idleCPU) / float64(events)
	d.calls = 1000 * float64(b.salesforce.TotalCalls()-calls) / float64(events)
	d.reads = b.monday.TotalCalls() - reads
	return d, nil
}

// seed makes items that are linked to records, and queues changes of their e-mail column.
func (b *bench) seed(ctx context.Context, events int) error {
	if err := b.truncate(ctx); err != nil {
		return err
	}
	if len(b.linked) == 0 {
		for n := range items {
			b.linked = append(b.linked, b.salesforce.Insert("Contact", map[string]any{
				"LastName": "Lovelace", "FirstName": "Ada", "Email": "ada@example.org", "Monday_Item_Id__c": fmt.Sprint(firstItem + int64(n)),
			}))
		}
	}
	const known = `
		INSERT INTO items (item_id, board_id, name, name_at, columns, known)
		SELECT $1 + n - 1, 1002, 'Ada Lovelace', now() - interval '1 day', jsonb_build_object(
		           'email', jsonb_build_object('t', 'email', 's', 'ada@example.org', 'at', 1790000000000000),
		           'text_sfid', jsonb_build_object('t', 'text', 's', id, 'at', 1790000000000000)), true
		FROM   unnest($2::text[]) WITH ORDINALITY AS l(id, n)`
	const links = `
		INSERT INTO links (item_id, record, object, salesforce_id, written)
		SELECT $1 + n - 1, 'contact', 'Contact', id, jsonb_build_object('FirstName', 'Ada', 'LastName', 'Lovelace', 'Email', 'ada@example.org',
		           'AccountId', NULL, 'Monday_Item_Id__c', ($1 + n - 1)::text)
		FROM   unnest($2::text[]) WITH ORDINALITY AS l(id, n)`
	const queue = `
		INSERT INTO river_job (kind, args, queue, state, max_attempts, priority, unique_key, unique_states)
		SELECT 'column_update', jsonb_build_object('key', n::text, 'type', 'update_column_value', 'board_id', 1002, 'item_id', $1::bigint + n % $3,
		           'triggered_at', now(), 'received_at', now(), 'column_id', 'email', 'column_type', 'email', 'changed_at', 1790100000 + n,
		           'value', jsonb_build_object('email', 'ada' || n || '@example.org', 'text', 'ada' || n || '@example.org', 'changed_at', '2026-09-23T12:03:55.044Z')),
		       'events', 'available', 12, 1, decode(md5(n::text), 'hex'), B'11111111'
		FROM   generate_series(0, $2::bigint - 1) AS n`
	if _, err := b.db.Exec(ctx, known, firstItem, b.linked); err != nil {
		return err
	}
	if _, err := b.db.Exec(ctx, links, firstItem, b.linked); err != nil {
		return err
	}
	if _, err := b.db.Exec(ctx, queue, firstItem, events, items); err != nil {
		return err
	}
	if _, err := b.db.Exec(ctx, "VACUUM ANALYZE"); err != nil {
		return err
	}
	if _, err := b.db.Exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	b.idleCPU = b.cpu(nil)
	return nil
}

// until asks a yes-or-no question now and then, until it is yes.
func (b *bench) until(ctx context.Context, every time.Duration, question string, args ...any) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		var yes bool
		if err := b.db.QueryRow(ctx, question, args...).Scan(&yes); err != nil || yes {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
