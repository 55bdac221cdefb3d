package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"crmsync/internal/app"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker"
)

type replayCommand struct {
	All    bool    `help:"All open dead letters that can be replayed."`
	Cause  string  `help:"All open dead letters of this cause, from an alert or \"crmsync errors\"." placeholder:"ID"`
	Code   string  `help:"All open dead letters with an error code, such as STRING_TOO_LONG." placeholder:"CODE"`
	Board  string  `help:"All open dead letters of a board: its id, or its name in the mapping." placeholder:"ID|NAME"`
	Since  string  `help:"All that failed since: a span such as 24h, or a date such as 2026-01-31." placeholder:"WHEN"`
	DryRun bool    `help:"Only list what would be replayed."`
	JSON   bool    `help:"Print JSON."`
	Jobs   []jobID `arg:"" optional:"" name:"id" help:"Job ids, from an alert or the list."`
	acting
}

// Run replays dead letters, or lists them.
func (c replayCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	filter, err := c.filter(e)
	if err != nil {
		return err
	}
	attempts := e.MaxAttempts()
	db, err := app.OpenDatabase(ctx, e)
	if err != nil {
		return err
	}
	defer db.Close()
	s := store.New(db)
	listed, wanted, err := c.choose(ctx, s, filter)
	if err != nil {
		return err
	}
	if c.DryRun || !c.All && filter == (store.DeadLetterFilter{}) && len(c.Jobs) == 0 {
		if c.JSON {
			return p.printJSON(lettersListed(listed))
		}
		return listDeadLetters(p.stdout, listed)
	}
	replayed, staying, err := worker.Queue(db).Replay(ctx, wanted, attempts, c.by())
	if err != nil {
		return err
	}
	return c.tell(p, replayed, staying)
}

// tell prints what became of the dead letters. One that was named and stays is an error.
func (c replayCommand) tell(p *program, replayed []int64, staying []queue.Staying) error {
	if c.JSON {
		if err := p.printJSON(replayDone(replayed, staying)); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(p.stdout, "%d put back into the queue.\n", len(replayed))
	}
	switch text := byReason(staying); {
	case text != "" && c.JSON && len(c.Jobs) == 0:
	case text == "":
	case len(c.Jobs) == 0:
		fmt.Fprintf(p.stdout, "%d not put back:\n%s\n", len(staying), text)
	default:
		return errors.New(text)
	}
	return nil
}

// filter returns what the flags select.
func (c replayCommand) filter(e *app.Environment) (f store.DeadLetterFilter, err error) {
	grouped := c.Cause != "" || c.Code != "" || c.Board != "" || c.Since != ""
	if c.All && (grouped || len(c.Jobs) > 0) || grouped && len(c.Jobs) > 0 {
		return f, app.UsageError{Err: errors.New("give --all, or ids, or --cause, --code, --board and --since")}
	}
	f.Cause, f.Code = c.Cause, c.Code
	if f.BoardID, err = boardID(e, c.Board); err != nil {
		return f, app.UsageError{Err: fmt.Errorf("--board: %w", err)}
	}
	if c.Since != "" {
		if f.Since, err = parseSince(c.Since, time.Now()); err != nil {
			return f, app.UsageError{Err: err}
		}
	}
	return f, nil
}

// boardID returns the id of a board given by its id or by its name in the mapping; 0 if none is given.
func boardID(e *app.Environment, text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if id, err := strconv.ParseInt(text, 10, 64); err == nil && id > 0 {
		return id, nil
	}
	m, err := app.ReadMapping(e.Mapping())
	if err != nil {
		return 0, err
	}
	for _, board := range m.Boards {
		if board.Name == text {
			return board.ID, nil
		}
	}
	return 0, fmt.Errorf("the mapping has no board %q", text)
}

// choose returns the selected open dead letters, and the ids of all selected jobs.
func (c replayCommand) choose(ctx context.Context, s *store.Store,
	f store.DeadLetterFilter) (letters []store.DeadLetter, jobs []int64, err error) {
	if c.Cause != "" || c.Code != "" {
		if _, err := s.AssignCauses(ctx); err != nil {
			return nil, nil, err
		}
	}
	if c.Cause != "" {
		if _, err := knownCause(ctx, s, c.Cause); err != nil {
			return nil, nil, err
		}
	}
	if letters, err = s.FindDeadLetters(ctx, f, 0); err != nil {
		return nil, nil, err
	}
	if wanted := numbers(c.Jobs); len(wanted) > 0 {
		letters = slices.DeleteFunc(letters, func(l store.DeadLetter) bool { return !slices.Contains(wanted, l.JobID) })
		return letters, wanted, nil
	}
	for _, letter := range letters {
		jobs = append(jobs, letter.JobID)
	}
	return letters, jobs, nil
}

// byReason lists the jobs that were not replayed, with one line per reason.
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

// listDeadLetters prints dead letters.
func listDeadLetters(w io.Writer, letters []store.DeadLetter) error {
	if len(letters) == 0 {
		fmt.Fprintln(w, "There are no dead letters.")
		return nil
	}
	table := newTable(w)
	fmt.Fprintln(table, "JOB\tFAILED AT\tEVENT\tBOARD\tITEM\tATTEMPTS\tREASON")
	for _, l := range letters {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%d\t%s\n", l.JobID, l.EndedAt.UTC().Format(time.DateTime), l.Event,
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
