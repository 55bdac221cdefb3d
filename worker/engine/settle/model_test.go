package settle

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
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

	clock   int64 // Unix microseconds
	monday  mapping.Item
	updated int64 // of the item
	past    []snapshot
	holds   map[string]any
	ours    map[string]any // what Salesforce holds because we wrote it, by field
	faulty  bool           // something went wrong, so that we may not know what is ours

	item      ledger.Item
	link      ledger.Link
	abandoned bool
	events    []event // sent and not received
	bell      bool    // something in Salesforce changed without an event
	retries   []event // received, and to be handled again

	edits     []edit
	conflicts []Lost
	writes    int
	tokens    int
}

// snapshot is what Monday showed until some time.
type snapshot struct {
	item           mapping.Item
	updated, until int64
}

type event struct {
	column string
	value  column.Value
	at     int64
}

// edit is a value that a person set. It is over once somebody who saw it sets another one.
type edit struct {
	column, token string
	inMonday      bool
	over          bool
}

func newModel(t *rapid.T) *model {
	wins := rapid.SampledFrom([]string{"monday", "salesforce"}).Draw(t, "wins")
	g := &model{
		t: t, rec: models()[wins].Boards[0].Records[0], normalizes: rapid.Bool().Draw(t, "normalizes"), clock: 1_790_000_000_000_000,
		monday: mapping.Item{ID: 7, Name: "F0 L0", Columns: map[string]column.Value{}}, holds: map[string]any{},
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

func (g *model) now() time.Time { return time.UnixMicro(g.clock).UTC() }

func (g *model) tick() int64 {
	g.clock += 100_000 * int64(rapid.IntRange(1, 8).Draw(g.t, "ticks"))
	return g.clock
}

// read is Monday's answer. It tells when the item changed in whole seconds.
func (g *model) read() ledger.Reading { return reading(g.monday, g.updated) }

func reading(it mapping.Item, updated int64) ledger.Reading {
	return ledger.Reading{
		BoardID: 1, Name: it.Name, Columns: maps.Clone(it.Columns), UpdatedAt: time.UnixMicro(updated).Truncate(time.Second).UTC(),
	}
}

// pageLag is how old a page may be, in microseconds.
const pageLag = 2_000_000

// page is what a page shows: what Monday shows now, or showed a moment ago.
func (g *model) page() (ledger.Reading, ledger.Floor) {
	shown := []ledger.Reading{g.read()}
	for _, s := range g.past {
		if s.until > g.clock-pageLag {
			shown = append(shown, reading(s.item, s.updated))
		}
	}
	return rapid.SampledFrom(shown).Draw(g.t, "page"), ledger.Floor{All: g.clock - pageLag}
}

// show changes a column in Monday, which sends an event.
func (g *model) show(id string, v column.Value) {
	at := g.tick()
	if g.monday.Value(id).Equal(v) {
		return
	}
	g.past = append(g.past, snapshot{g.monday, g.updated, at})
	g.monday, g.updated = g.monday.With(id, v), at
	g.events = append(g.events, event{id, v, at})
}

// save changes the record as Salesforce does: it may rewrite values, and joins names.
func (g *model) save(fields map[string]any) {
	for name, value := range fields {
		g.holds[name] = g.normal(name, value)
		delete(g.ours, name)
		delete(g.ours, "Name")
	}
	first, _ := g.holds["FirstName"].(string)
	last, _ := g.holds["LastName"].(string)
	g.holds["Name"] = strings.TrimSpace(first + " " + last)
}

func (g *model) normal(name string, value any) any {
	switch v := value.(type) {
	case float64:
		if g.normalizes {
			return math.Round(v)
		}
	case string:
		switch {
		case !g.normalizes:
		case name == "Email":
			return strings.ToLower(v)
		case name == "Phone" && strings.HasPrefix(v, "+1212555"):
			return "(212) 555-" + v[8:]
		}
	}
	return value
}

// token returns a value that was never used before.
func (g *model) token(id string) string {
	g.tokens++
	switch id {
	case "phone":
		return fmt.Sprintf("+1212555%04d", g.tokens)
	case "amount":
		return fmt.Sprint(g.tokens)
	case "name":
		return fmt.Sprintf("L%d", g.tokens)
	}
	return fmt.Sprintf("T%d@x.org", g.tokens)
}

// has reports whether a value shows a token, however it is written.
func has(value any, token string) bool {
	text := strings.ToLower(fmt.Sprint(value))
	if n, ok := value.(float64); ok {
		text = fmt.Sprint(math.Round(n))
	}
	if digits, ok := strings.CutPrefix(token, "+1212555"); ok {
		return strings.HasSuffix(text, digits)
	}
	return slices.Contains(strings.Fields(text), strings.ToLower(token))
}

var fieldsOf = map[string]string{"name": "Name", "email": "Email", "phone": "Phone", "amount": "Amount", "note": "Note"}

// people is what happens outside of crmsync.
func (g *model) editMonday() {
	id := rapid.SampledFrom([]string{"name", "email", "phone", "amount", "status"}).Draw(g.t, "column")
	if id == "status" {
		g.show(id, column.Value{Type: column.Status, Text: rapid.SampledFrom([]string{"A", "B", "C", ""}).Draw(g.t, "label")})
		return
	}
	now := g.monday.Value(id)
	g.overwrite(id, now.Text)
	v := column.Value{Type: now.Type, Text: g.token(id)}
	g.edits = append(g.edits, edit{column: id, token: v.Text, inMonday: true})
	if id == "name" {
		v.Text = "F " + v.Text
	}
	g.show(id, v)
}

func (g *model) editSalesforce() {
	id := rapid.SampledFrom([]string{"name", "email", "phone", "amount", "note", "status"}).Draw(g.t, "field")
	g.bell = true
	g.tick()
	if id == "status" {
		g.save(map[string]any{"Title": rapid.SampledFrom([]any{"one", "two", "none", "other"}).Draw(g.t, "title")})
		return
	}
	field := fieldsOf[id]
	g.overwrite(id, g.holds[field])
	token := g.token(id)
	g.edits = append(g.edits, edit{column: id, token: token})
	switch id {
	case "name":
		field, token = "LastName", rapid.SampledFrom([]string{"", "van "}).Draw(g.t, "particle")+token
	case "amount":
		n := float64(g.tokens)
		g.save(map[string]any{field: n})
		return
	}
	g.save(map[string]any{field: token})
}

// overwrite ends the edits that a person sees where the next one is made.
func (g *model) overwrite(id string, seen any) {
	for n := range g.edits {
		if e := &g.edits[n]; e.column == id && has(seen, e.token) {
			e.over = true
		}
	}
}

// receive lets some of the events arrive, in any order, some of them twice, and some of them lost.
func (g *model) receive(all bool) (received []event) {
	received, g.retries = g.retries, nil
	var later []event
	for _, e := range rapid.Permutation(g.events).Draw(g.t, "events") {
		switch rapid.IntRange(0, 5).Draw(g.t, "delivery") {
		case 0:
			if !all {
				later = append(later, e)
				continue
			}
		case 1:
			if !all {
				later = append(later, e) // it arrives again
			}
		}
		received = append(received, e)
	}
	g.events = later
	return received
}

// fault is what goes wrong in a pass.
type fault int

const (
	nothing    fault = iota
	unread           // the pass ends before it writes
	lost             // Salesforce's answer is lost, and the write took effect
	refused          // it did not
	crash            // after both writes
	hidden           // a field of Salesforce is not visible
	forgotten        // a column is unknown
	faultCount = int(forgotten) + 1
)

// pass does what a batch of the engine does with one item. What it learns is kept only if it ends well.
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

// check holds writes to Salesforce to what the item shows: nothing is emptied, and no default is written, that is not
// empty in Monday.
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

// settle lets everything arrive, and runs passes until nothing is written any more.
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
	g.pass(nil, true, nothing)
	if g.writes != before {
		g.t.Fatal("a comparison after all is quiet writes something")
	}
	g.planned()
}

// planned makes a plan, once all is quiet. It shows what is left to a person, and nothing else.
func (g *model) planned() {
	decisions := Columns(Input{Record: g.rec, Item: viewOf(g.item), Link: &g.link, Holds: maps.Clone(g.holds), Now: g.now()})
	left := map[string]bool{"": true, string(plan.FirstMeeting): true, string(plan.CannotBeShown): true, string(plan.Missing): true}
	for _, d := range decisions {
		if !left[string(d.Kind)] || d.Sends || d.Takes {
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
		if !held.Unsaid && !held.Apart && !c.isAlone() && c.monday.ok() && !c.same(c.monday.value, g.holds[f.Name]) {
			g.t.Fatalf("%s: Monday says %v, Salesforce holds %v, the ledger %+v, %+v", f.Name, c.monday.value, g.holds[f.Name], g.link.Written[f.Name], held)
		}
	}
	for _, e := range g.edits {
		field := fieldsOf[e.column]
		if e.inMonday && !e.over && g.link.Held[field].Apart && has(g.monday.Value(e.column).Text, e.token) {
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
