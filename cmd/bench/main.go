// Command bench measures crmsync on this machine, side by side with minimal programs for the same task: an endpoint
// that does one insert per request, one that commits a bare row, one that only answers, and a River worker that does
// nothing. Every measured program is a separate process; Postgres is private and durable; this process generates the
// load and simulates both systems. All share the machine's cores, so the ratios within a run are meaningful, and
// absolute figures only apply to this machine. There is no minimal program for an import: it is compared with the time
// that its calls alone would take at maximum concurrency.
//
// It reads /proc, so it runs on Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is a run of measurements and its results.
type bench struct {
	parts   []string      // in this order
	events  []int         // to drain
	records []int         // to migrate
	items   int           // linked items that have queued updates
	seconds time.Duration // duration of a round of load
	rounds  int           // of load, of draining the shortest queue, and of migrating the fewest records
	single  int           // events measured one at a time
	calls   latency       // of migrations, comparisons, the feed, and the events beside a comparison
	sizes   sizes
	profile string  // folder for profiles and times of statements; empty: none
	keep    string  // file for the figures; empty: they are only printed
	before  string  // file with the figures of an earlier run; empty: no comparison
	allowed float64 // share by which a figure may be worse

	markdown bool   // print tables as Markdown
	other    string // another build of crmsync; empty: none

	out    io.Writer
	stage  *testbed
	checks []check
}

// sizes are the amounts of work that have no option of their own.
type sizes struct {
	shared  int // queued events that several workers drain
	changes int // in Salesforce, to bring to Monday at once
	delayed int // changes in Salesforce whose delay is measured
	loaded  int // items of a first load
	live    int // items of the board beside whose comparison events arrive
	widened int // items that get one more field
	console int // items whose pages are requested

	connections []int // over which webhooks are sent

	poll time.Duration // how often the feed asks Salesforce while the delay of single changes is measured
}

func main() {
	if serve, ok := stands[os.Getenv("BENCH_ROLE")]; ok {
		exit(serve())
	}
	b := &bench{out: os.Stdout}
	if err := b.options(os.Args[1:]); err != nil {
		exit(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal exits at once
	exit(b.run(ctx))
}

// options reads the command line.
func (b *bench) options(args []string) (err error) {
	flags := flag.NewFlagSet("bench", flag.ExitOnError)
	only := flags.String("only", "ingest,drain,scale,idle,migrate,feed,sweep,live,console", "what to measure, in "+
		"this order")
	events := flags.String("events", "20000,1000000", "how many events to drain, the fewest first")
	records := flags.String("records", "5000,100000", "how many records to migrate, the fewest first")
	quick := flags.Bool("quick", false, "a short run: single and shorter rounds, with "+
		"only the shortest queue, the fewest records and smaller boards")
	flags.IntVar(&b.items, "items", 20_000, "number of linked items that have events")
	flags.DurationVar(&b.seconds, "seconds", 3*time.Second, "duration of a round of load")
	flags.IntVar(&b.rounds, "rounds", 3, "rounds of load, of draining the shortest queue, and of migrating the fewest "+
		"records")
	flags.IntVar(&b.single, "single", 200, "events to send one at a time")
	flags.DurationVar(&b.calls.monday, "monday-call", 300*time.Millisecond, "duration of a call to Monday, where the "+
		"calls set a bound")
	flags.DurationVar(&b.calls.salesforce, "salesforce-call", 200*time.Millisecond, "the same for Salesforce")
	flags.StringVar(&b.profile, "profile", "", "folder for profiles of the worker and the times of Postgres' "+
		"statements, which slow it down")
	flags.StringVar(&b.keep, "json", "", "file for the figures, as JSON")
	flags.StringVar(&b.before, "compare", "", "file with the figures of an earlier run; the bench fails if one is "+
		"worse. A missing file means a first run")
	flags.BoolVar(&b.markdown, "markdown", false, "print the tables as Markdown")
	flags.StringVar(&b.other, "other", "", "path of another build of crmsync with the same schema, to measure in turns "+
		"with this one")
	loss := flags.Float64("loss", 15, "percentage by which a figure may be worse than in the earlier run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b.allowed = *loss / 100
	if b.items < 1 || b.items%stride == 0 {
		return errors.New("-items: must be a number of items among which the events can be distributed")
	}
	b.parts = strings.Split(*only, ",")
	if b.events, err = numbers(*events); err != nil {
		return fmt.Errorf("-events: %w", err)
	}
	if b.records, err = numbers(*records); err != nil {
		return fmt.Errorf("-records: %w", err)
	}
	b.sizes = sizes{shared: b.events[0], changes: b.events[0], delayed: 24, loaded: 10_000, widened: 20_000,
		live: 20_000, console: 200_000, connections: []int{16, 64, 256},
		poll: 15 * time.Second} // the shortest that auto uses
	if *quick {
		b.events, b.records, b.items = []int{min(b.events[0], 10_000)}, b.records[:1], min(b.items, 10_000)
		b.seconds, b.rounds, b.single = time.Second, 1, min(b.single, 20)
		b.sizes = sizes{shared: 5000, changes: 2500, delayed: 3, loaded: 4000, widened: 4000, live: 6000,
			console: 20_000, connections: []int{64, 256}, poll: 3 * time.Second}
	}
	return nil
}

// numbers reads a list such as 20000,200000.
func numbers(list string) (all []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is not a number to measure", text)
		}
		all = append(all, n)
	}
	return all, nil
}

// run sets up the stage, measures, prints the verdict, and cleans up.
func (b *bench) run(ctx context.Context) (err error) {
	measures := map[string]func(context.Context) error{"ingest": b.ingest, "drain": b.drain, "scale": b.scale,
		"idle": b.idle, "migrate": b.migrate, "feed": b.feed, "sweep": b.sweep, "live": b.live,
		"console": b.console}
	for _, part := range b.parts {
		if measures[part] == nil {
			return fmt.Errorf("-only: %q is not one of ingest, drain, scale, idle, migrate, feed, sweep, live, console", part)
		}
	}
	b.stage = &testbed{other: b.other}
	defer func() {
		if b.stage.Stage != nil {
			err = errors.Join(err, b.stage.Close())
		}
	}()
	if err := b.stage.set(ctx, b.profile); err != nil {
		return err
	}
	began := time.Now()
	machine := b.stage.machine(ctx)
	fmt.Fprintf(b.out, "crmsync bench, %s\n%s\n", began.UTC().Format("2006-01-02 15:04 UTC"), machine)
	for _, part := range b.parts {
		if err := measures[part](ctx); err != nil {
			return fmt.Errorf("measuring %s: %w", part, err)
		}
	}
	b.verdict()
	fmt.Fprintf(b.out, "\nMeasured in %s; load at the end: %s\n", time.Since(began).Round(time.Second), load())
	return b.settle(record{Measured: began.UTC().Truncate(time.Second), Machine: machine})
}

// settle stores the figures, and compares them with those of an earlier run. The earlier run is read first, because
// both may be the same file. A worse run stores no figures, so that the next one is again compared with the better
// ones.
func (b *bench) settle(now record) error {
	for _, c := range b.checks {
		now.Figures = append(now.Figures, c.figure)
	}
	if b.before != "" {
		before, err := readRecord(b.before)
		if err != nil {
			return err
		}
		if before.Figures != nil {
			if err := b.compare(now, before, b.allowed); err != nil {
				return fmt.Errorf("worse than before:\n%w", err)
			}
		}
	}
	if b.keep == "" {
		return nil
	}
	return now.keep(b.keep)
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
