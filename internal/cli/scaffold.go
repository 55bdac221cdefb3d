package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"crmsync/internal/app"
	"crmsync/internal/scaffold"
	"crmsync/mondayclient"
)

type scaffoldCommand struct {
	Board  []boardNumber `required:"" sep:"none" help:"Id of a Monday board. For several boards, repeat it together with --object." placeholder:"ID"`
	Object []string      `required:"" sep:"none" help:"API name of the Salesforce object for the preceding board." placeholder:"NAME"`
	Add    string        `help:"Add the boards to this mapping file, which is created if it does not exist." placeholder:"FILE"`
}

// Run prints a first mapping of boards and objects, or adds it to a file.
func (c scaffoldCommand) Run(ctx context.Context, p *program) error {
	l, err := p.openBoth(len(c.Board), len(c.Object))
	if err != nil {
		return err
	}
	pairs, err := readPairs(ctx, l, numbers(c.Board), c.Object)
	if err != nil {
		return err
	}
	if c.Add == "" {
		text, err := scaffold.Write(pairs...)
		if err != nil {
			return err
		}
		fmt.Fprint(p.stdout, text)
		return nil
	}
	text, err := addTo(c.Add, pairs)
	if err != nil {
		return err
	}
	if err := replaceFile(c.Add, text, 0o644); err != nil {
		return err
	}
	for _, pair := range pairs {
		fmt.Fprintf(p.stdout, "%s: added board %d %q to %s.\n", c.Add, pair.Board.ID, pair.Board.Name, pair.Object.Name)
	}
	return nil
}

// openBoth returns the clients of both systems. It fails if the numbers of boards and objects differ.
func (p *program) openBoth(boards, objects int) (*app.Live, error) {
	e := app.NewEnvironment(p.getenv)
	var settings app.Config
	settings.ReadMonday(e)
	settings.ReadSalesforce(e)
	if boards != objects {
		e.Problem("--board, --object", fmt.Sprintf("there are %s and %s; each board needs its object",
			plural(boards, "board"), plural(objects, "object")))
	}
	if err := e.Err(); err != nil {
		return nil, err
	}
	l, err := app.NewLive(settings)
	if err != nil {
		return nil, app.UsageError{Err: err}
	}
	return l, nil
}

// readPairs reads boards and their objects from both systems.
func readPairs(ctx context.Context, l *app.Live, boards []int64, objects []string) (pairs []scaffold.Pair, err error) {
	found, err := l.Monday.Boards(ctx, boards)
	if err != nil {
		return nil, err
	}
	byID := map[int64]mondayclient.Board{}
	for _, b := range found {
		byID[b.ID] = b
	}
	var missing []error
	for n, id := range boards {
		board, ok := byID[id]
		if !ok {
			missing = append(missing, fmt.Errorf("board %d does not exist, is archived, or is not visible to the token; "+
				"crmsync boards lists those that are", id))
			continue
		}
		object, err := l.Object(ctx, objects[n])
		if err != nil {
			return nil, err
		}
		if object == nil {
			missing = append(missing, fmt.Errorf("object %s does not exist or is not visible to the "+
				"user that crmsync logs in as", objects[n]))
			continue
		}
		pairs = append(pairs, scaffold.Pair{Board: board, Object: object})
	}
	return pairs, errors.Join(missing...)
}

// addTo returns the text of a mapping file with additional boards.
func addTo(path string, pairs []scaffold.Pair) (string, error) {
	src, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return scaffold.Write(pairs...)
	case err != nil:
		return "", err
	}
	return scaffold.Add(path, src, pairs...)
}

// replaceFile writes a file atomically.
func replaceFile(path, text string, mode os.FileMode) error {
	next := path + ".new"
	if err := os.WriteFile(next, []byte(text), mode); err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(next, mode), os.Rename(next, path)); err != nil {
		return errors.Join(err, os.Remove(next))
	}
	return nil
}
