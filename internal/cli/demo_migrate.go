package cli

import (
	"context"
	"fmt"
	"time"
)

// demoBefore is the demo up to the live part: what the migration brought, what it took, and what came of its echoes.
type demoBefore struct {
	records            int
	took               time.Duration
	salesforce, monday int // API calls
	events, deliveries int // that Monday told of the new items
	wrote              int // events of these that changed anything; there is to be none
	applied            int // that came to an end
}

// demoFirstOfBefore is the number of the first of the people from before: behind those of the story.
const demoFirstOfBefore = 700

// migrate brings what is in Salesforce from the time before Monday to the boards, as `crmsync migrate` does, and waits until
// the webhooks of the new items have come to their end.
func (d *demo) migrate(ctx context.Context) error {
	d.plant()
	fmt.Fprintf(d.out, "\n%s accounts and %s contacts are in Salesforce from the time before Monday. crmsync migrate brings them to the boards.\n\n",
		grouped(d.size.accounts), grouped(d.size.contacts))
	began := time.Now()
	show := newProgress(d.out)
	err := migrateCommand{}.work(ctx, &program{stdout: d.out, stderr: d.out}, d.program, d.db, d.program.Mapping.Migrations(), show)
	show.end()
	if err != nil {
		return fmt.Errorf("migrating: %w", err)
	}
	b := demoBefore{records: d.size.accounts + d.size.contacts, took: time.Since(began)}
	d.settle(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.salesforce, b.monday = d.salesforce.TotalCalls(), d.monday.TotalCalls()
	b.events, b.deliveries = d.monday.Delivered()
	const wrote = `SELECT count(*) FROM sync_logs WHERE status = 'success' AND event <> 'migrate_board'`
	if err := d.db.QueryRow(ctx, wrote).Scan(&b.wrote); err != nil {
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
		at = append(at, d.salesforce.Insert("Account", map[string]any{
			"Name": fmt.Sprintf("%s, Chapter %d", demoCompany(n), n), "Phone": fmt.Sprintf("+1212555%04d", n), "Description": "A partner since 2019.",
		}))
	}
	for n := range d.size.contacts {
		person := demoPerson(demoFirstOfBefore + n)
		first, last := demoNames(person)
		d.salesforce.Insert("Contact", map[string]any{
			"FirstName": first, "LastName": last, "Email": demoMailbox(person, "before")["email"], "AccountId": at[n%len(at)],
		})
	}
}
