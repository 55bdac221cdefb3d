package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"crmsync/internal/app"
	"crmsync/schema/store"
	"crmsync/worker"
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
	var erased store.Erased
	var jobs int64
	s := store.New(db)
	err = s.Do(ctx, func(tx pgx.Tx) (err error) {
		if erased, err = s.Erase(ctx, tx, c.Item); err != nil {
			return err
		}
		if jobs, err = worker.Queue(db).EraseItem(ctx, tx, c.Item); err != nil {
			return err
		}
		o := store.Operation{By: operator(), Act: store.ActErase, Subject: store.Subject("item", []int64{c.Item}), Items: []int64{c.Item}}
		return store.RecordOperation(ctx, tx, o)
	})
	if err != nil {
		return err
	}
	if erased.Items+erased.Links+jobs+erased.Letters+erased.Documents+erased.Conflicts == 0 {
		fmt.Fprintf(p.stdout, "Nothing is kept of item %d.\n", c.Item)
		return nil
	}
	fmt.Fprintf(p.stdout, "Erased the values of item %d: from what is known of it, %d links, %d jobs, %d dead letters, %d conflicts and %d calls of a migration. Ids and outcomes stay.\n",
		c.Item, erased.Links, jobs, erased.Letters, erased.Conflicts, erased.Documents)
	return nil
}
