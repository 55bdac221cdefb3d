package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/robfig/cron/v3"
)

// Migration describes how Salesforce records become items of a board: the record's fields are read backwards,
// wherever that is unambiguous.
type Migration struct {
	Board  *Board
	Record *Record // of the board; the items are created from it

	Where string // SOQL condition; empty: all records
	Group string // Monday's id of the group for new items; empty: the board's first

	// Schedule is the cron expression, in UTC, for repeating the migration; empty: it is not repeated.
	Schedule string

	// Targets are the fields that fill a column of the items: that of the item's name first, then in the file's order.
	// Besides fields of the record, there are those that only the import reads: see Field.Base.
	Targets []*Field

	// Left lists the fields that are not written to Monday, in the file's order.
	Left []Left

	at      place
	when    cron.Schedule
	name    string      // field for the item's name
	columns [][2]string // columns with their fields, listed in the block itself
	places  []place     // of columns
}

// Left is a field of the mapping that is not written to Monday, and the reason.
type Left struct {
	Field  string
	Line   int
	Reason string
}

// Migrations returns the migrations in the order of their links, referenced ones first.
func (m *Mapping) Migrations() []*Migration {
	var all []*Migration
	for _, b := range m.Boards {
		if b.Migration != nil {
			all = append(all, b.Migration)
		}
	}
	slices.SortStableFunc(all, func(a, b *Migration) int { return cmp.Compare(a.Record.Stage, b.Record.Stage) })
	return all
}

// Next returns the next scheduled time after the given one; zero: never.
func (g *Migration) Next(after time.Time) time.Time { return next(g.when, after) }

// next returns the next time of a schedule after the given one, in UTC; zero: never.
func next(when cron.Schedule, after time.Time) time.Time {
	if when == nil {
		return time.Time{}
	}
	return when.Next(after.UTC())
}

// Links returns the boards that the migration's items are connected to.
func (g *Migration) Links() []*Board {
	var boards []*Board
	for _, t := range g.Targets {
		if link := t.link; link != nil && link.Board != g.Board && !slices.Contains(boards, link.Board) {
			boards = append(boards, link.Board)
		}
	}
	return boards
}

// migration reads the block `migrate` of a board whose records are known.
func (d *decoder) migration(b *Board, n ast.Node) *Migration {
	g := &Migration{Board: b, at: b.at["migrate"], name: "Name"}
	known := d.itemKeys(g)
	known["record"] = func(n ast.Node) { g.Record = d.sourceRecord(b, n) }
	known["columns"] = func(n ast.Node) {
		for _, e := range d.nonEmpty(n, "column") {
			g.columns = append(g.columns, [2]string{d.checkColumn(e.key), d.apiName(e.value)})
			g.places = append(g.places, e.key.place)
		}
	}
	d.object(placeOf(n), n, known, "record")
	return g
}

// items reads the blocks `items` of a board's records. Only one record may have one.
func (d *decoder) items(b *Board) {
	for _, block := range d.blocks {
		at := block.record.at["items"]
		switch g := b.Migration; {
		case g == nil:
			b.Migration = &Migration{Board: b, Record: block.record, at: at, name: "Name"}
			d.checkItemSource(at, block.record)
			d.object(placeOf(block.node), block.node, d.itemKeys(b.Migration))
		case b.at["migrate"] != place{}:
			d.fault(at, `the board has "migrate" on line %d, which is the older name of "items"; keep one of them`,
				b.at["migrate"].line)
		default:
			d.fault(at, "record %q already has \"items\"; the items of a board come from one record", g.Record.Name)
		}
	}
	d.blocks = nil
}

// itemKeys returns the keys that `items` and `migrate` have in common.
func (d *decoder) itemKeys(g *Migration) keys {
	return keys{
		"where":    func(n ast.Node) { g.Where = d.where(n) },
		"group":    func(n ast.Node) { g.Group = d.column(n) },
		"name":     func(n ast.Node) { g.name = d.apiName(n) },
		"schedule": func(n ast.Node) { g.Schedule, g.when = d.schedule(n, "") },
	}
}

// sourceRecord reads the record from which the items of a board are created.
func (d *decoder) sourceRecord(b *Board, n ast.Node) *Record {
	w, ok := d.text(n)
	if !ok {
		return nil
	}
	r := b.Named(w.text)
	if r == nil {
		d.fault(w.place, "board %q has no record %q%s", b.Name, w.text, suggestion(w.text, recordNames(b)))
		return nil
	}
	d.checkItemSource(w.place, r)
	return r
}

