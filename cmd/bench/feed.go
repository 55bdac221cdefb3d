package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"crmsync/internal/oracle"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

// backMapping has contacts whose e-mail address goes both ways.
const backMapping = `
version: 1
boards:
  contacts:
    board: 1002
    migrate: { record: contact }
    records:
      contact:
        object: Contact
        id_column: text_sfid
        sync: both
        fields:
          Email: email
`

// caughtUpEvery is the poll interval while many changes are brought to Monday at once.
const caughtUpEvery = 15 * time.Second

// fed is the cost of bringing Salesforce's changes to Monday.
type fed struct {
	rate               float64 // changes/s
	monday, salesforce float64 // calls per 1,000 changes
	cpu                cpu     // µs a change
	peak               float64 // MiB
	calls              latency
	idle               float64 // share of the time in which no call is out
	delays             []time.Duration
}

// bound is how many changes a second the calls would allow if as many ran at once as may.
func (f fed) bound() float64 {
	return 1000 * atOnce / f.calls.takes(f.monday, f.salesforce).Seconds()
}

// feed measures how fast changes in Salesforce reach Monday: many at once, and one at a time.
func (b *bench) feed(ctx context.Context) error {
	f, err := b.follow(ctx, b.sizes.changes, b.sizes.delayed)
	if err != nil {
		return err
	}
	slices.Sort(f.delays)
	p50, longest := quantile(f.delays, 0.5), quantile(f.delays, 1)
	b.table(fmt.Sprintf("Changes in Salesforce drained to Monday: %s, %d calls at once are the bound; then %d "+
		"one by one at a poll of %s",
		b.calls, atOnce, len(f.delays), b.sizes.poll), [][]string{
		{"changes", "changes/s", "bound", "of the bound", "no call out", "Monday calls/1,000",
			"Salesforce calls/1,000", "CPU/change", "own + Postgres", "(simulators)", "peak RSS", "delay p50", "longest"},
		{
			thousands(b.sizes.changes), fmt.Sprintf("%.0f", f.rate), fmt.Sprintf("%.0f", f.bound()),
			fmt.Sprintf("%.2f", f.rate/f.bound()), fmt.Sprintf("%.0f %%", 100*f.idle),
			fmt.Sprintf("%.1f", f.monday), fmt.Sprintf("%.1f", f.salesforce), micros(f.cpu.total()),
			fmt.Sprintf("%.0f + %.0f", f.cpu.program, f.cpu.postgres),
			fmt.Sprintf("(%.0f)", f.cpu.bench), fmt.Sprintf("%.0f MiB", f.peak), millis(p50), millis(longest),
		},
	})
	what := fmt.Sprintf("feed %s: ", thousands(b.sizes.changes))
	b.atLeast(what+"changes/s of the bound", f.rate/f.bound(), 0.5)
	b.atMost(what+"Monday calls per 1,000 changes", "%.1f", f.monday, 40)
	b.atMost(what+"Salesforce calls per 1,000 changes", "%.1f", f.salesforce, 16)
	b.atMost(what+"peak RSS", "%.0f MiB", f.peak, workerRSS)
	b.atMost(fmt.Sprintf("feed: longest delay at a poll of %s", b.sizes.poll), "%.0f ms", longest,
		float64((b.sizes.poll + 5*time.Second).Milliseconds()))
	return nil
}

// follow starts a worker that follows changes of records with items, and checks that all of them arrived.
func (b *bench) follow(ctx context.Context, records, single int) (f fed, err error) {
	s := b.stage
	if err := errors.Join(s.empty(ctx), s.resetStatements(ctx)); err != nil {
		return f, err
	}
	y, err := stage.Set(ctx, systems(latency{}))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, y.Close()) }()
	y.Env["MAPPING"] = filepath.Join(s.Dir, "back.yaml")
	if err := os.WriteFile(y.Env["MAPPING"], []byte(backMapping), 0o600); err != nil {
		return f, fmt.Errorf("writing the mapping: %w", err)
	}
	y.Env["SALESFORCE_POLL"] = caughtUpEvery.String()
	ids := plantContacts(y.Salesforce, records)
	if err := s.pair(ctx, y, records); err != nil {
		return f, err
	}
	b.calls.set(y)
	if f, err = s.catchUp(ctx, y, ids); err != nil {
		return f, err
	}
	f.calls = b.calls
	y.Env["SALESFORCE_POLL"] = b.sizes.poll.String()
	f.delays, err = s.delays(ctx, y, ids[:min(single, len(ids))])
	return f, err
}

func plantContacts(salesforce *sfsim.Sim, records int) (ids []string) {
	for n := range records {
		ids = append(ids, salesforce.Insert("Contact",
			map[string]any{"LastName": fmt.Sprintf("Person %d", n), "Email": fmt.Sprintf("p%d@example.org", n)}))
	}
	return ids
}

