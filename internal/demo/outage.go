package demo

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"crmsync/internal/oracle"
	mondaysim "crmsync/internal/sim/monday"
	"crmsync/schema/store"
)

// outage is the result of changes whose webhooks were lost, and of a field that was added to the mapping.
type outage struct {
	changes  int // by people, while the webhooks were lost
	compared int // items
	healed   time.Duration

	people int // people who got the new field
	filled time.Duration
}

// usage is the calls and events up to the end of the scenario; what follows has its own line.
type usage struct{ salesforce, monday, events, deliveries int }

func (d *demo) usage() (u usage) {
	u.salesforce, u.monday = d.Salesforce.TotalCalls(), d.Monday.TotalCalls()
	u.events, u.deliveries = d.Monday.DeliveryCounts()
	return u
}

// lose loses all webhooks for a while, as in an outage of two hours, and then compares the boards as is done each
// night.
func (d *demo) lose(ctx context.Context) error {
	d.Monday.SetLost(1)
	d.outage.changes = d.changeUnseen()
	d.Monday.SetLost(0)
	var sweeps []store.Sweep
	for _, b := range d.program.Mapping.Boards {
		sweeps = append(sweeps, store.Sweep{BoardID: b.ID, Board: b.Name, Kind: "reconcile", Mapped: b.Made()})
	}
	began := time.Now()
	done, _, err := d.program.Apply(ctx, d.DB, sweeps, store.By{Actor: "demo", Via: store.ViaCLI}, func([]store.Sweep) {})
	if err != nil {
		return fmt.Errorf("comparing the boards: %w", err)
	}
	d.settle(ctx)
	d.outage.healed = time.Since(began)
	for _, w := range done {
		d.outage.compared += w.Items
	}
	return nil
}

// changeUnseen changes people on the board, each in a different way. It returns how many.
func (d *demo) changeUnseen() (changes int) {
	var people []mondaysim.Item
	for _, item := range d.Monday.Items(oracle.Contacts) {
		if item.State == "active" && item.Text["text_sfid"] != "" && !d.scenario.edits(item.ID) {
			people = append(people, item)
		}
	}
	for n, item := range people[:min(len(people), 10)] {
		switch n % 5 {
		case 0:
			d.Monday.Rename(item.ID, item.Name+"-Unseen")
		case 1:
			d.Monday.SetColumn(item.ID, "phone", phoneValue(900+n))
		case 2:
			d.Monday.DeleteItem(item.ID)
		case 3:
			d.Monday.ArchiveItem(item.ID)
		case 4:
			person := personName(950 + n)
			d.Monday.CreateItem(oracle.Contacts, person, map[string]any{"email": mailboxValue(person, "unseen"),
				"phone": phoneValue(950 + n)})
		}
		changes++
	}
	return changes
}

// edits reports whether a person has entered an address of the item in Salesforce.
func (s *scenario) edits(item int64) bool {
	s.back.mu.Lock()
	defer s.back.mu.Unlock()
	return slices.ContainsFunc(s.back.edits, func(e *backEdit) bool { return e.item == item })
}

// widen adds a field to the mapping while everything runs, and waits until all people have it.
func (d *demo) widen(ctx context.Context) error {
	const before = "          AccountId: { from: connect"
	wide := strings.Replace(string(bothWays()), before, "          MobilePhone: { from: phone, as: phone }\n"+before, 1)
	began := time.Now()
	if err := os.WriteFile(d.Env["MAPPING"], []byte(wide), 0o600); err != nil {
		return fmt.Errorf("changing the mapping: %w", err)
	}
	waiting, cancel := context.WithTimeout(ctx, settling)
	defer cancel()
	for !d.isWide(waiting) && sleep(waiting, 50*time.Millisecond) {
	}
	d.settle(ctx)
	d.outage.filled = time.Since(began)
	return nil
}

// isWide reports whether the board was compared by the mapping with the new field. If that does not happen, the
// scoreboard shows it.
func (d *demo) isWide(ctx context.Context) (done bool) {
	const query = `SELECT EXISTS (SELECT FROM sweeps WHERE kind = 'backfill' AND state = 'done' AND mapped ? 'contact.MobilePhone')`
	err := d.DB.QueryRow(ctx, query).Scan(&done)
	return err == nil && done
}

// scoreWide checks that each person's record has the new field.
func (d *demo) scoreWide(b *scoreboard) {
	b.outage = d.outage
	for _, item := range d.Monday.Items(oracle.Contacts) {
		if item.State != "active" || item.Text["phone"] == "" {
			continue
		}
		record := d.Salesforce.Get("Contact", item.Text["text_sfid"])
		if want := oracle.Account(item).Fields["Phone"]; record == nil || !oracle.Fits(want, record["MobilePhone"]) {
			b.fault("stale: the record of item %d does not have the field that is new in the mapping", item.ID)
			continue
		}
		b.outage.people++
	}
}
