package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

type demoCommand struct {
	Once bool `help:"Exit with the verdict: 0 when the scoreboard is right, 1 when it is not."`
}

// Run plays the demo on this machine.
func (c demoCommand) Run(ctx context.Context, p *program) error {
	d := &demo{size: wholeDemo, once: c.Once, out: p.stdout, refresh: isTerminal(p.stdout)}
	return d.run(ctx)
}

// demoSize is how much a demo plays.
type demoSize struct {
	accounts, contacts       int // in Salesforce from before, which are brought to the boards first
	companies, people, leads int
	span                     time.Duration // in which the leads come in; what is done with them takes some more
	late                     time.Duration // the most by which a webhook is delivered late
	endSessionAt             int           // the call before which Salesforce ends the session
	usualPorts               bool          // take the ports that the README names, where they are free
}

// wholeDemo takes about 45 s.
var wholeDemo = demoSize{accounts: 400, contacts: 600, companies: 40, people: 80, leads: 300, span: 20 * time.Second, late: 3 * time.Second, endSessionAt: 60, usualPorts: true}

// demo is the nonprofit's own case on one machine: its Monday and its Salesforce, both simulated, the program between them,
// and people who work.
type demo struct {
	size    demoSize
	once    bool // exit with the verdict
	out     io.Writer
	refresh bool   // out is a terminal: progress is one line that is written over
	meddle  func() // done before the scoreboard is drawn, behind the program's back; nil: nothing

	monday     *mondaysim.Sim
	salesforce *sfsim.Sim
	faults     *demoFaults
	chat       *demoChat
	stage      *demoStage
	program    *app.Service
	db         *pgxpool.Pool // to look at the queue
	story      *demoStory
	before     demoBefore // what came of the migration
	began      time.Time  // when the first act is played
	judged     bool       // the scoreboard is drawn
}

// errWrong is a scoreboard that is not right.
var errWrong = errors.New("the scoreboard is not right")

// run plays the demo until it is over or ctx ends. Whatever comes, nothing is left behind, but for the log of a demo that
// went wrong.
func (d *demo) run(ctx context.Context) error {
	fmt.Fprint(d.out, "crmsync demo: everything runs on this machine, and nothing leaves it.\n\n")
	d.stage = &demoStage{}
	err := d.show(ctx)
	stopped := ctx.Err() != nil
	if stopped && !d.judged {
		err = nil // whatever failed did so because it was stopped
		if d.once {
			err = errors.New("stopped before the scoreboard")
		}
	}
	err = errors.Join(err, d.stage.strike(err != nil && !stopped))
	switch {
	case d.stage.kept != "":
		fmt.Fprintf(d.out, "\nThe log is kept: %s\n", d.stage.kept)
	case stopped:
		fmt.Fprintln(d.out, "\nStopped. Nothing is left behind.")
	}
	return err
}

// show sets the stage, lets the people play, and draws the scoreboard.
func (d *demo) show(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := d.set(ctx, stop); err != nil {
		return err
	}
	if err := d.migrate(ctx); err != nil {
		return err
	}
	d.story = newStory(d)
	d.introduce()
	d.began = time.Now()
	quiet := d.progress(ctx)
	d.story.play(ctx)
	d.settle(ctx)
	quiet()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d.meddle != nil {
		d.meddle()
	}
	board, err := d.score(ctx)
	if err != nil {
		return err
	}
	d.judged = true
	board.print(d.out)
	if !d.once {
		d.stayUp(ctx)
	}
	if !board.right() {
		return errWrong
	}
	return nil
}

// introduce tells what stands and what is about to be played.
func (d *demo) introduce() {
	fmt.Fprintf(d.out, `
%d companies and %d people are entered; the website's form sends in %d leads. Managers qualify
leads and take them on to Follow-up, Quote and MOU, rename some and delete some. One of them
types an amount that Salesforce refuses.

`, d.size.companies, d.size.people, d.size.leads)
}

// stayUp says where to look, until ctx ends.
func (d *demo) stayUp(ctx context.Context) {
	fmt.Fprintf(d.out, `
Everything stays up until Ctrl-C. Look around:

  dashboard   http://%[1]s%[2]s/   user %[3]s, password %[3]s
  metrics     http://%[1]s/metrics
  database    psql '%[4]s'
  log         %[5]s
`, d.stage.admin, app.Dashboard, demoLogin, d.stage.database, d.stage.log.Name())
	<-ctx.Done()
}
