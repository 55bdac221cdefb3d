package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"crmsync/internal/oracle"
	"crmsync/internal/stage"
)

// there is the share of items that already have a record before a first load: one in so many.
const there = 10

// sweptMapping is the contacts board with further fields.
const sweptMapping = `
version: 1
defaults: { phone_country: US }
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        match: [Email]
        fields: { LastName: name, Email: email%s }
`

// swept is the cost of comparing a board.
type swept struct {
	items, monday, salesforce int // calls
	rate                      float64
	cpu                       cpu     // µs per item
	peak                      float64 // MiB
	calls                     latency
	idle                      float64 // share of the time in which no call is out
}

// bound is how many items a second the calls would allow one after another, as for the pages of a board.
func (s swept) bound() float64 {
	return float64(s.items) / s.calls.takes(float64(s.monday), float64(s.salesforce)).Seconds()
}

// sweep measures the first load of a board, and how a field that is new in the mapping reaches all of its items.
func (b *bench) sweep(ctx context.Context) error {
	load, err := b.load(ctx)
	if err != nil {
		return fmt.Errorf("first load: %w", err)
	}
	widen, err := b.widen(ctx)
	if err != nil {
		return fmt.Errorf("new field: %w", err)
	}
	rows := [][]string{{"what", "items", "items/s", "bound", "of the bound", "no call out", "Monday calls",
		"Salesforce calls", "CPU/item", "own + Postgres", "(simulators)", "peak RSS"}}
	for _, x := range []struct {
		what               string
		swept              swept
		monday, salesforce float64 // calls per 10,000 items
	}{{"first load", load, 25, 70}, {"new field", widen, 22.5, 52.5}} {
		s, each := x.swept, float64(x.swept.items)/10_000
		rows = append(rows, []string{
			x.what, thousands(s.items), fmt.Sprintf("%.0f", s.rate), fmt.Sprintf("%.0f", s.bound()),
			fmt.Sprintf("%.2f", s.rate/s.bound()), fmt.Sprintf("%.0f %%", 100*s.idle),
			fmt.Sprint(s.monday), fmt.Sprint(s.salesforce), micros(s.cpu.total()),
			fmt.Sprintf("%.0f + %.0f", s.cpu.program, s.cpu.postgres), fmt.Sprintf("(%.0f)", s.cpu.bench),
			fmt.Sprintf("%.0f MiB", s.peak),
		})
		what := fmt.Sprintf("%s of %s items: ", x.what, thousands(s.items))
		b.atMost(what+"Monday calls", "%.0f", float64(s.monday), x.monday*each)
		b.atMost(what+"Salesforce calls", "%.0f", float64(s.salesforce), x.salesforce*each)
		b.atLeast(what+"items/s of the bound", s.rate/s.bound(), 0.5)
		b.atMost(what+"peak RSS", "%.0f MiB", s.peak, workerRSS)
	}
	b.table(fmt.Sprintf("Comparing a board: %s, one call after the other is the bound; of the first load, one in "+
		"%d records is there already", b.calls, there), rows)
	return nil
}

// stageWith sets up two systems with this many contacts on the board, and the mapping with these fields.
func (b *bench) stageWith(ctx context.Context, items int, fields string) (*stage.Stage, error) {
	if err := errors.Join(b.stage.empty(ctx), b.stage.exec(ctx, "TRUNCATE sweeps, differences, board_mappings"),
		b.stage.resetStatements(ctx)); err != nil {
		return nil, err
	}
	y, err := stage.Set(ctx, systems(latency{}))
	if err != nil {
		return nil, err
	}
	for n := range items {
		y.Monday.CreateItem(oracle.Contacts, fmt.Sprint("Person ", n), map[string]any{
			"email": map[string]any{"email": person(n), "text": person(n)},
			"phone": map[string]any{"phone": fmt.Sprintf("+1212%07d", 5_550_000+n), "countryShortName": "US"},
		})
	}
	return y, b.mapped(y, fields)
}

func person(n int) string { return fmt.Sprintf("person%d@example.org", n) }

// mapped gives the program a mapping with these fields.
func (b *bench) mapped(y *stage.Stage, fields string) error {
	y.Env["MAPPING"] = filepath.Join(b.stage.Dir, "swept.yaml")
	if err := os.WriteFile(y.Env["MAPPING"], fmt.Appendf(nil, sweptMapping, fields), 0o600); err != nil {
		return fmt.Errorf("writing the mapping: %w", err)
	}
	return nil
}

