package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"crmsync/internal/app"
	"crmsync/schema/store"
	"crmsync/worker"
)

type replayCommand struct {
	All  bool    `help:"All dead letters that have not been replayed."`
	Jobs []int64 `arg:"" optional:"" name:"id" help:"Job ids, as in alerts and in the list."`
}

// Run puts dead letters back, or lists them.
func (c replayCommand) Run(ctx context.Context, p *program) error {
	if c.All && len(c.Jobs) > 0 {
		return app.UsageError{Err: errors.New("give --all or ids, not both")}
	}
	e := app.NewEnvironment(p.getenv)
	attempts := e.MaxAttempts()
	db, err := app.OpenDatabase(ctx, e)
	if err != nil {
		return err
	}
	defer db.Close()
	s := store.New(db)
	if !c.All && len(c.Jobs) == 0 {
		return p.listLetters(ctx, s)
	}
	wanted := c.Jobs
	if c.All {
		letters, err := s.OpenLetters(ctx)
		if err != nil {
			return err
		}
		for _, letter := range letters {
			wanted = append(wanted, letter.JobID)
		}
	}
	replayed, err := worker.Queue(db).Replay(ctx, wanted, attempts)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%d put back into the queue.\n", len(replayed))
	return unknown(wanted, replayed)
}

// listLetters prints the dead letters that wait for somebody.
func (p *program) listLetters(ctx context.Context, s *store.Store) error {
	letters, err := s.OpenLetters(ctx)
	if err != nil {
		return err
	}
	if len(letters) == 0 {
		fmt.Fprintln(p.stdout, "There are no dead letters.")
		return nil
	}
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "JOB\tGIVEN UP\tEVENT\tBOARD\tITEM\tATTEMPTS\tREASON")
	for _, l := range letters {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", l.JobID, l.CreatedAt.UTC().Format(time.DateTime), l.Event,
			number(l.BoardID), number(l.ItemID), l.Attempts, l.Reason)
	}
	return table.Flush()
}

// unknown names the ids that were asked for and are no dead letters.
func unknown(wanted, replayed []int64) error {
	var missing []string
	for _, id := range wanted {
		if !slices.Contains(replayed, id) {
			missing = append(missing, fmt.Sprint(id))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("not dead letters, or already replayed: %s", strings.Join(missing, ", "))
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
