package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"crmsync/internal/app"
	"crmsync/internal/progress"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/migration"
)

type migrateCommand struct {
	Boards  []string `arg:"" optional:"" name:"board" help:"Names of boards in the mapping. Default: all boards that have a migration."`
	DryRun  bool     `help:"Report what would be done, and write nothing."`
	History bool     `help:"List the last runs."`
	JSON    bool     `help:"Print the runs as JSON."`
	acting
}

// shownExamples is the number of records that a dry run shows field by field.
const shownExamples = 10

// shownRuns is how many runs the history shows.
const shownRuns = 50

// Run imports records of Salesforce to Monday's boards. It queues the runs and works on their queue itself, with or
// without workers.
func (c migrateCommand) Run(ctx context.Context, p *program) error {
	if c.History {
		return c.history(ctx, p)
	}
	config, err := app.ReadConfig(p.getenv, app.Role{Worker: true})
	m, reading := app.ReadMapping(config.Mapping)
	if err := errors.Join(err, reading); err != nil {
		return app.UsageError{Err: err}
	}
	migrations, err := c.chosen(m)
	if err != nil {
		return app.UsageError{Err: err}
	}
	s := &app.Service{Config: config, Role: app.Role{Worker: true}, Mapping: m, Log: app.NewCommandLog(p.stderr, config)}
	db, err := p.connect(ctx, s)
	if err != nil {
		return err
	}
	defer db.Close()
	if c.DryRun {
		return c.dryRun(ctx, p, s, db, migrations)
	}
	show := progress.New(p.stderr)
	s.Log, s.Waiting = app.NewCommandLog(show, config), tellWaiting(show, m)
	runs, err := s.Migrate(ctx, db, migrations, c.by(), show)
	show.End()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		fmt.Fprintln(p.stderr, "Stopped. The runs continue when this command or a worker is started.")
	}
	return c.summary(p, runs)
}

// chosen returns the migrations of the named boards, in the order of their links.
func (c migrateCommand) chosen(m *mapping.Mapping) (chosen []*mapping.Migration, err error) {
	var known []string
	wanted := map[string]bool{}
	for _, name := range c.Boards {
		wanted[name] = true
	}
	for _, g := range m.Migrations() {
		known = append(known, g.Board.Name)
		if len(c.Boards) == 0 || wanted[g.Board.Name] {
			chosen = append(chosen, g)
		}
		delete(wanted, g.Board.Name)
	}
	for name := range wanted {
		err = errors.Join(err, fmt.Errorf("the mapping has no board %q with a migration; it has: %s", name,
			strings.Join(known, ", ")))
	}
	if len(known) == 0 && err == nil {
		err = errors.New("no board of the mapping has a migration; to import records of Salesforce, give one of a " +
			"board's records the key `items`")
	}
	return chosen, err
}

// summary prints the results of the runs. It returns an error if anything failed.
func (c migrateCommand) summary(p *program, runs []store.Run) error {
	err := c.list(p, runs)
	for _, run := range runs {
		switch run.State {
		case "failed":
			err = errors.Join(err, fmt.Errorf("the import of %s failed: %s; replay it with crmsync replay", run.Board,
				run.Error))
		case "done":
			err = errors.Join(err, incomplete(run))
		}
	}
	return err
}

// incomplete returns an error for what a completed run could not do.
func incomplete(r store.Run) error {
	const after = "error_logs has the reasons (job %d), and the next run attempts the records again"
	switch {
	case r.Failed > 0 && r.LeftOut > 0:
		return fmt.Errorf("%s of %s failed, and the items of %d lack a column that Monday rejected: "+after,
			plural(r.Failed, "record"), r.Board, r.LeftOut, r.JobID)
	case r.Failed > 0:
		return fmt.Errorf("%s of %s failed: "+after, plural(r.Failed, "record"), r.Board, r.JobID)
	case r.LeftOut > 0:
		return fmt.Errorf("the items of %s of %s lack a column that Monday rejected: "+after, plural(r.LeftOut, "record"),
			r.Board, r.JobID)
	}
	return nil
}

// history prints the last runs.
func (c migrateCommand) history(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	runs, err := store.New(db).Runs(ctx, shownRuns)
	if err != nil {
		return err
	}
	if len(runs) == 0 && !c.JSON {
		fmt.Fprintln(p.stdout, "There has been no run yet.")
		return nil
	}
	return c.list(p, runs)
}

func (c migrateCommand) list(p *program, runs []store.Run) error {
	if c.JSON {
		return p.printJSON(runsListed(runs))
	}
	return progress.Table(p.stdout, runs)
}

// dryRun reports what runs would do.
func (c migrateCommand) dryRun(ctx context.Context, p *program, s *app.Service, db *pgxpool.Pool,
	migrations []*mapping.Migration) error {
	config, err := s.PoolConfig(db, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	migrator := migration.New(migration.Config{
		Mapping: s.Mapping, Store: store.New(db), Salesforce: config.Salesforce, Monday: config.Monday,
		Engine: s.NewComparer(db, config.Salesforce, config.Monday), Log: s.Log, Now: time.Now,
	})
	for _, g := range migrations {
		var examples []migration.Example
		report, err := migrator.DryRun(ctx, g.Board.ID, func(e migration.Example) {
			if len(examples) < shownExamples {
				examples = append(examples, e)
			}
		})
		if err != nil {
			return fmt.Errorf("dry run of %s: %w", g.Board.Name, err)
		}
		n := report.Counts
		fmt.Fprintf(p.stdout, "%s: of %s %d would be created, %d updated, %d left alone; %d changed on both sides.\n",
			g.Board.Name, plural(n.Read, "record"), n.Created, n.Updated, n.Unchanged, n.Conflicts)
		for _, m := range report.Missing {
			fmt.Fprintf(p.stdout, "  %s (%s): the board has no label %q; %d of the items would lack the column.\n",
				m.Column, m.Field, m.Label, m.Records)
		}
		for _, e := range examples {
			p.showExample(e)
		}
	}
	return nil
}

var doesInWords = map[migration.Does]string{
	migration.Takes: "the item takes Salesforce's value",
	migration.Sends: "Salesforce takes Monday's value",
	migration.Stays: "changed on both sides and stays",
}

// showExample prints what a run would do with a record.
func (p *program) showExample(e migration.Example) {
	what := e.What + " " + e.SalesforceID
	if e.ItemID != 0 {
		what += fmt.Sprintf(" (item %d)", e.ItemID)
	}
	fmt.Fprintf(p.stdout, "  %s\n", what)
	for _, f := range e.Fields {
		switch {
		case e.What == "create":
			fmt.Fprintf(p.stdout, "    %s (%s): %q\n", f.Column, f.Field, f.Monday)
		default:
			fmt.Fprintf(p.stdout, "    %s (%s): %q on Monday, %q in Salesforce; %s\n", f.Column, f.Field, f.Monday,
				f.Salesforce, doesInWords[f.Does])
		}
	}
}
