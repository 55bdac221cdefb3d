package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
	"crmsync/schema/store"
)

// lettersShown is how many dead letters of a cause are listed.
const lettersShown = 50

type errorsCommand struct {
	Cause string `help:"Only this cause, with its open dead letters." placeholder:"ID"`
	JSON  bool   `help:"Print JSON."`
}

// causeReport is a cause as reported. Its JSON form is stable.
type causeReport struct {
	Cause       string         `json:"cause"`
	System      string         `json:"system"`
	Code        string         `json:"code"`
	Object      string         `json:"object,omitempty"`
	Field       string         `json:"field,omitempty"`
	Reason      string         `json:"reason,omitempty"`
	Open        int            `json:"dead_letters"`           // open ones
	UnderWay    int            `json:"under_way"`              // replayed, and not ended yet
	Items       int            `json:"items"`                  // of the open dead letters
	FirstAt     time.Time      `json:"first_at"`               // of the open dead letters
	LastAt      time.Time      `json:"last_at"`                // of the open dead letters
	OpenedAt    time.Time      `json:"opened_at"`              // since when something has always been open
	ClosedAt    *time.Time     `json:"closed_at,omitempty"`    // nil: it is open
	AwaySince   *time.Time     `json:"away_since,omitempty"`   // of an ongoing outage
	Example     *int64         `json:"example_job,omitempty"`  // job id of the oldest open dead letter
	Means       string         `json:"means,omitempty"`        // what the code means
	Advice      string         `json:"advice,omitempty"`       // what a person can do
	DeadLetters []letterReport `json:"open_letters,omitempty"` // with --cause

	name string
}

// letterReport is a dead letter of a cause.
type letterReport struct {
	Job      int64     `json:"job"`
	FailedAt time.Time `json:"failed_at"`
	Event    string    `json:"event"`
	Board    *int64    `json:"board,omitempty"`
	Item     *int64    `json:"item,omitempty"`
	ID       *string   `json:"salesforce_id,omitempty"`
	Attempts int       `json:"attempts"`
}

// Run lists the open causes, or shows one.
func (c errorsCommand) Run(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	reports, err := c.report(ctx, db)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(reports)
	}
	unassigned, err := c.countUnassigned(ctx, db, reports)
	switch {
	case err != nil:
		return err
	case unassigned > 0:
		fmt.Fprintf(p.stdout, "%s without a cause yet: the next worker assigns one. crmsync replay lists all.\n\n",
			plural(unassigned, "dead letter"))
	case len(reports) == 0:
		fmt.Fprintln(p.stdout, "Nothing is open.")
	}
	for n, r := range reports {
		if n > 0 {
			fmt.Fprintln(p.stdout)
		}
		r.print(p.stdout)
	}
	return nil
}

// report reads what is to be printed. It first assigns dead letters that no worker has looked at to their causes,
// unless the role of Postgres may only read.
func (c errorsCommand) report(ctx context.Context, db *pgxpool.Pool) ([]causeReport, error) {
	s, reports := store.New(db), []causeReport{}
	_, _ = s.AssignCauses(ctx) // if Postgres is away, the next statement fails
	if c.Cause == "" {
		causes, err := s.Causes(ctx)
		for _, cause := range causes {
			reports = append(reports, reportCause(cause))
		}
		return reports, err
	}
	cause, err := knownCause(ctx, s, c.Cause)
	if err != nil {
		return nil, err
	}
	letters, err := s.FindDeadLetters(ctx, store.DeadLetterFilter{Cause: c.Cause}, lettersShown)
	if err != nil {
		return nil, err
	}
	r := reportCause(cause)
	for _, l := range letters {
		r.DeadLetters = append(r.DeadLetters, letterReport{
			l.JobID, l.EndedAt.UTC(), l.Event, l.BoardID, l.ItemID, l.SalesforceID, l.Attempts,
		})
	}
	return append(reports, r), nil
}

// countUnassigned returns how many open dead letters belong to none of the causes: a role that may only read cannot
// assign them.
func (c errorsCommand) countUnassigned(ctx context.Context, db *pgxpool.Pool, causes []causeReport) (int, error) {
	if c.Cause != "" {
		return 0, nil
	}
	n, err := store.New(db).CountOpenDeadLetters(ctx)
	for _, cause := range causes {
		n -= cause.Open
	}
	return n, err
}

// knownCause returns the cause with an id.
func knownCause(ctx context.Context, s *store.Store, id string) (store.Cause, error) {
	cause, known, err := s.Cause(ctx, id)
	if err == nil && !known {
		err = app.UsageError{Err: fmt.Errorf("--cause: there is no cause %q; `crmsync errors` lists the open ones", id)}
	}
	return cause, err
}

func reportCause(c store.Cause) causeReport {
	entry := c.Advice()
	r := causeReport{
		Cause: c.ID, System: c.System, Code: c.Code, Object: c.Object, Field: c.Field, Reason: c.Reason,
		Open: c.Open, UnderWay: c.UnderWay, Items: c.Items, FirstAt: c.FirstAt.UTC(), LastAt: c.LastAt.UTC(),
		OpenedAt: c.OpenedAt.UTC(), ClosedAt: c.ClosedAt, AwaySince: c.Away, Example: c.Example,
		Means: entry.Means, Advice: entry.Do, name: c.String(),
	}
	if c.OpenFrom != nil && c.OpenTo != nil {
		r.FirstAt, r.LastAt = c.OpenFrom.UTC(), c.OpenTo.UTC()
	}
	return r
}

func (r causeReport) print(w io.Writer) {
	fmt.Fprintf(w, "%s  %s\n", r.Cause, r.name)
	if r.Means != "" {
		fmt.Fprintf(w, "  %s %s\n", r.Means, r.Advice)
	}
	if r.AwaySince != nil {
		fmt.Fprintf(w, "  Since %s. Events wait; none is lost.\n", moment(*r.AwaySince))
	}
	if r.Open > 0 {
		when := "from " + moment(r.FirstAt) + " to " + moment(r.LastAt)
		if moment(r.FirstAt) == moment(r.LastAt) {
			when = "at " + moment(r.FirstAt)
		}
		fmt.Fprintf(w, "  %s of %s, %s, such as job %d.\n", plural(r.Open, "dead letter"), plural(r.Items, "item"), when,
			*r.Example)
		fmt.Fprintf(w, "  Replay with: crmsync replay --cause %s\n", r.Cause)
	}
	if r.UnderWay > 0 {
		fmt.Fprintf(w, "  %s replayed, not ended yet.\n", plural(r.UnderWay, "dead letter"))
	}
	if r.ClosedAt != nil {
		fmt.Fprintf(w, "  Closed since %s.\n", moment(*r.ClosedAt))
	}
	for _, l := range r.DeadLetters {
		id := ""
		if l.ID != nil {
			id = ", " + *l.ID
		}
		fmt.Fprintf(w, "  job %d: %s, %s, board %s, item %s%s, %s\n",
			l.Job, moment(l.FailedAt), l.Event, number(l.Board), number(l.Item), id, plural(l.Attempts, "attempt"))
	}
	if more := r.Open - len(r.DeadLetters); len(r.DeadLetters) > 0 && more > 0 {
		fmt.Fprintf(w, "  and %d more\n", more)
	}
}
