package main

import (
	"context"
	"errors"
	"fmt"
)

type eraseCommand struct {
	Item int64 `help:"Id of the item of Monday." required:"" placeholder:"ID"`
}

// Run removes an item's values from everything that is kept of it.
func (c eraseCommand) Run(ctx context.Context, p *program) error {
	if c.Item <= 0 {
		return usageError{errors.New("--item: is no item's id")}
	}
	s, done, err := p.openStore(ctx)
	if err != nil {
		return err
	}
	defer done()
	erased, err := s.Erase(ctx, c.Item)
	if err != nil {
		return err
	}
	if erased.Items+erased.Links+erased.Jobs+erased.Letters+erased.Documents == 0 {
		fmt.Fprintf(p.stdout, "Nothing is kept of item %d.\n", c.Item)
		return nil
	}
	fmt.Fprintf(p.stdout, "Erased the values of item %d: from what is known of it, %d links, %d jobs, %d dead letters and %d calls of a migration. Ids and outcomes stay.\n",
		c.Item, erased.Links, erased.Jobs, erased.Letters, erased.Documents)
	return nil
}
