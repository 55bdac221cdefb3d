package chaos_test

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"crmsync/internal/stage"
)

// event is a job that has ended, with the stored result.
type event struct {
	Job        int64
	Key        string
	Kind       string
	Item       int64
	State      string
	Attempt    int
	Status     string // in sync_logs; empty: no row
	DeadLetter bool
	Code       string // of the last failed attempt
	Told       string // value of a column update
	Finished   time.Time
}

// events returns all jobs.
func (c *chaos) events() []event {
	const query = `
		SELECT j.id, coalesce(j.args->>'key', ''), j.kind, coalesce((j.args->>'item_id')::bigint, 0), j.state::text, j.attempt,
		       coalesce(l.status, ''), d.job_id IS NOT NULL, coalesce(e.code, ''), coalesce(j.args->>'column_id', ''),
		       coalesce(j.finalized_at, now())
		FROM   river_job j
		LEFT   JOIN sync_logs l ON l.job_id = j.id
		LEFT   JOIN dead_letters d ON d.job_id = j.id
		LEFT   JOIN LATERAL (SELECT code FROM error_logs WHERE job_id = j.id ORDER BY id DESC LIMIT 1) e ON true
		ORDER  BY j.id`
	rows, err := c.DB.Query(c.ctx, query)
	if err != nil {
		c.t.Fatal(err)
	}
	events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
	if err != nil {
		c.t.Fatal(err)
	}
	return events
}

// invariants checks what must always hold.
func (c *chaos) invariants() (problems []problem) {
	wrong := func(item int64, format string, args ...any) {
		problems = append(problems, problem{item, fmt.Sprintf(format, args...)})
	}
	if n := c.Monday.FailedDeliveries(); n > 0 {
		wrong(0, "Monday gave up %d deliveries: ingest was away for too long, so the run proves nothing", n)
	}
	if n := c.Salesforce.InFlightViolations(); n > 0 {
		wrong(0, "%d rows were written while another write of the record was in flight", n)
	}
	events := c.events()
	jobs := map[string]int{}
	for _, e := range events {
		jobs[e.Key]++
		ended := e.State == "completed" && slices.Contains([]string{"success", "unchanged", "skipped"}, e.Status) && !e.DeadLetter ||
			slices.Contains([]string{"cancelled", "discarded"}, e.State) && e.Status == "failed" && e.DeadLetter
		if !ended {
			wrong(e.Item, "job %d (%s) is %s, with %q in sync_logs, dead letter: %v", e.Job, e.Kind, e.State, e.Status, e.DeadLetter)
		}
	}
	for key, item := range c.gate.accepted {
		if jobs[key] != 1 {
			wrong(item, "event %s was accepted and has %d jobs", key, jobs[key])
		}
	}
	problems = append(problems, c.falseDeadLetters(events)...)
	return append(problems, c.alerts(events)...)
}

// falseDeadLetters reports events that became dead letters although none of their values is rejected. For a rejected value,
// its own event fails, and for each of its fields at most one other: the event that created the record when the item
// already had the value.
func (c *chaos) falseDeadLetters(events []event) (problems []problem) {
	unruly, others := map[int64]bool{}, map[int64]int{}
	for _, p := range c.script.parts {
		unruly[p.id] = p.unruly
	}
	for _, e := range events {
		if !e.DeadLetter {
			continue
		}
		if e.Kind == "sweep_board" && e.Code == "InvalidBoardIdException" {
			continue // a comparison that a person started ends if the token loses the board; a later one does its work
		}
		planted := e.Code == rejectedCode || e.Code == "UNMAPPED_LABEL"
		if !unruly[e.Item] || !planted {
			problems = append(problems, problem{e.Item, fmt.Sprintf("job %d (%s %s) is a dead letter of %s, attempt %d", e.Job, e.Kind, e.Told, e.Code, e.Attempt)})
		}
		if !slices.Contains([]string{"status", "email", "amount"}, e.Told) {
			others[e.Item]++
		}
	}
	for item, n := range others {
		if n > 4 { // Lead.Email, Contact.Email, Amount, StageName
			problems = append(problems, problem{item, fmt.Sprintf("%d dead letters of events without a rejected value", n)})
		}
	}
	return problems
}

// deadLetters returns when each item's last event became a dead letter.
func (c *chaos) deadLetters() map[int64]time.Time {
	dead := map[int64]time.Time{}
	for _, e := range c.events() {
		if e.DeadLetter && e.Finished.After(dead[e.Item]) {
			dead[e.Item] = e.Finished
		}
	}
	return dead
}

var (
	namedJob   = regexp.MustCompile(`job (\d+):`)
	countedJob = regexp.MustCompile(`\n• and ([\d,]+) more\n`)
)

// alerts checks that each dead letter was alerted once, by its id or as one of a number. Twice is correct if the first
// answer was lost, or if something was killed before it could store that the alert was sent.
func (c *chaos) alerts(events []event) (problems []problem) {
	told, counted := map[int64][]stage.Message{}, 0
	for _, p := range c.Telegram.Messages() {
		for _, match := range countedJob.FindAllStringSubmatch(p.Text, -1) {
			n, _ := strconv.Atoi(strings.ReplaceAll(match[1], ",", ""))
			counted += n
		}
		for _, match := range namedJob.FindAllStringSubmatch(p.Text, -1) {
			job, _ := strconv.ParseInt(match[1], 10, 64)
			told[job] = append(told[job], p)
		}
	}
	for _, e := range events {
		pages := told[e.Job]
		if e.DeadLetter && len(pages) == 0 && counted > 0 {
			counted--
			continue
		}
		if e.DeadLetter && len(pages) == 0 || !e.DeadLetter && len(pages) > 0 {
			problems = append(problems, problem{e.Item, fmt.Sprintf("job %d is in %d alerts, dead letter: %v", e.Job, len(pages), e.DeadLetter)})
		}
		for n := 1; n < len(pages); n++ {
			if !pages[n-1].Lost && !c.disturbedBetween(pages[n-1].At, pages[n].At) {
				problems = append(problems, problem{e.Item, fmt.Sprintf("job %d was alerted at %s and again at %s", e.Job, pages[n-1].At, pages[n].At)})
			}
		}
	}
	return problems
}

func (c *chaos) disturbedBetween(from, to time.Time) bool {
	return slices.ContainsFunc(c.disturbed, func(at time.Time) bool { return !at.Before(from) && !at.After(to) })
}
