package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"crmsync/internal/app"
	"crmsync/jobs"
	"crmsync/schema/store"
)

type heldCommands struct {
	List    heldListCommand    `cmd:"" default:"withargs" help:"List what the delete brake holds, by board."`
	Release heldReleaseCommand `cmd:"" help:"Let what is held proceed: delete the records of items once Monday has confirmed again that they are gone, and archive items whose records are gone."`
	Drop    heldDropCommand    `cmd:"" help:"Leave held items and their records as they are."`
}

type (
	heldListCommand struct {
		JSON bool `help:"Print JSON."`
	}

	heldChoice struct {
		All   bool     `help:"All held items."`
		Board string   `help:"All held items of a board: its id, or its name in the mapping." placeholder:"ID|NAME"`
		Items []itemID `arg:"" optional:"" name:"item" help:"Ids of held items, from the list."`
		acting
	}

	heldReleaseCommand struct{ heldChoice }
	heldDropCommand    struct{ heldChoice }
)

// heldBoard holds the items of a board that the brake holds. Its JSON form is stable.
type heldBoard struct {
	Board    int64     `json:"board"`
	Since    time.Time `json:"since"`
	Items    []int64   `json:"items"`
	Archives []int64   `json:"archives"` // those of the items that a release archives
}

// Run lists what the brake holds.
func (c heldListCommand) Run(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	holds, err := store.New(db).Holds(ctx)
	if err != nil {
		return err
	}
	boards := []heldBoard{}
	for _, h := range holds {
		boards = append(boards, heldBoard{h.BoardID, h.Since.UTC(), h.Items, h.Archives})
	}
	if c.JSON {
		return p.printJSON(boards)
	}
	if len(boards) == 0 {
		fmt.Fprintln(p.stdout, "The delete brake holds nothing.")
		return nil
	}
	table := newTable(p.stdout)
	fmt.Fprintln(table, "BOARD\tHELD SINCE\tITEM\tHELD")
	for _, b := range boards {
		for _, item := range b.Items {
			act := "delete its records"
			if slices.Contains(b.Archives, item) {
				act = "archive the item"
			}
			fmt.Fprintf(table, "%d\t%s\t%d\t%s\n", b.Board, b.Since.Format(time.DateTime), item, act)
		}
	}
	fmt.Fprintln(table, "\nLet it proceed with: crmsync held release --board ID\n"+
		"Leave items and records as they are with: "+
		"crmsync held drop --board ID")
	return table.Flush()
}

// Run releases held items.
func (c heldReleaseCommand) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, store.ActRelease)
}

// Run drops held items.
func (c heldDropCommand) Run(ctx context.Context, p *program) error {
	return c.decide(ctx, p, store.ActDrop)
}

func (c heldChoice) decide(ctx context.Context, p *program, act string) error {
	if count(c.All, c.Board != "", len(c.Items) > 0) != 1 {
		return app.UsageError{Err: errors.New("give one of: item ids, --board, --all")}
	}
	e := app.NewEnvironment(p.getenv)
	attempts := e.MaxAttempts()
	if err := e.Err(); err != nil {
		return err
	}
	board, err := boardID(e, c.Board)
	if err != nil {
		return app.UsageError{Err: fmt.Errorf("--board: %w", err)}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	release, err := app.Resyncs(db, attempts, jobs.ItemResyncArgs{Release: true})
	if err != nil {
		return err
	}
	d := store.Decision{By: c.by(), Act: act, BoardID: board, Items: numbers(c.Items)}
	decided, err := store.New(db).Decide(ctx, d, release)
	if err != nil {
		return err
	}
	if missing := len(c.Items) - len(decided); missing > 0 {
		return fmt.Errorf("%d of %d items decided; the brake does not hold the others", len(decided), len(c.Items))
	}
	archives := store.Archives(decided)
	fmt.Fprint(p.stdout, decisionText(act, len(decided)-archives, archives))
	return nil
}

// decisionText reports what a decision means for the items whose records would be deleted, and for those that would be
// archived.
func decisionText(act string, deletes, archives int) (text string) {
	ofDeletes, ofArchives := "Dropped: the records of %s are kept.\n", "Dropped: %s will not be archived in Monday.\n"
	if act == store.ActRelease {
		ofDeletes = "Released: the records of %s will be deleted once Monday has confirmed again that the items are " +
			"gone.\n"
		ofArchives = "Released: %s will be archived in Monday once Salesforce has confirmed again that the records are " +
			"gone.\n"
	}
	if deletes > 0 || archives == 0 {
		text += fmt.Sprintf(ofDeletes, plural(deletes, "item"))
	}
	if archives > 0 {
		text += fmt.Sprintf(ofArchives, plural(archives, "item"))
	}
	return text
}

// count returns how many of the conditions are met.
func count(conditions ...bool) (n int) {
	for _, met := range conditions {
		if met {
			n++
		}
	}
	return n
}
