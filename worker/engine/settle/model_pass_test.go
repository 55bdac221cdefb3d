package settle

import (
	"maps"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// fault is what goes wrong in a pass.
type fault int

const (
	nothing    fault = iota
	unread           // the pass ends before it writes
	lost             // Salesforce's answer is lost, and the write took effect
	refused          // it did not
	unsent           // the worker dies before its first write
	sent             // it dies between both writes
	crash            // after both writes
	unanswered       // Monday's answer is lost, and the write took effect
	unshown          // it did not
	hidden           // a field of Salesforce is not visible
	forgotten        // a column is unknown
	faultCount = int(forgotten) + 1
)

// pass does what a batch of the engine does with one item. Its results are stored only if it succeeds.
func (g *model) pass(received []event, rung bool, f fault) {
	item, link := copyOf(g.item), copyLink(g.link)
	touched, told, ask := map[string]bool{}, map[string][]ledger.Column{}, g.abandoned
	floor := ledger.Floor{}
	if g.abandoned {
		link.Overtake()
		g.made = map[string]any{}
		link.Doubt(mapping.DefaultKey)
		for _, f := range g.rec.Fields {
			if _, was := link.Written[f.Name]; was && !g.rec.IsCompared(f) {
				link.Doubt(f.Name)
			}
		}
	}
	for _, d := range link.Doubts {
		ask = ask || len(d.Shown) > 0
	}
	if f == forgotten {
		delete(item.Columns, "email")
	}
	for _, e := range received {
		told[e.column] = append(told[e.column], ledger.Column{Value: e.value, At: e.at})
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
	carried := func() map[string]bool {
		all := map[string]bool{}
		for id := range types {
			all[id] = slices.ContainsFunc(told[id], func(c ledger.Column) bool { return item.Says(id, c.Value) })
		}
		return all
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
		in := Input{Record: g.rec, Item: viewOf(item), Link: &link, Touched: touched, Told: told, Carried: carried(), OwnSaveAt: g.savedAt, Now: g.now(), Holds: maps.Clone(g.holds)}
		if f == hidden {
			delete(in.Holds, "Email")
		}
		return in
	}
	g.bell = g.bell || f == hidden
	var decisions []Decision
	view := viewOf(item)
	if rung || NeedsSalesforce(input()) {
		decide := func() []Decision {
			Resolve(input())
			return Columns(input())
		}
		decisions = decide()
		if !asked && slices.ContainsFunc(decisions, func(d Decision) bool { return d.Takes }) {
			readMonday()
			decisions, asked = decide(), true
			view = viewOf(item)
		}
	}
	for _, d := range decisions {
		g.checkLost(d)
		if d.Lost != nil && f != unread {
			g.keep(d.Field.Name, *d.Lost) // before anything is overwritten
		}
		if !d.Takes {
			d.Record(&link, 1, g.now())
			if asked && !d.Hidden {
				link.KnowShown(d.Field.Name)
			}
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
		View: view, Links: map[string]*ledger.Link{"r": &link}, Touched: touched, Carried: carried(), Decided: map[string]map[string]bool{"r": Decided(decisions)},
	}, "", &plan.References{}, mapping.DefaultKey, g.now())
	if p.Unread && f != hidden {
		g.t.Fatalf("a field is not sent because the record was not read: %v", p)
	}
	if p.Write != nil && strings.HasPrefix(view.Value("status").Text, renamed) {
		if value, sent := p.Write.Fields["Title"]; sent {
			g.t.Fatalf("%v is sent because a label got a new name", value)
		}
	}
	for _, r := range p.Rejected {
		link.Reject(r.Field, ledger.Rejection{Value: r.Value, Code: r.Code, JobID: 1})
	}
	g.write(&item, &link, decisions, p.Write, received, rung, f)
}

// write writes to both sides. What is about to be written is kept first.
func (g *model) write(item *ledger.Item, link *ledger.Link, decisions []Decision, w *plan.Write, received []event, rung bool, f fault) {
	again := false
	die := func() { g.abandoned, g.retries, g.bell = true, received, g.bell || rung }
	if w != nil {
		g.check(w.Fields)
		for name, value := range w.Fields {
			if g.isCompared(name) {
				link.WillSend(name, ledger.Sending{Value: value, Over: g.holds[name]})
			}
		}
		g.link.Doubts = ledger.JoinDoubts(g.link.Doubts, link.Doubts)
		if f == unsent {
			die()
			return
		}
		again = g.send(link, decisions, w, f)
	}
	if f == sent {
		die()
		return
	}
	takes := slices.DeleteFunc(slices.Clone(decisions), func(d Decision) bool { return !d.Takes })
	for _, d := range takes {
		link.WillShow(d.Field.Name, ledger.Showing{Value: d.Value, Holds: d.Shown(), Over: item.Value(d.Field.Column()), At: item.KnownAt(d.Field.Column())})
	}
	if len(takes) > 0 {
		g.link.Doubts = ledger.JoinDoubts(g.link.Doubts, link.Doubts)
	}
	for _, d := range takes {
		if f == unsent {
			die()
			return
		}
		if f != unshown {
			g.show(d.Field.Column(), d.Value)
			g.shown[d.Field.Column()] = d.Value
			g.writes++
		}
		if f == unshown || f == unanswered {
			again = true
			continue
		}
		item.WriteColumn(d.Field.Column(), d.Value, link.Doubts[d.Field.Name].Values()...)
		d.Record(link, 1, g.now())
	}
	if f == crash {
		die()
		return
	}
	g.item, g.link, g.abandoned = *item, *link, false
	if again {
		g.retries = append(g.retries, received...)
		g.bell = true
	}
}

// send writes to Salesforce. It reports whether the answer was lost.
func (g *model) send(link *ledger.Link, decisions []Decision, w *plan.Write, f fault) (again bool) {
	link.Overtake()
	fields := maps.Clone(w.Fields)
	maps.DeleteFunc(fields, isBad)
	if f == lost && len(fields) < len(w.Fields) {
		f = refused // the first attempt took no effect
	}
	if f != refused && len(fields) > 0 {
		g.save(fields)
		g.savedAt = g.now()
		g.own(fields, f == nothing || f == unanswered || f == unshown)
		g.bell = true
		g.writes++
	}
	for name, value := range w.Fields {
		if isBad(name, value) && f != refused {
			link.NotSent(name)
			link.Reject(name, ledger.Rejection{Value: value})
			continue
		}
		switch {
		case f != lost && f != refused:
			link.Agree(name, value)
			if slices.ContainsFunc(g.rec.Back(), func(f *mapping.Field) bool { return f.Name == name }) {
				link.Hold(name, ledger.Held{Value: value, SentAt: g.now().Unix()})
			}
			continue
		case !g.isCompared(name):
			link.WillSend(name, ledger.Sending{Value: value})
			link.Doubt(name)
		}
		again = true
	}
	if !again {
		for _, d := range decisions {
			d.Confirm(link, g.now().Unix())
		}
	}
	return again
}

func (g *model) isCompared(name string) bool {
	return slices.ContainsFunc(g.rec.Fields, func(f *mapping.Field) bool { return f.Name == name && g.rec.IsCompared(f) })
}

// own records that Salesforce holds what we have written, and what it has made of it if the answer is known.
func (g *model) own(fields map[string]any, known bool) {
	for name, value := range fields {
		if known {
			g.made[name] = g.holds[name]
		}
		if g.ours != nil && g.holds[name] == value {
			g.ours[name] = value
		}
	}
	if _, first := g.ours["FirstName"]; first && g.ours["LastName"] != nil {
		g.ours["Name"] = g.holds["Name"]
	}
}

// checkLost: a conflict is between values that people have entered, on both sides.
func (g *model) checkLost(d Decision) {
	if d.Lost == nil {
		return
	}
	if ours, known := g.ours[d.Field.Name]; known && ours == d.Lost.Salesforce {
		g.t.Fatalf("%s: a false conflict, Salesforce holds what we have written: %+v", d.Field.Name, *d.Lost)
	}
	if made, known := g.made[d.Field.Name]; known && made == d.Lost.Salesforce {
		g.t.Fatalf("%s: a false conflict, Salesforce has made that of what we have written: %+v", d.Field.Name, *d.Lost)
	}
	if ours, known := g.shown[d.Field.Column()]; known && ours.Equal(g.monday.Value(d.Field.Column())) {
		g.t.Fatalf("%s: a false conflict, Monday shows what we have written: %+v", d.Field.Name, *d.Lost)
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
	l.Doubts = maps.Clone(l.Doubts)
	return l
}