// checkItemSource checks that items can be created from a record.
func (d *decoder) checkItemSource(at place, r *Record) {
	switch {
	case r.Shared:
		d.fault(at, "record %q is shared by several items; items are created only from a record that belongs to one "+
			"item", r.Name)
	case r.IDColumn == "":
		d.fault(at, "record %q has no \"id_column\": without it an item could be created twice", r.Name)
	}
}

// where reads a condition. It is combined with others in parentheses, which it must not close.
func (d *decoder) where(n ast.Node) string {
	w, ok := d.text(n)
	if !ok {
		return ""
	}
	depth, quoted := 0, false
	for i := 0; i < len(w.text); i++ {
		switch c := w.text[i]; {
		case c == '\\' && quoted:
			i++
		case c == '\'':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				d.fault(w.place, "the condition closes a parenthesis that it does not open")
				return ""
			}
		}
	}
	if depth > 0 || quoted {
		d.fault(w.place, "the condition opens a parenthesis or a quote that it does not close")
	}
	return strings.TrimSpace(w.text)
}

// schedule reads a cron expression of five fields, or a name such as @weekly. The advice is appended to the fault for
// any other text.
func (d *decoder) schedule(n ast.Node, advice string) (string, cron.Schedule) {
	w, ok := d.text(n)
	if !ok {
		return "", nil
	}
	if strings.Contains(w.text, "TZ=") {
		d.fault(w.place, "a schedule is always in UTC and cannot name a time zone")
		return "", nil
	}
	when, err := cron.ParseStandard(w.text)
	if err != nil {
		d.fault(w.place, "%q is not a cron expression, such as \"0 6 * * 1\" for Mondays at 06:00 UTC%s",
			w.text, advice)
		return "", nil
	}
	return w.text, when
}

// setTargets determines the columns that a migration fills, once all references are known.
func (d *decoder) setTargets(g *Migration, in locale) {
	if g.Record == nil {
		return
	}
	taken := map[string]string{} // column -> field
	taken[itemName] = g.name
	g.Targets = []*Field{imported(g.name, itemName, in)}
	for _, f := range g.Record.Fields {
		reason := g.oneWayReason(f)
		if by, ok := taken[f.from]; ok && reason == "" {
			if f.from == itemName && f.Name == g.name && f.as == "" {
				g.Targets[0] = f
				continue
			}
			reason = fmt.Sprintf("column %s is filled from %s", f.from, by)
		}
		if reason != "" {
			g.Left = append(g.Left, Left{Field: f.Name, Line: f.Line, Reason: reason})
			continue
		}
		taken[f.from] = f.Name
		g.Targets = append(g.Targets, f)
	}
	for n, c := range g.columns {
		switch by, ok := taken[c[0]]; {
		case c[0] == itemName:
			d.fault(g.places[n], `the item's name is filled by "name"`)
		case c[0] == g.Record.IDColumn:
			d.fault(g.places[n], "column %q holds the Salesforce Id", c[0])
		case ok:
			d.fault(g.places[n], "column %q is already filled from field %s", c[0], by)
		}
		taken[c[0]] = c[1]
		g.Targets = append(g.Targets, imported(c[1], c[0], in))
		g.Board.Columns = columnIDs(append(g.Board.Columns, c[0]))
	}
}

// imported returns a field that only an import reads, to fill a column. It is not a field of the record: nothing is
// sent to it.
func imported(name, column string, in locale) *Field {
	return &Field{Name: name, Sync: ToSalesforce, form: fromColumn, from: column, base: "@" + column, locale: in}
}

// Base returns the name under which a link stores the value that both sides last agreed on: the field's name, or a
// separate name for a field that only an import reads.
func (f *Field) Base() string { return cmp.Or(f.base, f.Name) }

// IsImported reports whether only an import reads the field: the record does not have it.
func (f *Field) IsImported() bool { return f.base != "" }

// oneWayReason returns why the field is not written to Monday, or "".
func (g *Migration) oneWayReason(f *Field) string {
	if _, said := f.at["sync"]; said && f.Sync == ToSalesforce {
		return "its \"sync\" says so"
	}
	return NeverTwoWay(g.Record, f)
}
