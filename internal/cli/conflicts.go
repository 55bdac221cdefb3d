package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"crmsync/internal/app"
	"crmsync/jobs"
	"crmsync/schema/store"
)

type conflictsCommands struct {
	List conflictsListCommand `cmd:"" default:"withargs" help:"List the latest conflicts with both values."`
	Take conflictsTakeCommand `cmd:"" help:"Write one side's value to both sides."`
}

type (
	conflictsListCommand struct {
		Item  itemID `help:"Only those of this item." placeholder:"ID"`
		Board string `help:"Only those of a board: its id, or its name in the mapping." placeholder:"ID|NAME"`
		Limit int    `help:"Maximum number of conflicts. Default: ${default}." default:"50" placeholder:"N"`
		JSON  bool   `help:"Print JSON."`
	}

	conflictsTakeCommand struct {
		Side string       `arg:"" enum:"monday,salesforce" help:"The side whose value wins: monday or salesforce."`
		IDs  []conflictID `arg:"" name:"id" help:"Ids of conflicts, from the list."`
		acting
	}
)

// conflict is a decision between two changes. Its JSON form is stable.
type conflict struct {
	ID           int64      `json:"id"`
	Board        int64      `json:"board"`
	Item         int64      `json:"item"`
	Record       string     `json:"record"`
	SalesforceID string     `json:"salesforce_id"`
	Field        string     `json:"field"`
	Column       string     `json:"column"`
	Base         any        `json:"base"`
	Monday       any        `json:"monday"`
	Salesforce   any        `json:"salesforce"`
	MondayAt     *time.Time `json:"monday_at,omitempty"`
	SalesforceAt *time.Time `json:"salesforce_at,omitempty"`
	Rule         string     `json:"rule"`
	DecidedAt    time.Time  `json:"decided_at"`
	Take         string     `json:"take,omitempty"`
	TakenAt      *time.Time `json:"taken_at,omitempty"`
}

// Run lists conflicts, the latest first.
func (c conflictsListCommand) Run(ctx context.Context, p *program) error {
	if c.Limit < 1 {
		return app.UsageError{Err: errors.New("--limit: must be above zero")}
	}
	board, err := boardID(app.NewEnvironment(p.getenv), c.Board)
	if err != nil {
		return app.UsageError{Err: fmt.Errorf("--board: %w", err)}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := store.New(db).Conflicts(ctx, board, int64(c.Item), c.Limit)
	if err != nil {
		return err
	}
	all := []conflict{}
	for _, x := range found {
		all = append(all, conflict{
			x.ID, x.BoardID, x.ItemID, x.Record, x.SalesforceID, x.Field, x.ColumnID, x.Base, x.Monday, x.Salesforce,
			timeOrNil(x.MondayAt), timeOrNil(x.SalesforceAt), x.Rule, x.DecidedAt.UTC(), x.Take, timeOrNil(x.TakenAt),
		})
	}
	if c.JSON {
		return p.printJSON(all)
	}
	if len(all) == 0 {
		fmt.Fprintln(p.stdout, "There are no conflicts.")
		return nil
	}
	table := newTable(p.stdout)
	fmt.Fprintln(table, "ID\tDECIDED\tITEM\tFIELD\tBEFORE\tMONDAY\tSALESFORCE\tSTANDS")
	for _, x := range all {
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", x.ID, x.DecidedAt.Format(time.DateTime), x.Item,
			x.Record+"."+x.Field, inPlan(x.Base), inPlan(x.Monday), inPlan(x.Salesforce), x.stands())
	}
	fmt.Fprintln(table, "\nRestore the other value with: crmsync conflicts take monday|salesforce ID")
	return table.Flush()
}

// stands returns the side whose value counts.
func (c conflict) stands() string {
	switch {
	case c.TakenAt != nil && c.Take == "":
		return "erased"
	case c.TakenAt != nil:
		return c.Take + ", taken"
	case c.Take != "":
		return c.Take + " is being written"
	case c.Rule == "salesforce":
		return c.Rule
	}
	return "monday"
}

// Run writes values to both sides, through the queue.
func (c conflictsTakeCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	attempts := e.MaxAttempts()
	if err := e.Err(); err != nil {
		return err
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	take, err := app.Resyncs(db, attempts, jobs.ItemResyncArgs{Chosen: true})
	if err != nil {
		return err
	}
	wanted := numbers(c.IDs)
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	chosen, err := store.New(db).Choose(ctx, wanted, c.Side, c.by(), take)
	if err != nil {
		return err
	}
	if missing := len(wanted) - len(chosen); missing > 0 {
		return fmt.Errorf("%d of %d conflicts are resolved; the others do not exist, their items have ended, "+
			"or their values were erased",
			len(chosen), len(wanted))
	}
	fmt.Fprintf(p.stdout, "The values of %s for %s are written to both sides by the next worker.\n",
		cmp.Or(map[string]string{"monday": "Monday", "salesforce": "Salesforce"}[c.Side], c.Side),
		plural(len(chosen), "conflict"))
	return nil
}

func timeOrNil(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
