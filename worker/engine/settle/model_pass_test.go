package settle

import (
	"maps"
	"slices"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// fault is what goes wrong in a pass.
type fault int

// pass does what a batch of the engine does with one item. Its results are stored only if it succeeds.
func (g *model) pass(received []event, rung bool, f fault) {
	g.faulty = g.faulty || f != nothing
	item, link := copyOf(g.item), copyLink(g.link)
	touched, ask := map[string]bool{}, g.abandoned
	floor := ledger.Floor{}
	if g.abandoned {
		link.Doubt(mapping.DefaultKey)
		for _, f := range g.rec.Fields {
			if _, was := link.Written[f.Name]; was && f.Sync != mapping.ToMonday {
				link.Doubt(f.Name)
			}
		}
	}
	if f == forgotten {
		delete(item.Columns, "email")
	}
	for _, e := range received {
		var m ledger.Merge
		if e.column == ledger.NameColumn {
			m = item.MergeName(e.value.Text, time.UnixMicro(e.at).UTC(), true, g.now())
		} else {
			m = item.MergeColumn(e.column, ledger.Column{Value: e.value, At: e.at}, true, g.now())
		}
		switch m {
		case ledger.Stale, ledger.Echo:
			continue
		case ledger.Doubtful:
			floor.Raise(e.column, e.at)
			ask = true
		}
		touched[e.column] = true
	}
	asked := false
	if rung && len(received) == 0 && f != forgotten && rapid.Bool().Draw(g.t, "by page") {
		read, pageFloor := g.page()
		if item.Contradicts(read, slices.Sorted(maps.Keys(types)), pageFloor, g.now()) {
			ask = true
		} else {
			item.MergeReading(read, slices.Sorted(maps.Keys(types)), pageFloor, g.now())
		}
	}
	readMonday := func() {
		for id := range types {
			if at := item.KnownAt(id); g.updated/1e6 >= at/1e6 {
				floor.Raise(id, at)
			}
		}
		if at := item.KnownAt(ledger.NameColumn); g.updated/1e6 >= at/1e6 {
			floor.Raise(ledger.NameColumn, at)
		}
		item.MergeReading(g.read(), slices.Sorted(maps.Keys(types)), floor, g.now())
	}
	if ask || item.Unread(slices.Sorted(maps.Keys(types))) {
		readMonday()
		asked = true
	}
	input := func() Input {
		in := Input{Record: g.rec, Item: viewOf(item), Link: &link, Touched: touched, Now: g.now(), Holds: maps.Clone(g.holds)}
		if f == hidden {
			delete(in.Holds, "Email")
		}
		return in
	}
	g.bell = g.bell || f == hidden
	var decisions []Decision
	view := viewOf(item)
	if rung || NeedsSalesforce(input()) {
		decisions = Columns(input())
		if !asked && slices.ContainsFunc(decisions, func(d Decision) bool { return d.Takes }) {
			readMonday()
			decisions = Columns(input())
			view = viewOf(item)
		}
	}
	for _, d := range decisions {
		g.checkLost(d)
		if d.Lost != nil && f != unread {
			g.conflicts = append(g.conflicts, *d.Lost) // they are kept before anything is overwritten
		}
		if !d.Takes {
			d.Record(&link, 1, g.now())
		} else {
			view = view.With(d.Field.Column(), d.Value)
		}
	}
	if len(received) > 0 && slices.ContainsFunc(decisions, func(d Decision) bool { return d.Hidden }) {
		g.item, g.link, g.abandoned, g.retries = item, link, false, received // the events come back later
		return
	}
	if f == unread {
		g.abandoned, g.retries, g.bell = true, received, g.bell || rung
		return
	}
	p := plan.Make(g.rec, plan.Item{
		View: view, Links: map[string]*ledger.Link{"r": &link}, Touched: touched, Decided: map[string]map[string]bool{"r": Decided(decisions)},
	}, "", &plan.References{}, mapping.DefaultKey, g.now())
	if p.Unread && f != hidden {
		g.t.Fatalf("a field is not sent because the record was not read: %v", p)
	}
	for _, r := range p.Rejected {
		link.Reject(r.Field, ledger.Rejection{Value: r.Value, Code: r.Code, JobID: 1})
	}
	again := false
	if p.Write != nil {
		g.check(p.Write.Fields)
		if f != refused {
			g.save(p.Write.Fields)
			g.own(p.Write.Fields)
			g.bell = true
			g.writes++
		}
		for name, value := range p.Write.Fields {
			if f == lost || f == refused {
				link.DoubtSent(name, value)
				again = true
				continue
			}
			link.Agree(name, value)
			if slices.ContainsFunc(g.rec.Back(), func(f *mapping.Field) bool { return f.Name == name }) {
				link.Hold(name, ledger.Held{Value: value})
			}
		}
		for _, d := range decisions {
			d.Confirm(&link)
		}
	}
	for _, d := range decisions {
		if !d.Takes {
			continue
		}
		g.show(d.Field.Column(), d.Value)
		g.writes++
		item.WriteColumn(d.Field.Column(), d.Value)
		d.Record(&link, 1, g.now())
	}
	if f == crash {
		g.abandoned, g.retries, g.bell = true, received, g.bell || rung
		return
	}
	g.item, g.link, g.abandoned = item, link, false
	if again {
		g.retries = append(g.retries, received...)
		g.bell = true
	}
}

// own records that Salesforce holds what we have written, unless it has rewritten it.
func (g *model) own(fields map[string]any) {
	for name, value := range fields {
		if g.ours != nil && g.holds[name] == value {
			g.ours[name] = value
		}
	}
	if _, first := g.ours["FirstName"]; first && g.ours["LastName"] != nil {
		g.ours["Name"] = g.holds["Name"]
	}
}

// checkLost: a conflict is about a value that somebody else has entered.
func (g *model) checkLost(d Decision) {
	if ours, known := g.ours[d.Field.Name]; d.Lost != nil && known && ours == d.Lost.Salesforce && !g.faulty {
		g.t.Fatalf("%s: a false conflict, Salesforce holds what we have written: %+v", d.Field.Name, *d.Lost)
	}
}

// check fails if a write to Salesforce clears a field, or writes a default, although the item's column has a value.
func (g *model) check(fields map[string]any) {
	for _, f := range g.rec.Fields {
		value, sent := fields[f.Name]
		shown := g.monday.Value(f.Column())
		if sent && (value == nil || value == "none") && g.holds[f.Name] != nil && f.Name != "FirstName" && !shown.Empty() && !g.wasEmpty(f.Column()) {
			g.t.Fatalf("%s is emptied, while column %s shows %q", f.Name, f.Column(), shown.Text)
		}
	}
}

// wasEmpty reports whether people ever empty the column.
func (g *model) wasEmpty(id string) bool { return id == "status" }

func viewOf(item ledger.Item) mapping.Item {
	view := mapping.Item{ID: item.ID, Name: item.Name, Columns: map[string]column.Value{}}
	for id, c := range item.Columns {
		view.Columns[id] = c.Value
	}
	return view
}

func copyOf(item ledger.Item) ledger.Item {
	item.Columns = maps.Clone(item.Columns)
	return item
}

func copyLink(l ledger.Link) ledger.Link {
	l.Written, l.Held, l.Rejected, l.Turns = maps.Clone(l.Written), maps.Clone(l.Held), maps.Clone(l.Rejected), maps.Clone(l.Turns)
	return l
}
