package cli

import (
	"context"
	"errors"
	"fmt"

	"crmsync/internal/app"
)

type eraseCommand struct {
	Item int64 `help:"Id of the item in Monday." required:"" placeholder:"ID"`
}

// Run removes an item's values from everything that is kept of it.
func (c eraseCommand) Run(ctx context.Context, p *program) error {
	if c.Item <= 0 {
		return app.UsageError{Err: errors.New("--item: is not an item id; it must be above zero")}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	erased, err := app.Erase(ctx, db, c.Item, operator())
	if err != nil {
		return err
	}
	if erased.Rows() == 0 {
		fmt.Fprintf(p.stdout, "Nothing is kept of item %d.\n", c.Item)
		return nil
	}
	fmt.Fprintf(p.stdout, "Erased the values of item %d: from what is known of it, %d links, %d jobs, %d dead letters, %d conflicts and %d calls of a migration. Ids and outcomes stay.\n",
		c.Item, erased.Links, erased.Jobs, erased.Letters, erased.Conflicts, erased.Documents)
	return nil
}
