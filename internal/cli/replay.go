package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"crmsync/internal/app"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker"
)

type replayCommand struct {
	All  bool    `help:"All open dead letters that can be put back."`
	Jobs []int64 `arg:"" optional:"" name:"id" help:"Job ids, as alerts and the list name them."`
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
	replayed, staying, err := worker.Queue(db).Replay(ctx, wanted, attempts, operator())
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%d put back into the queue.\n", len(replayed))
	switch text := byReason(staying); {
	case text == "":
	case c.All:
		fmt.Fprintf(p.stdout, "%d not put back:\n%s\n", len(staying), text)
	default:
		return errors.New(text)
	}
	return nil
}

// byReason names the jobs that were not put back, a line for each reason.
func byReason(staying []queue.Staying) string {
	var reasons []string
	jobs := map[string][]string{}
	for _, s := range staying {
		if jobs[s.Reason] == nil {
			reasons = append(reasons, s.Reason)
		}
		jobs[s.Reason] = append(jobs[s.Reason], fmt.Sprint(s.JobID))
	}
	for n, reason := range reasons {
		reasons[n] += ": " + strings.Join(jobs[reason], ", ")
	}
	return strings.Join(reasons, "\n")
}

// listLetters prints the open dead letters.
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
	fmt.Fprintln(table, "JOB\tFAILED AT\tEVENT\tBOARD\tITEM\tATTEMPTS\tREASON")
	for _, l := range letters {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", l.JobID, l.CreatedAt.UTC().Format(time.DateTime), l.Event,
			number(l.BoardID), number(l.ItemID), l.Attempts, l.Reason)
	}
	return table.Flush()
}

func number(n *int64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprint(*n)
}
