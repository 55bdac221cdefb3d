package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
	"crmsync/schema/store"
	"crmsync/worker"
)

type (
	schemaUpCommand struct{}

	replayCommand struct {
		All  bool    `help:"All dead letters that were not replayed yet."`
		Jobs []int64 `arg:"" optional:"" name:"id" help:"Job ids, as alerts and the list name them."`
	}
)

// Run applies what is missing of the schema.
func (schemaUpCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	url := e.Database()
	if err := e.Err(); err != nil {
		return err
	}
	if err := store.Migrate(ctx, url); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "The schema is up to date.")
	return nil
}

// Run puts dead letters back, or lists them.
func (c replayCommand) Run(ctx context.Context, p *program) error {
	if c.All && len(c.Jobs) > 0 {
		return app.UsageError{Err: errors.New("give --all or ids, not both")}
	}
	e := app.NewEnvironment(p.getenv)
	url := e.Database()
	attempts := e.MaxAttempts()
	if err := e.Err(); err != nil {
		return err
	}
	db, err := pgxpool.New(ctx, url)
	if err != nil {
		return app.UsageError{Err: errors.New("DATABASE_URL: is no URL of a Postgres database")}
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
	return fmt.Errorf("no dead letters, or replayed already: %s", strings.Join(missing, ", "))
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
