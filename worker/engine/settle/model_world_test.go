package settle

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

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
	alone         bool // both sides showed the edit before it
}

func (g *model) now() time.Time { return time.UnixMicro(g.clock).UTC() }

func (g *model) tick() int64 {
	g.clock += 100_000 * int64(rapid.IntRange(1, 8).Draw(g.t, "ticks"))
	return g.clock
}

// read is Monday's answer, which has the time of the item's last change in whole seconds.
func (g *model) read() ledger.Reading { return reading(g.monday, g.updated) }

func reading(it mapping.Item, updated int64) ledger.Reading {
	return ledger.Reading{
		BoardID: 1, Name: it.Name, Columns: maps.Clone(it.Columns), UpdatedAt: time.UnixMicro(updated).Truncate(time.Second).UTC(),
	}
}

// pageLag is how old a page may be, in microseconds. What a page shows never begins on a whole second.
const pageLag = 1_950_000

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
	g.savedAt, g.made = time.Time{}, map[string]any{}
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
		case g.flows && name == "Email" && !strings.HasSuffix(v, " flow"):
			return v + " flow"
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
	delete(g.shown, id)
	if id == "status" {
		if label := rapid.SampledFrom([]string{"A", "B", "C", "D", "", renamed}).Draw(g.t, "label"); label != renamed {
			g.show(id, column.Value{Type: column.Status, Text: label})
		} else {
			g.rename()
		}
		return
	}
	now, alone := g.monday.Value(id), g.agreesOn(id)
	g.overwrite(id, now.Text)
	v := column.Value{Type: now.Type, Text: g.token(id)}
	if (id == "email" || id == "name") && g.rejects && rapid.Bool().Draw(g.t, "is bad") {
		v.Text = bad + v.Text
	}
	g.edits = append(g.edits, edit{column: id, token: v.Text, inMonday: true, alone: alone})
	if id == "name" {
		v.Text = rapid.SampledFrom([]string{"F ", "G "}).Draw(g.t, "first") + v.Text
	}
	g.show(id, v)
}

// renamed is the beginning of a label's new name, which the mapping does not know. D is a label that it never knew.
const renamed = "renamed "

// rename gives the label of the status a new name. That is no change of the item, and there is no event.
func (g *model) rename() {
	now := g.monday.Value("status")
	if now.Text == "" {
		return
	}
	g.past = append(g.past, snapshot{g.monday, g.updated, g.tick()})
	g.monday = g.monday.With("status", column.Value{Type: now.Type, Text: renamed + now.Text})
}

func (g *model) editSalesforce() {
	id := rapid.SampledFrom([]string{"name", "email", "phone", "amount", "note", "status"}).Draw(g.t, "field")
	g.bell = true
	g.tick()
	if id == "status" {
		g.save(map[string]any{"Title": rapid.SampledFrom([]any{"one", "two", "none", "other"}).Draw(g.t, "title")})
		return
	}
	field, alone := fieldsOf[id], g.agreesOn(id)
	g.overwrite(id, g.holds[field])
	token := g.token(id)
	g.edits = append(g.edits, edit{column: id, token: token, alone: alone})
	switch id {
	case "name":
		field = rapid.SampledFrom([]string{"LastName", "FirstName"}).Draw(g.t, "part")
		token = rapid.SampledFrom([]string{"", "van "}).Draw(g.t, "particle") + token
	case "amount":
		n := float64(g.tokens)
		g.save(map[string]any{field: n})
		return
	}
	g.save(map[string]any{field: token})
}

// bad is the beginning of an address, or of a last name, that Salesforce rejects.
const bad = "bad"

// isBad reports whether Salesforce rejects the value of a field, or a part of it.
func isBad(field string, value any) bool {
	text, _ := value.(string)
	return slices.Contains([]string{"Email", "LastName", "Name"}, field) &&
		slices.ContainsFunc(strings.Fields(text), func(word string) bool { return strings.HasPrefix(word, bad) })
}

// conflict is a stored conflict.
type conflict struct {
	field string
	Lost
}

// keep stores a conflict, or renews the field's last one.
func (g *model) keep(field string, lost Lost) {
	for n := range slices.Backward(g.conflicts) {
		if c := &g.conflicts[n]; lost.Renews && c.field == field && c.Rule != string(mapping.Salesforce) {
			c.Lost = lost
			return
		}
	}
	g.conflicts = append(g.conflicts, conflict{field, lost})
}

func (g *model) lastEdit(id string) (last *edit) {
	for n := range g.edits {
		if g.edits[n].column == id {
			last = &g.edits[n]
		}
	}
	return last
}

// agreesOn reports whether both sides show the last edit of a column.
func (g *model) agreesOn(id string) bool {
	last := g.lastEdit(id)
	return last != nil && has(g.monday.Value(id).Text, last.token) && has(g.holds[fieldsOf[id]], last.token)
}

// overwrite ends the edits that a person sees before entering another one in their place.
func (g *model) overwrite(id string, seen any) {
	for n := range g.edits {
		if e := &g.edits[n]; e.column == id && has(seen, e.token) {
			e.over = true
		}
	}
}

// receive delivers some of the events in any order, some of them twice, and loses others.
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
