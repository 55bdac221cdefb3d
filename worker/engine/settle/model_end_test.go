package settle

import (
	"maps"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// settle delivers all events, and runs passes until nothing is written any more.
func (g *model) settle() {
	for round := 0; ; round++ {
		if round == 8 {
			g.t.Fatalf("not quiet after %d rounds", round)
		}
		before := g.writes
		received := g.receive(true)
		g.bell = false
		g.pass(received, true, nothing)
		if g.writes == before && len(g.events) == 0 && len(g.retries) == 0 && !g.bell {
			break
		}
	}
	before := g.writes
	g.clock += pageLag // no page shows a label's old name any more, which could count as a change
	g.pass(nil, true, nothing)
	if g.writes != before {
		g.t.Fatal("a comparison after all is quiet writes something")
	}
	g.planned()
}

// planned creates a plan once all is quiet, which must list what is left to a person and nothing else.
func (g *model) planned() {
	decisions := Columns(Input{Record: g.rec, Item: viewOf(g.item), Link: &g.link, Holds: maps.Clone(g.holds), Now: g.now()})
	left := map[string]bool{"": true, string(plan.FirstMeeting): true, string(plan.CannotBeShown): true, string(plan.Missing): true}
	for _, d := range decisions {
		isRejected := d.Field.Name == "Title" && strings.HasPrefix(g.item.Value("status").Text, renamed) // the plan says so
		if isBad(d.Field.Name, d.Monday) && (d.Sends || d.SendsParts()) {
			continue // the plan says that it cannot be sent
		}
		if isRejected && d.Kind == plan.BothChanged && d.Lost == nil {
			continue // Monday's value has won, and is not known any more
		}
		if !left[string(d.Kind)] || d.Sends && !isRejected || d.Takes {
			g.t.Fatalf("the plan after all is quiet: %s %s", d.Field.Name, d.Kind)
		}
	}
	holds := maps.Clone(g.holds)
	holds[mapping.DefaultKey] = "7"
	p := plan.Make(g.rec, plan.Item{
		View: viewOf(g.item), Links: map[string]*ledger.Link{"r": &g.link}, Decided: map[string]map[string]bool{"r": Decided(decisions)},
		Held: map[string]map[string]any{g.link.SalesforceID: holds}, Choices: plan.Choices{Enforce: true},
	}, "", &plan.References{}, mapping.DefaultKey, g.now())
	if p.Write != nil || len(p.Differences) > 0 {
		g.t.Fatalf("the plan after all is quiet: %+v, %+v, the record holds %v", p.Write, p.Differences, g.holds)
	}
}

// verify checks that both sides agree, and that no edit is lost.
func (g *model) verify() {
	in := Input{Record: g.rec, Item: g.monday, Link: &g.link, Holds: g.holds, Now: g.now()}
	for _, f := range g.rec.Back() {
		c := in.column(f)
		held := g.link.Held[f.Name]
		if !held.Unsaid && !held.Apart && !c.isAlone() && c.monday.ok() && !isBad(f.Name, c.monday.value) && !c.same(c.monday.value, g.holds[f.Name]) {
			g.t.Fatalf("%s: Monday says %v, Salesforce holds %v, the ledger %+v, %+v", f.Name, c.monday.value, g.holds[f.Name], g.link.Written[f.Name], held)
		}
	}
	for _, e := range g.edits {
		field := fieldsOf[e.column]
		if e.inMonday && !e.over && !isBad(field, e.token) && g.link.Held[field].Apart && has(g.monday.Value(e.column).Text, e.token) {
			g.t.Fatalf("the edit %s of %s is left as a first meeting, although its event arrived", e.token, e.column)
		}
		found := e.over || has(g.monday.Value(e.column).Text, e.token) || has(g.holds[fieldsOf[e.column]], e.token)
		for _, lost := range g.conflicts {
			found = found || has(lost.Monday, e.token) || has(lost.Salesforce, e.token)
		}
		if !found {
			g.t.Fatalf("the edit %s of %s is lost: Monday shows %q, Salesforce holds %v, conflicts %+v",
				e.token, e.column, g.monday.Value(e.column).Text, g.holds[fieldsOf[e.column]], g.conflicts)
		}
	}
	for id, field := range fieldsOf {
		if g.flows && id == "email" {
			continue // if an answer is lost, what an automation made of the value counts as a person's edit
		}
		e := g.lastEdit(id)
		if e != nil && e.alone && !isBad(field, e.token) && !g.link.Held[field].Apart && (!has(g.monday.Value(id).Text, e.token) || !has(g.holds[field], e.token)) {
			g.t.Fatalf("the edit %s of %s, made on one side alone, is reverted: Monday shows %q, Salesforce holds %v",
				e.token, id, g.monday.Value(id).Text, g.holds[field])
		}
	}
}
