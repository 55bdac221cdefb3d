package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"

	"crmsync/internal/oracle"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

// atOnce is how many concurrent calls a migration has.
const atOnce = 4

// migrated is the cost of migrating records to a board.
type migrated struct {
	rate               float64 // records/s
	monday, salesforce float64 // calls per 1,000 records
	cpu                cpu     // µs per record
	peak               float64 // MiB
	calls              latency
	idle               float64 // share of the time in which no call is out
}

// bound returns how many records per second would be possible if the calls always ran at maximum concurrency and
// nothing else took time.
func (m migrated) bound() float64 {
	return 1000 * atOnce / m.calls.takes(m.monday, m.salesforce).Seconds()
}

func (m migrated) share() float64 { return m.rate / m.bound() }

// migrate measures how fast records of Salesforce are migrated to an empty board, compared with the time of the calls.
func (b *bench) migrate(ctx context.Context) error {
	rows := [][]string{{"records", "records/s", "bound", "of the bound", "no call out", "Monday calls/1,000",
		"Salesforce calls/1,000", "CPU/record", "own + Postgres", "(simulators)", "peak RSS"}}
	var peaks []float64
	for n, records := range b.records {
		rounds := 1
		if n == 0 {
			rounds = b.rounds
		}
		var all []migrated
		for range rounds {
			m, err := b.bring(ctx, records)
			if err != nil {
				return fmt.Errorf("%d records: %w", records, err)
			}
			all = append(all, m)
		}
		peaks = append(peaks, most(all, func(m migrated) float64 { return m.peak }))
		rows = append(rows, b.weigh(records, all))
	}
	b.table(fmt.Sprintf("Migrating Accounts to an empty board: %s, %d calls at once are the bound, Monday's "+
		"budget is none (medians: %d rounds of the fewest records, 1 of more)",
		b.calls, atOnce, b.rounds), rows)
	if last := len(peaks) - 1; last > 0 {
		b.atMost(fmt.Sprintf("migrate: peak RSS at %s, times that at %s", thousands(b.records[last]),
			thousands(b.records[0])), "%.2f", peaks[last]/peaks[0], 1.2)
	}
	return nil
}

// weigh checks rounds against the targets, and returns them as a row.
func (b *bench) weigh(records int, rounds []migrated) []string {
	of := func(figure func(migrated) float64) float64 { return middle(rounds, figure) }
	share, calls := of(migrated.share), of(func(m migrated) float64 { return m.monday })
	peak := most(rounds, func(m migrated) float64 { return m.peak })
	what := fmt.Sprintf("migrate %s: ", thousands(records))
	b.atLeast(what+"records/s of the bound", share, 0.85)
	b.atMost(what+"Monday calls per 1,000 records", "%.1f", calls, 25)
	b.atMost(what+"peak RSS", "%.0f MiB", peak, workerRSS)
	return []string{
		thousands(records), fmt.Sprintf("%.0f", of(func(m migrated) float64 { return m.rate })),
		fmt.Sprintf("%.0f", of(migrated.bound)),
		fmt.Sprintf("%.2f", share), fmt.Sprintf("%.0f %%", 100*of(func(m migrated) float64 { return m.idle })),
		fmt.Sprintf("%.1f", calls),
		fmt.Sprintf("%.1f", of(func(m migrated) float64 { return m.salesforce })),
		micros(of(func(m migrated) float64 { return m.cpu.total() })),
		fmt.Sprintf("%.0f + %.0f", of(func(m migrated) float64 { return m.cpu.program }),
			of(func(m migrated) float64 { return m.cpu.postgres })),
		fmt.Sprintf("(%.0f)", of(func(m migrated) float64 { return m.cpu.bench })), fmt.Sprintf("%.0f MiB", peak),
	}
}

