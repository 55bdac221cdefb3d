package cli

import (
	"context"
	"fmt"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

type eraseCommand struct {
	Item     itemID `help:"Id of the item in Monday." required:"" placeholder:"ID"`
	Suppress bool   `help:"Also keep the item from coming back: skip its later events, and leave it out of comparisons and imports."`
	acting
}

// Run removes an item's values from everything that is stored about it.
func (c eraseCommand) Run(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	erase := app.Erase
	if c.Suppress {
		erase = app.EraseForGood
	}
	erased, err := erase(ctx, db, int64(c.Item), c.by())
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
	later, err := c.later(ctx, store.New(db))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\n%s\n", later)
	return nil
}

// later explains what happens to the item afterwards, because people must not believe that it is gone if it is not.
func (c eraseCommand) later(ctx context.Context, s *store.Store) (string, error) {
	id := int64(c.Item)
	suppressed, err := s.Suppressed(ctx, []int64{id})
	if err != nil {
		return "", err
	}
	item, err := s.Item(ctx, id)
	const elsewhere = "\nWhat Monday and Salesforce hold is not erased: delete it there."
	suppress := fmt.Sprintf("To prevent that: crmsync erase --item %d --suppress", c.Item)
	switch {
	case err != nil:
		return "", err
	case suppressed[id]:
		return "The item is suppressed: its later events are skipped, and no comparison or import stores it again." +
			elsewhere, nil
	case item == nil:
		return "If the item is on a mapped board, it is stored at its next event or comparison.\n" + suppress + elsewhere, nil
	case item.IsDeleted():
		return "The item was deleted in Monday. If it is restored there, its values are stored again.\n" + suppress +
			elsewhere, nil
	}
	return "The item is still synced. Its values are read and stored again at its next event, when its record changes " +
		"in Salesforce,\nand at the latest by the next comparison of the board.\n" + suppress + elsewhere, nil
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
