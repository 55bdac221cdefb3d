package audit

import (
	"cmp"
	"slices"
	"strings"

	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
)

// Ways reports in which direction the values of the fields are synced, as notes. Without all it reports only the
// fields that are not written to items although the board's records become items. It uses as much of the systems'
// state as is known.
func Ways(m *mapping.Mapping, live Live, all bool) []Finding {
	a := &auditor{mapping: m, live: live}
	for _, b := range m.Boards {
		types := map[string]column.Type{}
		for _, c := range live.Boards[b.ID].Columns {
			types[c.ID] = c.Type
		}
		for _, r := range b.Records {
			for _, f := range r.Fields {
				a.way(r, f, types, all)
			}
		}
		if g := b.Migration; g != nil && all {
			a.noteImported(g)
		}
	}
	return Sort(a.findings)
}

// way reports the direction of one field.
func (a *auditor) way(r *mapping.Record, f *mapping.Field, types map[string]column.Type, all bool) {
	name := r.Object + "." + f.Name
	field, _ := fieldOf(a.live.Objects[r.Object], f.Name)
	var typ column.Type
	if ids := f.Columns(); len(ids) == 1 && !f.IsTemplate() {
		typ = types[ids[0]]
	}
	reason := mapping.NeverTwoWayLive(r, f, typ, field.Calculated)
	if f.ToMonday() {
		a.wayBack(f, name, reason, field.Calculated, all)
		return
	}
	g := r.Board.Migration
	if g != nil && g.Record == r {
		left := slices.IndexFunc(g.Left, func(l mapping.Left) bool { return l.Field == f.Name })
		switch {
		case left >= 0:
			a.find(Note, File, f.At(""), "%s is synced to Salesforce only: %s", name, g.Left[left].Reason)
		case reason != "":
			a.find(Note, File, f.At(""), "%s is synced to Salesforce only: %s", name, reason)
		case all:
			a.find(Note, File, f.At(""), "%s is synced to Salesforce, and written to column %q by each migration",
				name, f.Columns()[0])
		}
		return
	}
	reason = cmp.Or(reason, f.OneWay())
	switch {
	case !all:
	case reason != "":
		a.find(Note, File, f.At(""), "%s is synced to Salesforce only: %s", name, reason)
	default:
		a.find(Note, File, f.At(""), "%s is synced to Salesforce", name)
	}
}

// wayBack reports the direction of a field whose changes in Salesforce are written to Monday. A formula or roll-up
// field is an error: a record does not count as changed when its formulas do, so nothing would notice.
func (a *auditor) wayBack(f *mapping.Field, name, reason string, calculated, all bool) {
	switch {
	case reason != "" && (calculated || f.HasOwnSync()):
		a.find(Error, File, f.At("sync"), "%s cannot be synced to Monday: %s", name, reason)
	case reason != "":
		a.find(Note, File, f.At(""), "%s is synced to Salesforce only: %s", name, reason)
	case !all:
	case f.Sync == mapping.ToMonday:
		a.find(Note, File, f.At(""), "%s is synced to column %q only", name, f.Column())
	default:
		a.find(Note, File, f.At(""), "%s is synced both ways with column %q; where both changed, %s wins", name, f.Column(),
			strings.ToUpper(string(f.Wins[:1]))+string(f.Wins[1:]))
	}
}

// noteImported reports the columns that only the migration fills.
func (a *auditor) noteImported(g *mapping.Migration) {
	for _, t := range g.Targets {
		switch {
		case !t.IsImported():
		case t.Column() == itemName:
			a.find(Note, File, g.At(), "%s.%s is written to the item's name by each migration", g.Record.Object,
				t.Name)
		default:
			a.find(Note, File, g.At(), "%s.%s is written to column %q by each migration", g.Record.Object,
				t.Name, t.Column())
		}
	}
}
