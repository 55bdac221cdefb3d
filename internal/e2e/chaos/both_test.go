package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

// bothMapping syncs every field of a contact both ways, with each rule.
const bothMapping = `
version: 1
defaults: { phone_country: US, reconcile: off }
boards:
  contacts:
    board: 2001
    records:
      contact:
        object: Contact
        id_column: text_sfid
        sync: both
        fields:
          LastName: { from: name, sync: to_salesforce }
          Email: email
          Phone: { from: phone, as: phone, wins: salesforce }
          Title: title
          Department: { from: dept, wins: salesforce }
          Description: { from: note, sync: to_monday }
`

const bothBoard = 2001

var (
	shortBoth = chaosSize{
		items: 15, events: 240, pace: 60 * time.Millisecond, patience: 4 * time.Minute,
		incidents: map[int]func(*chaos){60: (*chaos).killIngest, 90: (*chaos).revoke, 130: (*chaos).crashPostgres},
	}
	fullBoth = chaosSize{
		items: 60, events: 1500, pace: 40 * time.Millisecond, patience: 8 * time.Minute,
		incidents: map[int]func(*chaos){
			200: (*chaos).killIngest, 450: (*chaos).restartPostgres, 700: (*chaos).killIngest, 900: (*chaos).crashPostgres,
			150: (*chaos).revoke, 800: (*chaos).revoke,
		},
	}
)

// TestChaosBothWays has people edit both sides of the same contacts, often at once, while processes are killed, webhooks
// are lost for good, two workers poll at once, transactions are committed minutes after their time, a roll-up touches
// every record, and a flow rewrites what is saved. When all is quiet, both sides must agree, and each edit must be what
// both sides show, or must have been replaced by somebody who saw it, or must be in the conflict ledger.
//
// SEED=n repeats the same edits, but not their timing. CHAOS=full performs 1,500 of them.
func TestChaosBothWays(t *testing.T) {
	t.Parallel()
	size := shortBoth
	if os.Getenv("CHAOS") == "full" {
		size = fullBoth
	}
	c := newChaos(t, size, func(config *stage.Config) {
		config.Monday.Boards = []mondaysim.Board{bothColumns()}
		path := filepath.Join(t.TempDir(), "mapping.yaml")
		if err := os.WriteFile(path, []byte(bothMapping), 0o600); err != nil {
			t.Fatal(err)
		}
		config.Env["MAPPING"], config.Env["SALESFORCE_POLL"] = path, "300ms"
	})
	c.script = &script{}
	b := newBoth(c)
	c.start(bothBoard)
	b.begin()
	c.play(b.step)
	c.settle()
	b.heal()
	b.judge()
}

func bothColumns() mondaysim.Board {
	typed := func(kind, id string) mondaysim.Column { return mondaysim.Column{ID: id, Title: id, Type: kind} }
	return mondaysim.Board{ID: bothBoard, Name: "Contacts", Columns: []mondaysim.Column{
		typed("email", "email"), typed("phone", "phone"), typed("text", "title"), typed("text", "dept"), typed("long_text", "note"), typed("text", "text_sfid"),
	}}
}

// both lets people edit both sides, and keeps every edit.
type both struct {
	*chaos
	rng    *rand.Rand
	people []*person
	count  int // makes values unique
	edits  *edits
	before [2]int // calls to Salesforce and Monday before the first edit
	polls  int    // that are among them

	written atomic.Int64 // records and items that the program wrote

	mu     sync.Mutex
	looked map[string]bool // Ids of records that the program has read since it last wrote them
	unseen []string        // Ids of records that it wrote without
}

// person is an item with its record.
type person struct {
	item   int64
	record string // Id
}

// field is a field of the record with its column.
type field struct {
	name, column string
	value        func(n int) string // a token that is never used twice
	inMonday     bool               // people edit it there, too
}

var bothFields = []field{
	{"Email", "email", func(n int) string { return fmt.Sprintf("t%d@example.org", n) }, true},
	{"Phone", "phone", func(n int) string { return fmt.Sprintf("+1212555%04d", n) }, true},
	{"Title", "title", func(n int) string { return fmt.Sprintf("Title %d", n) }, true},
	{"Department", "dept", func(n int) string { return fmt.Sprintf("Department %d", n) }, true},
	{"Description", "note", func(n int) string { return fmt.Sprintf("Note %d", n) }, false},
}

func newBoth(c *chaos) *both {
	b := &both{chaos: c, rng: rand.New(rand.NewPCG(c.seed, 2)), edits: newEdits(c), looked: map[string]bool{}}
	c.Salesforce.AddFlow("Contact", func(record map[string]any) map[string]any {
		title, _ := record["Title"].(string)
		return map[string]any{"Title": strings.ToUpper(title)}
	})
	return b
}

