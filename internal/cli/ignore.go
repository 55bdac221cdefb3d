package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"crmsync/schema/store"
)

type ignoreCommand struct {
	Jobs []int64 `arg:"" name:"id" help:"Job ids, as alerts and \"crmsync replay\" name them."`
}

// Run closes dead letters that nothing is to be done about. Who did so, and when, is kept with them.
func (c ignoreCommand) Run(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	ignored, err := store.New(db).IgnoreLetters(ctx, c.Jobs, operator())
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s ignored.\n", plural(len(ignored), "dead letter"))
	var unknown []string
	for _, id := range c.Jobs {
		if !slices.Contains(ignored, id) {
			unknown = append(unknown, fmt.Sprint(id))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("not open dead letters: %s", strings.Join(unknown, ", "))
	}
	return nil
}