// pair creates an item for each record, and lets the feed begin after them.
func (s *testbed) pair(ctx context.Context, y *stage.Stage, records int) error {
	cmd := exec.Command(s.crmsync, "migrate", "contacts")
	cmd.Env = append(s.Environ(y.Env), "MAX_ATTEMPTS=1")
	p, err := launch(cmd, nil)
	if err != nil {
		return fmt.Errorf("starting the migration: %w", err)
	}
	if _, _, err := s.follow(ctx, p, records, migratedAll); err != nil {
		return err
	}
	if _, err := s.brought(ctx, records); err != nil {
		return err
	}
	worker, err := s.following(ctx, y)
	if err != nil {
		return err
	}
	during, end := worker.while(ctx)
	defer end()
	err = s.until(during, 50*time.Millisecond, "SELECT EXISTS (SELECT FROM feeds WHERE tier = 'now' AND pages > 0)")
	return errors.Join(err, worker.stop(), s.exec(ctx, "DELETE FROM river_job", "VACUUM ANALYZE", "CHECKPOINT"))
}

// following starts a worker on the two systems.
func (s *testbed) following(ctx context.Context, y *stage.Stage) (*process, error) {
	return s.startOn(ctx, y, "worker")
}

// catchUp changes every record while no worker runs, and measures how long a worker takes to bring all of the changes
// to Monday.
func (s *testbed) catchUp(ctx context.Context, y *stage.Stage, ids []string) (f fed, err error) {
	for n, id := range ids {
		y.Salesforce.Update("Contact", id, map[string]any{"Email": changed(n)})
	}
	if err := s.exec(ctx, "UPDATE feeds SET due_at = now() WHERE tier = 'now'"); err != nil {
		return f, err
	}
	log, err := logCalls(y)
	if err != nil {
		return f, err
	}
	monday, salesforce := y.Monday.TotalCalls(), y.Salesforce.TotalCalls()
	p, err := s.following(ctx, y)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	during, end := p.while(ctx)
	defer end()
	if err := s.resetStatements(ctx); err != nil {
		return f, err
	}
	before, err := s.used(p)
	if err != nil {
		return f, err
	}
	began := time.Now()
	// A later poll may find an item again that is just being compared. While items wait, they are not counted: that
	// would be a part of Postgres' CPU time.
	const all = `
		SELECT CASE
		       WHEN EXISTS (SELECT FROM river_job
		                    WHERE  queue = 'events' AND state IN ('available', 'running', 'retryable', 'scheduled')) THEN false
		       ELSE (SELECT count(DISTINCT args->>'item_id') = $1 FROM river_job
		             WHERE  kind = 'item_resync' AND state = 'completed')
		       END`
	if err := s.until(during, 100*time.Millisecond, all, len(ids)); err != nil {
		return f, err
	}
	f.rate, f.idle = float64(len(ids))/time.Since(began).Seconds(), log.idle()
	if err := s.keepCalls(log, "feed"); err != nil {
		return f, err
	}
	after, err := s.used(p)
	if err != nil {
		return f, err
	}
	f.cpu = after.since(before, len(ids))
	if err := s.keepProfile(ctx, p, fmt.Sprintf("feed-%d", len(ids))); err != nil {
		return f, err
	}
	each := 1000 / float64(len(ids))
	f.monday, f.salesforce = each*float64(y.Monday.TotalCalls()-monday), each*float64(y.Salesforce.TotalCalls()-salesforce)
	if f.peak, err = p.peak(); err != nil {
		return f, err
	}
	return f, arrived(y, len(ids))
}

func alone(n int) string { return fmt.Sprintf("alone%d@example.org", n) }

func changed(n int) string { return fmt.Sprintf("changed%d@example.org", n) }

// arrived checks that every item shows the changed value.
func arrived(y *stage.Stage, records int) error {
	values := map[string]bool{}
	for _, item := range y.Monday.Items(oracle.Contacts) {
		values[item.Text["email"]] = true
	}
	missing := 0
	for n := range records {
		if !values[changed(n)] {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d changes are not in Monday", missing, records)
	}
	return nil
}

// delays changes one record after another, and measures how long each change takes from the commit until Monday shows
// it.
func (s *testbed) delays(ctx context.Context, y *stage.Stage, ids []string) (delays []time.Duration, err error) {
	// From now on by the new interval.
	if err := s.exec(ctx, "UPDATE feeds SET due_at = now() WHERE tier = 'now'"); err != nil {
		return nil, err
	}
	p, err := s.following(ctx, y)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	during, end := p.while(ctx)
	defer end()
	itemOf := map[string]int64{} // Salesforce Id -> item
	for _, item := range y.Monday.Items(oracle.Contacts) {
		itemOf[item.Text["text_sfid"]] = item.ID
	}
	open := map[int]time.Time{} // number of the change -> when it was committed
	changes, looks := time.NewTicker(1300*time.Millisecond), time.NewTicker(20*time.Millisecond)
	defer changes.Stop()
	defer looks.Stop()
	for n := 0; n < len(ids) || len(open) > 0; {
		select {
		case <-during.Done():
			return nil, context.Cause(during)
		case <-changes.C:
			if n < len(ids) {
				y.Salesforce.Update("Contact", ids[n], map[string]any{"Email": alone(n)})
				open[n] = time.Now()
				n++
			}
		case <-looks.C:
			for change, at := range open {
				if item, _ := y.Monday.Item(itemOf[ids[change]]); item.Text["email"] == alone(change) {
					delays = append(delays, time.Since(at))
					delete(open, change)
				}
			}
		}
	}
	return delays, nil
}
