package cli

import (
	"context"
	"errors"
	"fmt"

	"crmsync/internal/app"
)

type eraseCommand struct {
	Item     int64 `help:"Id of the item in Monday." required:"" placeholder:"ID"`
	Suppress bool  `help:"Also keep the item from coming back: skip its later events, and leave it out of comparisons and imports."`
	acting
}

// Run removes an item's values from everything that is stored about it.
func (c eraseCommand) Run(ctx context.Context, p *program) error {
	if c.Item <= 0 {
		return app.UsageError{Err: errors.New("--item: an item id must be positive")}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	erase := app.Erase
	if c.Suppress {
		erase = app.EraseForGood
	}
	erased, err := erase(ctx, db, c.Item, c.by())
	if err != nil {
		return err
	}
	if erased.Rows() == 0 {
		fmt.Fprintf(p.stdout, "Nothing is stored about item %d.\n", c.Item)
	} else {
		fmt.Fprintf(p.stdout, "Erased the values of item %d. Ids and outcomes stay.\n\n", c.Item)
		if err := p.listErased(erased); err != nil {
			return err
		}
	}
	if c.Suppress {
		fmt.Fprintf(p.stdout, "The item is suppressed: its later events are skipped.\n")
	}
	return nil
}

// listErased prints how many rows of each table had values.
func (p *program) listErased(erased app.Erased) error {
	table := newTable(p.stdout)
	fmt.Fprintln(table, "TABLE\tROWS")
	for _, e := range erased {
		fmt.Fprintf(table, "%s\t%d\n", e.Table, e.Rows)
	}
	return table.Flush()
}
