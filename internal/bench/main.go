// Command bench measures crmsync on this machine, side by side with the least that could do the same: an endpoint that makes one
// insert a request, and a River worker that does nothing. Every measured program is a process of its own; Postgres is
// private and durable; both systems are simulated in this process. All share the machine's cores: ratios of one run hold, absolute
// figures are this machine's.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/pglocal"
	"crmsync/mondayclient/mondaysim"
	"crmsync/schema/store"
	"crmsync/sfclient/sfsim"
)

// bench is what the measurements share.
type bench struct {
	dir        string // for this run; removed at the end
	binary     string // crmsync
	url        string // of the database
	db         *pgxpool.Pool
	postgres   int // pid of the postmaster
	monday     *mondaysim.Sim
	salesforce *sfsim.Sim
	env        map[string]string // of measured processes
	seconds    time.Duration     // of a round of load
	rounds     int
	events     []int // to drain
	single     int   // events measured one at a time

	linked  []string // Salesforce Ids of the linked items' records
	idleCPU float64  // what Postgres had used before a measurement
}

func main() {
	if serve, ok := stand[os.Getenv("BENCH_ROLE")]; ok {
		exit(serve())
	}
	only := flag.String("only", "ingest,drain,idle", "what to measure")
	quick := flag.Bool("quick", false, "a short form, for a look")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	b := &bench{seconds: 4 * time.Second, rounds: 5, events: []int{20_000, 200_000}, single: 300}
	if *quick {
		b.seconds, b.rounds, b.events, b.single = 2*time.Second, 1, b.events[:1], 50
	}
	exit(b.run(ctx, strings.Split(*only, ",")))
}

// run sets the stage, measures, and clears up.
func (b *bench) run(ctx context.Context, parts []string) error {
	stop, err := b.stage(ctx)
	if stop != nil {
		defer stop()
	}
	if err != nil {
		return err
	}
	load, _ := os.ReadFile("/proc/loadavg")
	fmt.Printf("crmsync bench, %s\n%d cores, %s, Postgres durable; load before: %.14s\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), runtime.NumCPU(), runtime.Version(), load)
	measures := map[string]func(context.Context) error{"ingest": b.ingest, "drain": b.drain, "idle": b.idle}
	for _, part := range parts {
		measure, ok := measures[part]
		if !ok {
			return fmt.Errorf("-only: %q is none of ingest, drain, idle", part)
		}
		if err := measure(ctx); err != nil {
			return fmt.Errorf("measuring %s: %w", part, err)
		}
	}
	return nil
}

// stage builds the program and starts all that is around it.
func (b *bench) stage(ctx context.Context) (stop func(), err error) {
	if b.dir, err = os.MkdirTemp("", "crmsync-bench-"); err != nil {
		return nil, err
	}
	stops := []func(){func() { os.RemoveAll(b.dir) }}
	stop = func() {
		for n := len(stops) - 1; n >= 0; n-- {
			stops[n]()
		}
	}
	b.binary = filepath.Join(b.dir, "crmsync")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.binary, "./cmd/crmsync")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return stop, fmt.Errorf("building crmsync: %w", err)
	}
	server, err := pglocal.Start(ctx, pglocal.Config{})
	if err != nil {
		return stop, err
	}
	stops = append(stops, func() { server.Stop() })
	b.url = server.URL("postgres")
	if err := store.Migrate(ctx, b.url); err != nil {
		return stop, err
	}
	if b.db, err = pgxpool.New(ctx, b.url); err != nil {
		return stop, err
	}
	stops = append(stops, b.db.Close)
	if b.postgres, err = postmaster(ctx, b.db); err != nil {
		return stop, err
	}
	sims, err := b.simulate()
	stops = append(stops, sims)
	return stop, err
}

// simulate serves both systems, and makes the environment of measured processes.
func (b *bench) simulate() (stop func(), err error) {
	b.monday = mondaysim.New(mondaysim.Config{Token: "token"})
	b.salesforce = sfsim.New(sfsim.Config{ClientID: "id", ClientSecret: "secret", DailyLimit: 1 << 30})
	mondayURL, stopMonday, err := host(b.monday)
	if err != nil {
		return func() {}, err
	}
	salesforceURL, stopSalesforce, err := host(b.salesforce)
	if err != nil {
		return stopMonday, err
	}
	b.env = map[string]string{
		"DATABASE_URL": b.url, "MAPPING": "deploy/mapping.example.yaml", "WEBHOOK_SECRET": secret, "SCHEMA_UP": "off",
		"MONDAY_API_TOKEN": "token", "MONDAY_API_URL": mondayURL + "/v2",
		"SALESFORCE_LOGIN_URL": salesforceURL, "SALESFORCE_CLIENT_ID": "id", "SALESFORCE_CLIENT_SECRET": "secret",
		"INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0", "LOG_LEVEL": "info",
	}
	return func() { stopMonday(); stopSalesforce(); b.monday.Close() }, nil
}

// table prints aligned rows under a title.
func table(title string, rows [][]string) {
	fmt.Printf("\n%s\n", title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintln(w, "  "+strings.Join(row, "\t"))
	}
	w.Flush()
}

// wanted is a verdict beside a figure.
func wanted(ok bool, what string) string {
	if ok {
		return "yes: " + what
	}
	return "NO: " + what
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