// begin creates the items, and waits until all of them have records and the feed has begun.
func (b *both) begin() {
	for n := range b.size.items {
		p := &person{item: b.Monday.CreateItem(bothBoard, fmt.Sprintf("Person%d", n), nil)}
		b.people = append(b.people, p)
	}
	b.eventually("all items have records", b.size.patience, func() bool {
		for _, p := range b.people {
			item, _ := b.Monday.Item(p.item)
			if p.record = item.Text["text_sfid"]; p.record == "" {
				return false
			}
		}
		return b.none("SELECT count(*) FROM river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded')") &&
			b.none("SELECT 1 - count(*) FROM feeds WHERE tier = 'now' AND covered IS NOT NULL")
	})
	b.edits.watch(b.people)
	lost := rand.New(rand.NewPCG(b.seed, 3))
	b.gate.lose(func() bool { return lost.IntN(12) == 0 })
	b.countWrites()
	b.before, b.polls = [2]int{b.Salesforce.TotalCalls(), b.Monday.TotalCalls()}, b.Salesforce.Calls()["composite"]
}

// countWrites counts what the program writes from now on, attempts included.
func (b *both) countWrites() {
	b.Salesforce.OnCall(func(call sfsim.Call) *sfsim.Fault {
		for _, part := range call.Each() {
			if part.Operation == "update" || part.Operation == "upsert" || part.Operation == "create" {
				b.written.Add(int64(len(part.Records)))
			}
			b.checkLook(part)
		}
		return nil
	})
	b.Monday.OnCall(func(call mondaysim.Call) *mondaysim.Fault {
		b.written.Add(int64(strings.Count(call.Query, "change_multiple_column_values(")))
		return nil
	})
}

// checkLook checks that a record was read before each write of it: somebody may have edited it meanwhile.
func (b *both) checkLook(call sfsim.Call) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, row := range call.Records {
		id, _ := row["id"].(string)
		if other, ok := row["Id"].(string); ok {
			id = other
		}
		switch {
		case call.Operation == "retrieve":
			b.looked[id] = true
		case call.Operation == "update" && !b.looked[id]:
			b.unseen = append(b.unseen, id)
		case call.Operation == "update":
			b.looked[id] = false
		}
	}
}

// step makes one edit, and often a second one of the same field on the other side. Faults of both systems come in
// between.
func (b *both) step(n int) {
	p, f := b.people[b.rng.IntN(len(b.people))], bothFields[b.rng.IntN(len(bothFields))]
	inMonday := f.inMonday && b.rng.IntN(2) == 0
	b.edit(p, f, inMonday)
	if f.inMonday && b.rng.IntN(4) == 0 {
		b.edit(p, f, !inMonday)
	}
	switch {
	case n%50 == 25:
		b.Salesforce.Touch("Contact")
	case n%20 == 10:
		b.feedAgain("DELETE FROM leases WHERE key = 'feed'") // so that two workers poll at once
	case n%40 == 5:
		b.feedAgain("UPDATE feeds SET due_at = now() WHERE tier <> 'now'") // as if hours had passed
	}
}

// edit changes a field on one side, as a person does who sees what that side shows. Some transactions in Salesforce are
// committed up to 400 seconds after their time.
func (b *both) edit(p *person, f field, inMonday bool) {
	b.count++
	value := f.value(b.count)
	b.edits.enter(p, f, inMonday, value, func() {
		switch {
		case inMonday:
			b.Monday.SetColumn(p.item, f.column, bothValue(f, value))
		case b.rng.IntN(6) == 0:
			b.Salesforce.UpdateLate("Contact", p.record, map[string]any{f.name: value}, time.Duration(1+b.rng.IntN(400))*time.Second)
		default:
			b.Salesforce.Update("Contact", p.record, map[string]any{f.name: value})
		}
	})
}

// bothValue returns the value of a column in the form in which Monday takes it.
func bothValue(f field, value string) any {
	switch f.column {
	case "email":
		return mailbox(value)
	case "phone":
		return map[string]any{"phone": value, "countryShortName": "US"}
	}
	return value
}

// feedAgain changes the state of the feed, unless Postgres is away.
func (b *both) feedAgain(statement string) { _, _ = b.DB.Exec(b.ctx, statement) }

// heal finds what webhooks and the feed have missed, like the nightly comparison and the wider tiers.
func (b *both) heal() {
	b.gate.lose(nil)
	read := `SELECT count(*) FROM feeds WHERE due_at <= now() OR reading`
	for range 2 { // the second one covers the end of the first
		b.feedAgain("UPDATE feeds SET due_at = now()")
		b.eventually("all tiers have read", b.size.patience, func() bool { return b.none(read + " AND tier <> 'now'") })
	}
	b.settle()
	out, err := b.command("apply", "--yes")
	if err != nil {
		b.t.Fatalf("apply: %v\n%s", err, out)
	}
	b.settle()
	b.edits.stop()
}
