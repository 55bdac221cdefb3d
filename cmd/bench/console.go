package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"crmsync/internal/oracle"
	sfsim "crmsync/internal/sim/salesforce"
)

const (
	consoleRequests = 100 // of each page
	consoleUser     = "bench-operator"
)

// console measures how long the pages of the console take, and how large they are, with many items.
func (b *bench) console(ctx context.Context) (err error) {
	s := b.stage
	if err := s.empty(ctx); err != nil {
		return err
	}
	item, err := s.furnish(ctx, b.sizes.console)
	if err != nil {
		return err
	}
	s.Env["ADMIN_USER"], s.Env["ADMIN_PASSWORD"] = consoleUser, consoleUser
	defer func() { delete(s.Env, "ADMIN_USER"); delete(s.Env, "ADMIN_PASSWORD") }()
	p, err := s.start(ctx, "worker")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	ctx, end := p.while(ctx)
	defer end()
	rows := [][]string{{"page", "p50", "p99", "longest", "size"}}
	var all []time.Duration
	largest := 0
	for _, page := range []struct{ name, path string }{
		{"overview", "/"}, {"search by name", "/search?q=ada+0420"}, {"search by the beginning of a name", "/search?q=ad"},
		{"search by e-mail address", "/search?q=ada13579@example.org"}, {"an item", fmt.Sprintf("/items/%d", item)},
		{"errors", "/errors"}, {"conflicts", "/conflicts"}, {"held", "/held"}, {"runs", "/runs"},
	} {
		took, size, err := s.pages(ctx, "http://"+p.admin+page.path)
		if err != nil {
			return fmt.Errorf("page %s: %w", page.path, err)
		}
		all, largest = append(all, took...), max(largest, size)
		rows = append(rows, []string{page.name, millis(quantile(took, 0.5)), millis(quantile(took, 0.99)),
			millis(quantile(took, 1)), thousands(size) + " B"})
	}
	b.table(fmt.Sprintf("Console: time to answer, with %s items (%d requests of each page)", thousands(b.sizes.console),
		consoleRequests), rows)
	slices.Sort(all)
	b.atMost("console: time to answer, p50", "%.1f ms", quantile(all, 0.5), 50)
	b.atMost("console: time to answer, p99", "%.1f ms", quantile(all, 0.99), 250)
	b.atMost("console: largest page, in kB", "%.1f", float64(largest)/1000, 100)
	return nil
}

// furnish fills the tables as after months of use, and creates one item in both systems. It returns the item.
func (s *testbed) furnish(ctx context.Context, items int) (int64, error) {
	item := s.Monday.CreateItem(oracle.Contacts, "Ada Lovelace",
		map[string]any{"email": map[string]any{"email": "ada@example.org", "text": "ada@example.org"}})
	record := s.Salesforce.Insert("Contact", map[string]any{"FirstName": "Ada", "LastName": "Lovelace",
		"Email": "ada@example.org", sfsim.KeyField: fmt.Sprint(item)})
	const known = `
		INSERT INTO items (item_id, board_id, name, name_at, known, columns)
		SELECT %[1]d + n, %[2]d, 'Ada ' || lpad((n %% 9973)::text, 4, '0') || ' Lovelace', now(), true,
		       jsonb_build_object('email', jsonb_build_object('t', 'email', 's', 'ada' || n || '@example.org', 'at', 1),
		                          'phone', jsonb_build_object('t', 'phone', 's', '+1 212 ' || n, 'at', 1))
		FROM   generate_series(1, %[3]d) n`
	const keys = `
		INSERT INTO item_keys (item_id, column_id, key)
		SELECT i.item_id, c.key, translate(c.value->>'s', ' +', '') FROM items i, jsonb_each(i.columns) c`
	const links = `
		INSERT INTO links (item_id, record, object, salesforce_id, written, refused)
		SELECT item_id, 'contact', 'Contact', '003' || lpad(item_id::text, 15, '0'), '{"LastName": "Lovelace"}',
		       CASE WHEN item_id % 2000 = 0 THEN '{"Email": {"value": "x", "code": "INVALID_EMAIL_ADDRESS", "job_id": 1}}'::jsonb ELSE '{}' END
		FROM   items`
	const logs = `
		INSERT INTO sync_logs (job_id, event, board_id, item_id, status, attempt, received_at, finished_at)
		SELECT row_number() OVER (), 'update_column_value', board_id, item_id, 'success', 1, now() - n * interval '9 days', now() - n * interval '9 days'
		FROM   items, generate_series(0, 2) n`
	const letters = `
		INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
		SELECT item_id, 'column_update', jsonb_build_object('item_id', item_id, 'board_id', board_id, 'type', 'update_column_value'),
		       'JobCancelError: Contact.Email: INVALID_EMAIL_ADDRESS', 1, now()
		FROM   items WHERE item_id % 2000 = 0`
	const hours = `
		INSERT INTO hours (hour, counted_to, success, lags)
		SELECT h, h, 500, ARRAY[0, 100, 300, 90, 10] FROM generate_series(date_trunc('hour', now()) - interval '30 days', now() - interval '1 hour', interval '1 hour') h
		ON CONFLICT DO NOTHING`
	const own = `
		UPDATE items SET item_id = %d, name = 'Ada Lovelace' WHERE item_id = %d`
	const ownLink = `UPDATE links SET item_id = %d, salesforce_id = '%s' WHERE item_id = %d`
	first := firstItem + 1
	return item, s.exec(ctx,
		fmt.Sprintf(known, firstItem, oracle.Contacts, items), links, fmt.Sprintf(own, item, first),
		fmt.Sprintf(ownLink, item, record, first), keys, logs, letters, hours, "VACUUM ANALYZE", "CHECKPOINT")
}

// pages requests a page many times, and returns how long each took, in ascending order, and how large it is.
func (s *testbed) pages(ctx context.Context, url string) (took []time.Duration, size int, err error) {
	for range consoleRequests {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return nil, 0, err
		}
		req.SetBasicAuth(consoleUser, consoleUser)
		began := time.Now()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, 0, errors.Join(context.Cause(ctx), err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("answered %d", resp.StatusCode)
		}
		if err != nil {
			return nil, 0, err
		}
		took, size = append(took, time.Since(began)), len(body)
	}
	slices.Sort(took)
	return took, size, nil
}
