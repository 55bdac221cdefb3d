// Package demo simulates a day of work at the nonprofit on this machine, and compares the records in Salesforce with
// the expected ones.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"crmsync/internal/app"
	"crmsync/internal/progress"
	"crmsync/internal/stage"
)

// Config configures the demo.
type Config struct {
	Once bool // return with the verdict; otherwise everything stays up until ctx ends
	Out  io.Writer
}

// Run runs the demo on this machine until it is over or ctx ends. It returns an error if the scoreboard is not right.
func Run(ctx context.Context, c Config) error {
	d := &demo{size: whole, once: c.Once, out: c.Out, refresh: progress.OnTerminal(c.Out) && os.Getenv("TERM") != "dumb"}
	return d.run(ctx)
}

// size is the size of a demo.
type size struct {
	accounts, contacts       int // already in Salesforce, and migrated to the boards first
	companies, people, leads int
	span                     time.Duration // during which the leads come in; work on them takes a little longer
	late                     time.Duration // maximum delay of a webhook
	endSessionAt             int           // the call before which Salesforce ends the session
	usualPorts               bool          // use the ports in docs/operating.md, if they are free
}

// whole takes about 45 s.
var whole = size{accounts: 400, contacts: 600, companies: 40, people: 80, leads: 300, span: 20 * time.Second,
	late: 3 * time.Second, endSessionAt: 60, usualPorts: true}

// demo is the nonprofit's use of crmsync on one machine: simulated Monday and Salesforce, the program between them,
// and people at work.
type demo struct {
	size    size
	once    bool // exit with the verdict
	out     io.Writer
	refresh bool   // out is a terminal: progress is a single line that is overwritten
	tamper  func() // called before the scoreboard is drawn, without the program's knowledge; nil: not called

	*stage.Stage
	log           *os.File
	kept          string // path of a log that is kept
	admin, ingest string // addresses
	faults        *faults
	program       *app.Service
	scenario      *scenario
	before        before // results of the migration
	used          usage  // until the end of the scenario
	outage        outage
	began         time.Time // when the first action takes place
	judged        bool      // the scoreboard was printed
}

// errWrong means that the scoreboard is not right.
var errWrong = errors.New("the scoreboard is not right")

// run runs the demo until it is over or ctx ends. In any case it leaves nothing behind except the log of a failed
// demo.
func (d *demo) run(ctx context.Context) error {
	fmt.Fprint(d.out, "crmsync demo: everything runs on this machine, and nothing leaves it.\n\n")
	err := d.show(ctx)
	stopped := ctx.Err() != nil
	if stopped && !d.judged {
		err = nil // whatever failed did so because it was stopped
		if d.once {
			err = errors.New("stopped before the scoreboard")
		}
	}
	err = errors.Join(err, d.tearDown(err != nil && !stopped))
	switch {
	case d.kept != "":
		fmt.Fprintf(d.out, "\nThe log is kept: %s\n", d.kept)
	case stopped:
		fmt.Fprintln(d.out, "\nStopped. Nothing is left behind.")
	}
	return err
}

// show sets up the stage, runs the scenario, and prints the scoreboard.
func (d *demo) show(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if err := d.set(ctx, stop); err != nil {
		return err
	}
	if err := d.migrate(ctx); err != nil {
		return err
	}
	d.scenario = newScenario(d.Stage, d.size, func() bool { return len(d.lettersTold()) > 0 })
	d.introduce()
	d.began = time.Now()
	quiet := d.progress(ctx)
	watching, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	go d.scenario.watch(watching)
	d.scenario.perform(ctx, d.began)
	d.settle(ctx)
	d.used = d.usage()
	if err := d.after(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	quiet()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d.tamper != nil {
		d.tamper()
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

// after simulates an outage, and adds a field to the mapping.
func (d *demo) after(ctx context.Context) error {
	if err := d.lose(ctx); err != nil {
		return err
	}
	return d.widen(ctx)
}

// introduce prints what is running and what is about to happen.
func (d *demo) introduce() {
	fmt.Fprintf(d.out, `
%d companies and %d people are entered; the website's form sends in %d leads. Managers qualify
leads and take them on to Follow-up, Quote and MOU, rename some and delete some. One of them
types an amount that Salesforce rejects. Fundraisers correct addresses in Salesforce, some of
them at the same moment as somebody in Monday. Then the webhooks of a while are lost, and the
mapping gets a field more.

`, d.size.companies, d.size.people, d.size.leads)
}

// stayUp prints where to look, and waits until ctx ends.
func (d *demo) stayUp(ctx context.Context) {
	fmt.Fprintf(d.out, `
Everything stays up until Ctrl-C. Look around:

  console     http://%[1]s/   user %[3]s, password %[3]s
  jobs        http://%[1]s%[2]s/
  metrics     http://%[1]s/metrics
  database    psql '%[4]s'
  log         %[5]s
`, d.admin, app.Dashboard, login, d.Env["DATABASE_URL"], d.log.Name())
	<-ctx.Done()
}
