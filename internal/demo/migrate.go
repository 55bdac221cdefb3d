package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"crmsync/internal/progress"
	"crmsync/internal/words"
	"crmsync/schema/store"
)

// before describes the import: what it created, how long it took, and what its echoes caused.
type before struct {
	records            int
	took               time.Duration
	salesforce, monday int // API calls
	events, deliveries int // received for the new items
	wrote              int // events among these that changed anything; must be 0
	processed          int // that finished
}

// firstOfBefore is the number of the first person from before; the scenario uses lower ones.
const firstOfBefore = 700

// migrate imports the existing records from Salesforce into the boards, as `crmsync migrate` does, and waits until the
// webhooks of the new items have been processed.
func (d *demo) migrate(ctx context.Context) error {
	d.plant()
	fmt.Fprintf(d.out, "\n%s accounts and %s contacts are in Salesforce from the time before Monday. crmsync migrate "+
		"brings them to the boards.\n\n",
		words.Number(d.size.accounts), words.Number(d.size.contacts))
	began := time.Now()
	show := progress.New(d.out)
	runs, err := d.program.Migrate(ctx, d.DB, d.program.Mapping.Migrations(), store.By{Actor: "demo", Via: store.ViaCLI},
		show)
	show.End()
	err = errors.Join(err, progress.Table(d.out, runs))
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	b := before{records: d.size.accounts + d.size.contacts, took: time.Since(began)}
	d.settle(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.salesforce, b.monday = d.Salesforce.TotalCalls(), d.Monday.TotalCalls()
	b.events, b.deliveries = d.Monday.DeliveryCounts()
	const wrote = `SELECT count(*) FROM sync_logs WHERE status = 'success' AND event <> 'migrate_board'`
	if err := d.DB.QueryRow(ctx, wrote).Scan(&b.wrote); err != nil {
		return fmt.Errorf("reading the results of the migration: %w", err)
	}
	q, err := d.queue(ctx)
	b.processed, d.before = q.processed, b
	return err
}

// plant creates accounts in Salesforce, and contacts belonging to them.
func (d *demo) plant() {
	var at []string
	for n := range d.size.accounts {
		at = append(at, d.Salesforce.Insert("Account", map[string]any{
			"Name": fmt.Sprintf("%s, Chapter %d", companyName(n), n), "Phone": fmt.Sprintf("+1212555%04d", n),
			"Description": "A partner since 2019.",
		}))
	}
	for n := range d.size.contacts {
		person := personName(firstOfBefore + n)
		first, last, _ := strings.Cut(person, " ")
		d.Salesforce.Insert("Contact", map[string]any{
			"FirstName": first, "LastName": last, "Email": mailboxValue(person, "before")["email"], "AccountId": at[n%len(at)],
		})
	}
}