// bring lets crmsync import records between new systems, measures the cost, and checks that everything was done.
func (b *bench) bring(ctx context.Context, records int) (m migrated, err error) {
	s := b.stage
	if err := errors.Join(s.empty(ctx), s.resetStatements(ctx)); err != nil {
		return m, err
	}
	y, err := stage.Set(ctx, systems(b.calls))
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	log, err := logCalls(y)
	if err != nil {
		return m, err
	}
	plant(y.Salesforce, records)
	cmd := exec.Command(s.crmsync, "migrate", "accounts")
	cmd.Env = append(s.Environ(y.Env), "MAX_ATTEMPTS=1") // a failure here would occur again
	p, err := launch(cmd, nil)
	if err != nil {
		return m, fmt.Errorf("starting the migration: %w", err)
	}
	if m.cpu, m.peak, err = s.follow(ctx, p, records, migratedAll); err != nil {
		return m, err
	}
	if err := s.keepCalls(log, fmt.Sprintf("migrate-%d", records)); err != nil {
		return m, err
	}
	m.calls, m.idle = b.calls, log.idle()
	each := 1000 / float64(records)
	m.monday, m.salesforce = each*float64(y.Monday.TotalCalls()), each*float64(y.Salesforce.TotalCalls())
	if m.rate, err = s.brought(ctx, records); err != nil {
		return m, err
	}
	return m, paired(y, records)
}

// plant creates Accounts without items.
func plant(salesforce *sfsim.Sim, records int) {
	for n := range records {
		salesforce.Insert("Account", map[string]any{
			"Name": fmt.Sprintf("Company %d", n), "Phone": fmt.Sprintf("+1212555%04d", n%10_000),
			"Description": fmt.Sprintf("Met at the fair of the year, and asked to be called back in week %d.", n%52),
		})
	}
}

// end is when a run has done its work, and the name of its profile.
type end struct{ query, name string }

// migratedAll is the end of a migration of a number of records.
var migratedAll = end{"SELECT EXISTS (SELECT FROM migration_runs WHERE created = $1)", "migrate"}

// follow waits until a newly started run is over, and returns the cost of each record and the peak memory.
func (s *testbed) follow(ctx context.Context, p *process, records int, last end) (cost cpu, peak float64, err error) {
	defer func() { err = errors.Join(err, p.stop()) }()
	before, err := s.used(p)
	if err != nil {
		return cost, 0, err
	}
	profiled := make(chan error, 1)
	go func() { profiled <- s.profileRun(ctx, p, records, last) }()
	used := before
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-p.ended:
			return used.since(before, records), peak, <-profiled
		case <-ctx.Done():
			return cost, 0, context.Cause(ctx)
		case <-ticker.C:
		}
		// A measurement misses what ends while it is taken, so the last complete one counts.
		if now, err := s.used(p); err == nil && now.total() > used.total() {
			used = now
		}
		if now, err := p.peak(); err == nil {
			peak = now
		}
	}
}

// profileRun stores the profile, if one is wanted, when all records are done: the program ends with the run.
func (s *testbed) profileRun(ctx context.Context, p *process, records int, last end) error {
	if s.profile == "" {
		return nil
	}
	ctx, end := p.while(ctx)
	defer end()
	if err := s.until(ctx, 20*time.Millisecond, last.query, records); err != nil {
		return err
	}
	return s.keepProfile(ctx, p, fmt.Sprintf("%s-%d", last.name, records))
}

// brought returns how many records per second the run migrated from its start to its end, all of them to new items.
func (s *testbed) brought(ctx context.Context, records int) (rate float64, err error) {
	const query = `
		SELECT $1 / extract(epoch FROM finished_at - started_at)::float8
		FROM   migration_runs
		WHERE  state = 'done' AND read = $1 AND created = $1`
	if err := s.DB.QueryRow(ctx, query, records).Scan(&rate); err != nil {
		return 0, fmt.Errorf("finding all items created: %w", err)
	}
	return rate, nil
}

// paired checks that there is one item for each record, and that each shows the other's id.
func paired(y *stage.Stage, records int) error {
	items := y.Monday.Items(oracle.Accounts)
	pairs := 0
	for _, item := range items {
		if record := y.Salesforce.Get("Account", item.Text["text_sfid"]); record[sfsim.KeyField] == fmt.Sprint(item.ID) {
			pairs++
		}
	}
	if len(items) != records || pairs != records {
		return fmt.Errorf("%d items of %d records, and %d pairs that show each other's id", len(items), records, pairs)
	}
	return nil
}
