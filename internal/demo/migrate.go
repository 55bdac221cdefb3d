package demo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"crmsync/internal/progress"
)

// before is the demo up to the live part: what the migration brought, what it took, and what came of its echoes.
type before struct {
	records            int
	took               time.Duration
	salesforce, monday int // API calls
	events, deliveries int // that Monday told of the new items
	wrote              int // events of these that changed anything; there is to be none
	applied            int // that came to an end
}

// firstOfBefore is the number of the first of the people from before: behind those of the story.
const firstOfBefore = 700

// migrate brings what is in Salesforce from the time before Monday to the boards, as `crmsync migrate` does, and waits
// until the webhooks of the new items have come to their end.
func (d *demo) migrate(ctx context.Context) error {
	d.plant()
	fmt.Fprintf(d.out, "\n%s accounts and %s contacts are in Salesforce from the time before Monday. crmsync migrate brings them to the boards.\n\n",
		grouped(d.size.accounts), grouped(d.size.contacts))
	began := time.Now()
	show := progress.New(d.out)
	runs, err := d.program.Migrate(ctx, d.DB, d.program.Mapping.Migrations(), show)
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
	b.events, b.deliveries = d.Monday.Delivered()
	const wrote = `SELECT count(*) FROM sync_logs WHERE status = 'success' AND event <> 'migrate_board'`
	if err := d.DB.QueryRow(ctx, wrote).Scan(&b.wrote); err != nil {
		return fmt.Errorf("looking at what came of the migration: %w", err)
	}
	q, err := d.queue(ctx)
	b.applied, d.before = q.applied, b
	return err
}

// plant puts accounts and contacts into Salesforce, each contact at one of the accounts.
func (d *demo) plant() {
	var at []string
	for n := range d.size.accounts {
		at = append(at, d.Salesforce.Insert("Account", map[string]any{
			"Name": fmt.Sprintf("%s, Chapter %d", companyName(n), n), "Phone": fmt.Sprintf("+1212555%04d", n), "Description": "A partner since 2019.",
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
