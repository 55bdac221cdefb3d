package cli

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"crmsync/internal/app"
	"crmsync/internal/report"
	"crmsync/jobs"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

const (
	// pollEvery is how often the log is read. lookBack is how much further back each read goes: a row may appear after
	// a newer one.
	pollEvery, lookBack = time.Second, 15 * time.Second
)

type tailCommand struct {
	Item  itemID `help:"Only this item of Monday." placeholder:"ID"`
	Board string `help:"Only this board: its id, or its name in the mapping." placeholder:"ID|NAME"`
	Since string `help:"Begin earlier: a span such as 10m, or a date or time." placeholder:"WHEN"`
	JSON  bool   `help:"Print JSON, one object per line."`
}

// Event is an event that ended, in words. Its JSON form is stable.
type Event struct {
	report.Entry
	Status  string `json:"status"` // success, unchanged, skipped, failed
	Board   string `json:"board,omitempty"`
	BoardID int64  `json:"board_id,omitempty"`
	ItemID  int64  `json:"item_id,omitempty"`

	isComparison bool // of a board
}

// Run prints events as they end, until ctx ends.
func (c tailCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	board, err := boardID(e, c.Board)
	if err != nil {
		return app.UsageError{Err: fmt.Errorf("--board: %w", err)}
	}
	db, err := app.OpenDatabase(ctx, e)
	if err != nil {
		return err
	}
	defer db.Close()
	t := &tail{program: p, command: c, board: board, store: store.New(db), seen: map[string]time.Time{}}
	if t.since, err = t.begin(ctx); err != nil {
		return err
	}
	t.name(ctx, e)
	return t.follow(ctx)
}

type tail struct {
	*program
	command tailCommand
	board   int64
	store   *store.Store
	mapping *mapping.Mapping // nil: boards are named by id
	names   report.Names
	since   time.Time
	seen    map[string]time.Time // printed rows, with their time
}

// begin returns the time from which events are printed, by Postgres's clock.
func (t *tail) begin(ctx context.Context) (time.Time, error) {
	now, err := t.store.Now(ctx)
	if err != nil || t.command.Since == "" {
		return now, err
	}
	since, err := parseSince(t.command.Since, now)
	if err != nil {
		return now, app.UsageError{Err: err}
	}
	return since, nil
}

// name reads the names of boards and columns, as far as they are available.
func (t *tail) name(ctx context.Context, e *app.Environment) {
	var err error
	if t.mapping, err = app.ReadMapping(e.Mapping()); err != nil {
		t.mapping = nil
		return
	}
	var c app.Config
	c.ReadMonday(e)
	c.ReadSalesforce(e)
	if l, err := app.NewLive(c); err == nil && l.Monday != nil && l.Salesforce != nil {
		places := report.Places{Mapping: t.mapping, Monday: l.Monday, Salesforce: l.Salesforce, Now: time.Now}
		t.names = places.Names(ctx)
	}
}

// follow prints new events repeatedly. While Postgres is away it waits.
func (t *tail) follow(ctx context.Context) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	isAway := false
	from := t.since
	for {
		now, err := t.print(ctx, from)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !isAway:
			fmt.Fprintln(t.stderr, "crmsync:", err)
		case err == nil:
			if from = now.Add(-lookBack); from.Before(t.since) {
				from = t.since
			}
		}
		isAway = err != nil
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// print prints the events that ended since a time and were not printed yet. It returns the time at which it asked.
func (t *tail) print(ctx context.Context, from time.Time) (now time.Time, err error) {
	if now, err = t.store.Now(ctx); err != nil {
		return now, err
	}
	for key, at := range t.seen {
		if at.Before(from) {
			delete(t.seen, key)
		}
	}
	return now, t.store.EachLog(ctx, from, int64(t.command.Item), func(r store.LogRow) error {
		key := fmt.Sprint(r.JobID, r.FinishedAt.UnixNano())
		if _, printed := t.seen[key]; printed || t.board != 0 && (r.BoardID == nil || *r.BoardID != t.board) {
			return nil
		}
		t.seen[key] = r.FinishedAt
		return t.write(t.event(r))
	})
}

// event returns a row of the log in words.
func (t *tail) event(r store.LogRow) Event {
	e := Event{Entry: report.LogEntry(r, t.names.Column), Status: r.Status, isComparison: r.Event == jobs.KindSweepBoard}
	if r.ItemID != nil {
		e.ItemID = *r.ItemID
	}
	if r.BoardID != nil {
		e.BoardID = *r.BoardID
	}
	if t.mapping != nil {
		if b := t.mapping.Board(e.BoardID); b != nil {
			e.Board = b.Name
		}
	}
	return e
}

func (t *tail) write(e Event) error {
	if t.command.JSON {
		return json.NewEncoder(t.stdout).Encode(e)
	}
	where := ""
	if e.BoardID != 0 {
		where = cmp.Or(e.Board, fmt.Sprint(e.BoardID))
	}
	if e.ItemID != 0 {
		where += fmt.Sprintf(" item %d", e.ItemID)
	}
	effect := e.Effect
	if e.Status == "failed" {
		effect = fmt.Sprintf("failed (%s); crmsync replay %d", cmp.Or(effect, "see crmsync errors"), e.JobID)
		if t.colored(t.stdout) {
			effect = "\x1b[1;31m" + effect + "\x1b[0m"
		}
	}
	line := moment(e.At) + " "
	switch {
	case e.isComparison && where != "":
		line += e.Text + " of " + where
	case where != "":
		line += strings.TrimSpace(where) + ": " + e.Text
	default:
		line += e.Text
	}
	if effect != "" {
		line += map[bool]string{true: ": ", false: "; "}[e.isComparison] + effect
	}
	_, err := fmt.Fprintln(t.stdout, line)
	return err
}
