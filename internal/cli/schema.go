package cli

import (
	"context"
	"fmt"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

type schemaUpCommand struct{}

// Run applies the pending migrations of the schema.
func (schemaUpCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	c := app.Config{DatabaseURL: e.Database(), DirectURL: e.DirectDatabase()}
	if err := e.Err(); err != nil {
		return err
	}
	if err := store.Migrate(ctx, c.SchemaURL()); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "The schema is up to date.")
	return nil
}
