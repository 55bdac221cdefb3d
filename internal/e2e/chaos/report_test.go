package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Limits of a report.
const (
	reportProblems = 60
	reportItems    = 3
	reportLines    = 80
)

// report fails the test with everything that helps to find the cause of the problems.
func (c *chaos) report(problems []problem) {
	c.t.Errorf("SEED=%d: %d problems", c.seed, len(problems))
	var items []int64
	for n, p := range problems {
		if n < reportProblems {
			c.t.Errorf("item %d: %s", p.item, p.text)
		}
		if p.item != 0 && !slices.Contains(items, p.item) {
			items = append(items, p.item)
		}
	}
	for _, item := range items[:min(len(items), reportItems)] {
		c.reportItem(item)
	}
}

// reportStall shows unfinished work.
func (c *chaos) reportStall() {
	c.t.Logf("Monday has %d deliveries to make", c.Monday.Pending())
	c.show("jobs by state", `SELECT state, count(*), min(scheduled_at) AS first, max(scheduled_at) AS last, max(attempt) AS attempt,
		max((metadata->>'snoozes')::int) AS snoozes, now() FROM river_job GROUP BY state`)
	c.show("dead letters not alerted", `SELECT job_id, created_at FROM dead_letters WHERE alerted_at IS NULL LIMIT 10`)
	c.show("leader", `SELECT * FROM river_leader`)
	c.show("leases", `SELECT * FROM leases`)
	c.show("outages", `SELECT * FROM outages WHERE ended_at IS NULL`)
	c.show("comparisons", `SELECT * FROM sweeps WHERE finished_at IS NULL`)
	c.show("jobs", `SELECT id, kind, args->>'item_id' AS item, state, attempt, attempted_at, scheduled_at, errors[array_upper(errors, 1)], metadata
		FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded') ORDER BY id LIMIT 10`)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var item int64
	err := c.DB.QueryRow(ctx, `SELECT (args->>'item_id')::bigint FROM river_job
		WHERE state NOT IN ('completed', 'cancelled', 'discarded') AND args ? 'item_id' ORDER BY id LIMIT 1`).Scan(&item)
	if err == nil {
		c.reportItem(item)
	}
}

// reportItem shows everything about an item: what people did, what the program knows and did, and the result.
func (c *chaos) reportItem(id int64) {
	for _, p := range c.script.parts {
		if p.id == id {
			c.t.Logf("item %d, board %d, unruly %v, adopts %q:\n%s", id, p.board, p.unruly, p.adopts, strings.Join(p.story, "\n"))
		}
	}
	if item, ok := c.Monday.Item(id); ok {
		c.t.Logf("Monday: %+v", item)
	}
	for _, object := range []string{"Lead", "Account", "Contact", "Opportunity"} {
		for _, r := range c.Salesforce.Records(object) {
			if r["Monday_Item_Id__c"] == fmt.Sprint(id) {
				c.t.Logf("Salesforce: %s %v", object, r)
			}
		}
	}
	c.show("items", `SELECT * FROM items WHERE item_id = $1`, id)
	c.show("links", `SELECT * FROM links WHERE item_id = $1`, id)
	c.show("waits", `SELECT * FROM waits WHERE item_id = $1 OR target_item_id = $1`, id)
	c.show("jobs", `
		SELECT id, kind, state, attempt, args - 'board_id' - 'item_id' AS args, created_at, attempted_at, finalized_at, metadata, array_length(attempted_by, 1) AS tries
		FROM river_job WHERE (args->>'item_id')::bigint = $1 ORDER BY id`, id)
	c.show("sync_logs", `SELECT job_id, event, column_id, status, attempt, response_data, finished_at FROM sync_logs WHERE item_id = $1 ORDER BY finished_at`, id)
	c.show("error_logs", `SELECT job_id, attempt, object, code, message, created_at FROM error_logs WHERE item_id = $1 ORDER BY id DESC LIMIT 30`, id)
	c.show("dead_letters", `SELECT job_id, reason, attempts, created_at, alerted_at FROM dead_letters WHERE (args->>'item_id')::bigint = $1`, id)
	for _, d := range c.workers {
		c.t.Logf("%s:\n%s", d.name, strings.Join(d.about(id, reportLines), "\n"))
	}
}

// show prints the result of a query, one row per line.
func (c *chaos) show(what, query string, args ...any) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	rows, err := c.DB.Query(ctx, "SELECT row_to_json(q)::text FROM ("+query+") q", args...)
	if err == nil {
		var lines []string
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		c.t.Logf("%s, %d:\n%s", what, len(lines), strings.Join(lines[:min(len(lines), reportLines)], "\n"))
	}
	if err != nil {
		c.t.Logf("%s: %v", what, err)
	}
}