// load runs a command that brings items to Salesforce.
func (b *bench) load(ctx context.Context) (s swept, err error) {
	y, err := b.stageWith(ctx, b.sizes.loaded, "")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	for n := range b.sizes.loaded / there {
		y.Salesforce.Insert("Contact", map[string]any{"LastName": "Person", "Email": person(n * there)})
	}
	b.calls.set(y)
	log, err := logCalls(y)
	if err != nil {
		return s, err
	}
	if s, err = b.apply(ctx, y, b.sizes.loaded); err != nil {
		return s, err
	}
	s.calls, s.idle = b.calls, log.idle()
	if err := b.stage.keepCalls(log, "first-load"); err != nil {
		return s, err
	}
	if n := len(y.Salesforce.Records("Contact")); n != b.sizes.loaded {
		return s, fmt.Errorf("%d records of %d items", n, b.sizes.loaded)
	}
	return s, nil
}

// comparedAll is the end of a comparison of a number of items.
var comparedAll = end{"SELECT EXISTS (SELECT FROM sweeps WHERE kind = 'apply' AND items = $1)", "first-load"}

// apply runs the command on a board that was never compared.
func (b *bench) apply(ctx context.Context, y *stage.Stage, items int) (s swept, err error) {
	cmd := exec.Command(b.stage.crmsync, "apply", "--yes", "contacts")
	cmd.Env = b.stage.Environ(y.Env)
	p, err := launch(cmd, nil)
	if err != nil {
		return s, fmt.Errorf("starting the comparison: %w", err)
	}
	if s.cpu, s.peak, err = b.stage.follow(ctx, p, items, comparedAll); err != nil {
		return s, err
	}
	s.items, s.monday, s.salesforce = items, y.Monday.TotalCalls(), y.Salesforce.TotalCalls()
	s.rate, err = b.stage.sweptRate(ctx, "apply", items)
	return s, err
}

// widen lets a worker notice a field that is new in the mapping.
func (b *bench) widen(ctx context.Context) (s swept, err error) {
	y, err := b.stageWith(ctx, b.sizes.widened, "")
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	if _, err := b.apply(ctx, y, b.sizes.widened); err != nil {
		return s, err
	}
	if err := b.mapped(y, ", Phone: { from: phone, as: phone }"); err != nil {
		return s, err
	}
	b.calls.set(y)
	log, err := logCalls(y)
	if err != nil {
		return s, err
	}
	monday, salesforce := y.Monday.TotalCalls(), y.Salesforce.TotalCalls()
	p, err := b.stage.following(ctx, y)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	during, end := p.while(ctx)
	defer end()
	if err := b.stage.resetStatements(ctx); err != nil {
		return s, err
	}
	before, err := b.stage.used(p)
	if err != nil {
		return s, err
	}
	err = b.stage.until(during, 100*time.Millisecond,
		"SELECT EXISTS (SELECT FROM sweeps WHERE kind = 'backfill' AND state <> 'running')")
	if err != nil {
		return s, err
	}
	s.items, s.monday, s.salesforce = b.sizes.widened, y.Monday.TotalCalls()-monday, y.Salesforce.TotalCalls()-salesforce
	after, err := b.stage.used(p)
	if err != nil {
		return s, err
	}
	s.cpu, s.calls, s.idle = after.since(before, s.items), b.calls, log.idle()
	if err := errors.Join(b.stage.keepCalls(log, "new-field"),
		b.stage.keepProfile(ctx, p, fmt.Sprintf("new-field-%d", s.items))); err != nil {
		return s, err
	}
	if s.peak, err = p.peak(); err != nil {
		return s, err
	}
	for _, record := range y.Salesforce.Records("Contact") {
		if record["Phone"] == nil {
			return s, errors.New("a record did not get the new field")
		}
	}
	s.rate, err = b.stage.sweptRate(ctx, "backfill", b.sizes.widened)
	return s, err
}

// sweptRate is how many items a second the sweep of a kind compared.
func (s *testbed) sweptRate(ctx context.Context, kind string, items int) (rate float64, err error) {
	const query = `
		SELECT $2 / extract(epoch FROM finished_at - started_at)::float8
		FROM   sweeps
		WHERE  kind = $1 AND state = 'done' AND items = $2 AND busy = 0`
	if err := s.DB.QueryRow(ctx, query, kind, items).Scan(&rate); err != nil {
		return 0, fmt.Errorf("finding all items compared: %w", err)
	}
	return rate, nil
}
