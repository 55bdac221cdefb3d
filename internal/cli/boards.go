package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"crmsync/internal/app"
	"crmsync/mondayclient"
)

type boardsCommand struct {
	IDs  []boardNumber `arg:"" optional:"" name:"board" help:"Ids of boards whose columns and labels are listed. Default: all boards, without columns."`
	JSON bool          `help:"Print JSON."`
}

// boardShown is a board in the list. Its JSON form is stable.
type boardShown struct {
	ID      int64         `json:"id"`
	Name    string        `json:"name"`
	Columns []columnShown `json:"columns,omitempty"`
	Groups  []string      `json:"groups,omitempty"`
}

type columnShown struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Type   string   `json:"type"`
	Labels []string `json:"labels,omitempty"` // of a status or dropdown
	Boards []int64  `json:"boards,omitempty"` // that a connect-boards column links to
}

// Run lists the boards that the token can see, or the columns of some.
func (c boardsCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	var settings app.Config
	settings.ReadMonday(e)
	if err := e.Err(); err != nil {
		return err
	}
	l, err := app.NewLive(settings)
	if err != nil {
		return app.UsageError{Err: err}
	}
	read := l.Monday.BoardNames
	if len(c.IDs) > 0 {
		read = func(ctx context.Context) ([]mondayclient.Board, error) { return l.Monday.Boards(ctx, numbers(c.IDs)) }
	}
	boards, err := read(ctx)
	if err != nil {
		return err
	}
	shown := []boardShown{}
	for _, b := range boards {
		shown = append(shown, showBoard(b))
	}
	if c.JSON {
		err = p.printJSON(shown)
	} else {
		err = p.printBoards(shown, len(c.IDs) > 0)
	}
	return errors.Join(err, missingBoards(numbers(c.IDs), boards))
}

func showBoard(b mondayclient.Board) boardShown {
	shown := boardShown{ID: b.ID, Name: b.Name, Groups: b.Groups}
	for _, column := range b.Columns {
		shown.Columns = append(shown.Columns, columnShown{column.ID, column.Title, string(column.Type), column.Labels,
			column.Boards})
	}
	return shown
}

// missingBoards reports the requested boards that were not found.
func missingBoards(asked []int64, found []mondayclient.Board) (err error) {
	there := map[int64]bool{}
	for _, b := range found {
		there[b.ID] = true
	}
	for _, id := range asked {
		if !there[id] {
			err = errors.Join(err, fmt.Errorf("board %d does not exist, is archived, or is not visible to the token",
				id))
		}
	}
	return err
}

// printBoards prints a table of the boards, or one of the columns of each.
func (p *program) printBoards(boards []boardShown, columns bool) error {
	table := newTable(p.stdout)
	if !columns {
		fmt.Fprintln(table, "BOARD\tNAME")
	}
	for n, b := range boards {
		if !columns {
			fmt.Fprintf(table, "%d\t%s\n", b.ID, b.Name)
			continue
		}
		if n > 0 {
			fmt.Fprintln(table)
		}
		fmt.Fprintf(table, "Board %d, %s\n", b.ID, b.Name)
		fmt.Fprintln(table, "COLUMN\tTITLE\tTYPE\tLABELS")
		for _, c := range b.Columns {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", c.ID, c.Title, c.Type, c.details())
		}
	}
	return table.Flush()
}

// details returns the labels of a column, or the boards that it links to.
func (c columnShown) details() string {
	if len(c.Boards) > 0 {
		return "links to " + strings.Trim(fmt.Sprint(c.Boards), "[]")
	}
	return strings.Join(c.Labels, ", ")
}
