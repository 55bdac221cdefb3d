package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

type ignoreCommand struct {
	Cause string  `help:"All open dead letters of this cause, from an alert or \"crmsync errors\"." placeholder:"ID"`
	Jobs  []jobID `arg:"" optional:"" name:"id" help:"Job ids, from an alert or \"crmsync replay\"."`
	acting
}

// Run closes dead letters that need no action, and records who did so and when.
func (c ignoreCommand) Run(ctx context.Context, p *program) error {
	if (c.Cause == "") == (len(c.Jobs) == 0) {
		return app.UsageError{Err: errors.New("give ids, or --cause")}
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	s := store.New(db)
	wanted := numbers(c.Jobs)
	if c.Cause != "" {
		if wanted, err = jobsOf(ctx, s, c.Cause); err != nil {
			return err
		}
	}
	ignored, err := s.IgnoreDeadLetters(ctx, wanted, c.by())
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s ignored.\n", plural(len(ignored), "dead letter"))
	var unknown []string
	for _, id := range numbers(c.Jobs) {
		if !slices.Contains(ignored, id) {
			unknown = append(unknown, fmt.Sprint(id))
		}
	}
	if len(unknown) > 0 {
		return fmt.Errorf("not open dead letters: %s", strings.Join(unknown, ", "))
	}
	return nil
}

// jobsOf returns the jobs of the open dead letters of a cause.
func jobsOf(ctx context.Context, s *store.Store, cause string) (jobs []int64, err error) {
	if _, err := s.AssignCauses(ctx); err != nil {
		return nil, err
	}
	if _, err := knownCause(ctx, s, cause); err != nil {
		return nil, err
	}
	letters, err := s.FindDeadLetters(ctx, store.DeadLetterFilter{Cause: cause}, 0)
	for _, letter := range letters {
		jobs = append(jobs, letter.JobID)
	}
	return jobs, err
}
