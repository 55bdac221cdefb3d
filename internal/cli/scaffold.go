package cli

import (
	"context"
	"fmt"

	"crmsync/internal/app"
	"crmsync/internal/scaffold"
)

type scaffoldCommand struct {
	Board  int64  `required:"" help:"Id of the Monday board." placeholder:"ID"`
	Object string `required:"" help:"API name of the Salesforce object." placeholder:"NAME"`
}

// Run prints a mapping of a board and an object to begin with.
func (c scaffoldCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	var settings app.Config
	settings.ReadMonday(e)
	settings.ReadSalesforce(e)
	if err := e.Err(); err != nil {
		return err
	}
	l, err := app.NewLive(settings)
	if err != nil {
		return app.UsageError{Err: err}
	}
	boards, err := l.Monday.Boards(ctx, []int64{c.Board})
	if err != nil {
		return err
	}
	if len(boards) == 0 {
		return fmt.Errorf("board %d does not exist, is archived, or is not visible to the token", c.Board)
	}
	object, err := l.Object(ctx, c.Object)
	if err != nil {
		return err
	}
	if object == nil {
		return fmt.Errorf("object %s does not exist or is not visible to the user that crmsync logs in as", c.Object)
	}
	text, err := scaffold.Write(boards[0], object)
	if err != nil {
		return fmt.Errorf("board %d and %s: %w", c.Board, object.Name, err)
	}
	fmt.Fprint(p.stdout, text)
	return nil
}
