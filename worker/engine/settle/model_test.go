package settle

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// modelRules have columns of each kind: one that several fields are read from, some with either winner, one with labels
// of equal value, and one that is only filled.
const modelRules = `
version: 1
defaults: { phone_country: US }
boards:
  b:
    board: 1
    records:
      r:
        object: Contact
        sync: both
        wins: %s
        fields:
          Name: { from: name, sync: to_monday }
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: { from: email, as: email }
          Phone: { from: phone, as: phone, wins: salesforce }
          Title: { from: status, labels: { A: one, B: two, C: one }, default: none }
          Amount: amount
          Note: { from: note, sync: to_monday }
          Copy: email
`

// models are the mappings by the side that wins.
var models = sync.OnceValue(func() map[string]*mapping.Mapping {
	all := map[string]*mapping.Mapping{}
	for _, wins := range []string{"monday", "salesforce"} {
		m, err := mapping.Parse("model.yaml", []byte(fmt.Sprintf(modelRules, wins)))
		if err != nil {
			panic(err)
		}
		all[wins] = m
	}
	return all
})

// types are the columns of the board.
var types = map[string]column.Type{
	"email": column.Email, "phone": column.Phone, "status": column.Status, "amount": column.Numbers, "note": column.LongText,
}

// model is an item, its record, and what crmsync knows, with everything that happens between them. Passes are whole;
// people edit, and events arrive, at any time between them.
type model struct {
	t          *rapid.T
	rec        *mapping.Record
	normalizes bool // Salesforce rewrites values
	flows      bool // an automation replaces values
	rejects    bool // Salesforce rejects some values

	clock   int64 // Unix microseconds
	monday  mapping.Item
	updated int64 // of the item
	past    []snapshot
	holds   map[string]any
	savedAt time.Time               // of the record, if we were the last to save it
	ours    map[string]any          // what Salesforce holds because we wrote it, by field
	made    map[string]any          // what an automation has made of our last write, if nobody has saved the record since
	shown   map[string]column.Value // what Monday shows because we wrote it, by column

	item      ledger.Item
	link      ledger.Link
	abandoned bool
	events    []event // sent and not received
	bell      bool    // something in Salesforce changed without an event
	retries   []event // received, and to be handled again

	edits     []edit
	conflicts []conflict
	writes    int
	tokens    int
}

func newModel(t *rapid.T) *model {
	wins := rapid.SampledFrom([]string{"monday", "salesforce"}).Draw(t, "wins")
	g := &model{
		t: t, rec: models()[wins].Boards[0].Records[0], normalizes: rapid.Bool().Draw(t, "normalizes"), flows: rapid.Bool().Draw(t, "flows"), rejects: rapid.Bool().Draw(t, "rejects"), clock: 1_790_000_000_000_000,
		shown: map[string]column.Value{}, monday: mapping.Item{ID: 7, Name: "F0 L0", Columns: map[string]column.Value{}}, holds: map[string]any{},
		item: ledger.Item{ID: 7, BoardID: 1, Known: true}, link: ledger.Link{ItemID: 7, Record: "r", Object: "Contact", SalesforceID: "003000000000001AAA"},
	}
	for id, typ := range types {
		g.monday.Columns[id] = column.Value{Type: typ}
	}
	g.link.Agree(mapping.DefaultKey, "7")
	switch start := rapid.SampledFrom([]string{"met", "switched", "new"}).Draw(t, "start"); start {
	case "met", "switched":
		for _, f := range g.rec.Fields {
			g.holds[f.Name] = nil
		}
		g.save(map[string]any{"FirstName": "F0", "LastName": "L0", "Title": "none"})
		for _, f := range g.rec.Fields {
			if start == "met" || f.Sync != mapping.ToMonday {
				g.link.Agree(f.Name, g.holds[f.Name])
			}
			if start == "met" && f.ToMonday() {
				g.link.Hold(f.Name, ledger.Held{Value: g.holds[f.Name]})
			}
		}
		g.item.MergeReading(g.read(), slices.Collect(maps.Keys(types)), ledger.Floor{}, g.now())
		if start == "switched" { // so far the fields only went to Salesforce
			g.link.Stamp(g.rec.Sent())
			g.bell = true
			g.save(map[string]any{"Email": rapid.SampledFrom([]any{nil, "x0@x.org"}).Draw(t, "mail")})
		}
		g.ours = maps.Clone(g.holds)
		delete(g.ours, "Email")
	default:
		g.save(map[string]any{
			"FirstName": rapid.SampledFrom([]any{"F0", "X0"}).Draw(t, "first"), "LastName": "L0", "Email": rapid.SampledFrom([]any{nil, "x0@x.org"}).Draw(t, "mail"),
			"Phone": nil, "Title": "none", "Amount": nil, "Note": rapid.SampledFrom([]any{nil, "x0"}).Draw(t, "note"),
		})
		g.bell = true
	}
	return g
}

// TestModel: people edit both sides, events are late, doubled and out of order, answers are lost, workers die, and
// anything may be unknown for a while. Once all is quiet both sides agree, and no edit is lost: it stands, or was
// overwritten by somebody who saw it, or is among the conflicts. The number of interleavings is set by -rapid.checks.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := newModel(t)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0:
				g.editMonday()
			case 1:
				g.editSalesforce()
			default:
				f := fault(rapid.IntRange(0, 3*faultCount).Draw(t, "fault"))
				if int(f) >= faultCount {
					f = nothing
				}
				rung := rapid.Bool().Draw(t, "rung")
				received := g.receive(false)
				if rung {
					g.bell = false
				}
				if len(received) > 0 || rung {
					g.pass(received, rung, f)
				}
			}
		}
		g.settle()
		g.verify()
	})
}
