package mapping

import (
	"github.com/goccy/go-yaml/ast"
)

// decoder turns the syntax tree of a file into a Mapping and collects all faults on the way.
type decoder struct {
	file   string
	widths []int // of the file's lines, in characters
	faults Faults
	refs   []reference
	boards []*Board // all decoded boards, in the file's order
	blocks []block  // of the board being decoded
}

// block is the block `items` of a record, which is read once its board's records are known.
type block struct {
	record *Record
	node   ast.Node
}

// reference is a field's reference to a record, which may be defined further down in the file.
type reference struct {
	word
	form  string // "record" or "link"
	from  *Record
	field *Field
}

// mapping reads the whole file.
func (d *decoder) mapping(m *Mapping, root ast.Node) {
	d.object(place{1, 1}, root, keys{
		"version": d.version,
		"defaults": func(n ast.Node) {
			d.defaults(m, n)
		},
		"boards": func(n ast.Node) {
			for _, e := range d.nonEmpty(n, "board") {
				d.boards = append(d.boards, d.board(m, e))
			}
		},
	}, "version", "boards")
	m.Boards = d.boards
}

func (d *decoder) version(n ast.Node) {
	if v, ok := d.integer(n); ok && v != 1 {
		d.fault(placeOf(n), "version %d is not supported; this program reads version 1", v)
	}
}

func (d *decoder) board(m *Mapping, e entry) *Board {
	d.checkName(e.key)
	b := &Board{Name: e.key.text, Line: e.key.line, place: e.key.place}
	var when Condition
	var gates []Label
	var migrate ast.Node
	b.at = d.object(e.key.place, e.value, keys{
		"migrate":     func(n ast.Node) { migrate = n },
		"board":       func(n ast.Node) { b.ID = d.boardID(m, b, n) },
		"create_when": func(n ast.Node) { when, gates = d.condition(n) },
		"records": func(n ast.Node) {
			for _, e := range d.nonEmpty(n, "record") {
				b.Records = append(b.Records, d.record(b, e))
			}
		},
	}, "board", "records")
	for _, r := range b.Records {
		if r.When == nil {
			r.When, r.gates = when, gates
		}
	}
	b.Columns = b.columns()
	if migrate != nil {
		b.Migration = d.migration(b, migrate)
	}
	d.items(b)
	return b
}

func (d *decoder) record(b *Board, e entry) *Record {
	d.checkName(e.key)
	r := &Record{
		Board: b, Name: e.key.text, Line: e.key.line, place: e.key.place,
		Sync: ToSalesforce, Wins: Monday, OnRecordDelete: Remake, OnDuplicate: Refuse, Assignment: AssignOnCreate,
	}
	var match []word
	at := d.object(e.key.place, e.value, keys{
		"object":      func(n ast.Node) { r.Object = d.apiName(n) },
		"id_column":   func(n ast.Node) { r.IDColumn = d.idColumn(b, n) },
		"shared":      func(n ast.Node) { r.Shared = d.boolean(n) },
		"match":       func(n ast.Node) { match = d.words(n) },
		"on_delete":   func(n ast.Node) { r.DeleteWithItem = d.onDelete(n) },
		"create_when": func(n ast.Node) { r.When, r.gates = d.condition(n) },
		"sync":        func(n ast.Node) { r.Sync = choose[Direction](d, syncSetting, n) },
		"wins":        func(n ast.Node) { r.Wins = choose[Side](d, winsSetting, n) },
		"items":       func(n ast.Node) { d.blocks = append(d.blocks, block{r, n}) },

		"on_record_delete": func(n ast.Node) { r.OnRecordDelete = choose[RecordGone](d, recordGoneSetting, n) },
		"on_duplicate":     func(n ast.Node) { r.OnDuplicate = choose[Duplicate](d, duplicateSetting, n) },
		"assignment":       func(n ast.Node) { r.Assignment = choose[Assignment](d, assignmentSetting, n) },

		"fields": func(n ast.Node) {
			for _, e := range d.nonEmpty(n, "field") {
				r.Fields = append(r.Fields, d.field(r, e))
			}
		},
	}, "object", "fields")
	r.at = at
	for _, w := range match {
		r.Match = append(r.Match, w.text)
	}
	d.checkMatch(r, match)
	d.checkRecord(r, at)
	return r
}

func (d *decoder) field(r *Record, e entry) *Field {
	f := &Field{Name: e.key.text, Line: e.key.line, Col: e.key.column}
	d.checkField(r, e.key)
	if _, ok := e.value.(ast.MapNode); !ok {
		f.form, f.from = fromColumn, d.column(e.value)
		return f
	}
	at := d.object(e.key.place, e.value, keys{
		"from":     func(n ast.Node) { f.form, f.from = fromColumn, d.column(n) },
		"value":    func(n ast.Node) { f.form, f.literal = fixed, d.fixedValue(n) },
		"template": func(n ast.Node) { f.form, f.template = template, d.template(n) },
		"record":   func(n ast.Node) { f.form = sibling; d.refer(r, f, "record", n) },
		"link":     func(n ast.Node) { d.refer(r, f, "link", n) },
		"as":       func(n ast.Node) { f.as = d.as(n) },
		"labels":   func(n ast.Node) { f.labels, f.order, f.labelAt = d.labels(n) },
		"default":  func(n ast.Node) { f.fallback = d.fallback(n) },
		"sync":     func(n ast.Node) { f.Sync = choose[Direction](d, syncSetting, n) },
		"wins":     func(n ast.Node) { f.Wins = choose[Side](d, winsSetting, n) },
	})
	f.at = at
	if at != nil {
		d.checkForm(f, e.key.place, at)
	}
	return f
}

// refer stores a reference, to be resolved when all records are known.
func (d *decoder) refer(r *Record, f *Field, form string, n ast.Node) {
	if w, ok := d.text(n); ok {
		d.refs = append(d.refs, reference{w, form, r, f})
	}
}

// condition reads columns and their allowed labels: one, or a list.
func (d *decoder) condition(n ast.Node) (Condition, []Label) {
	c := Condition{}
	var gates []Label
	entries, _ := d.entries(n)
	for _, e := range entries {
		d.checkColumn(e.key)
		nodes := []ast.Node{e.value}
		if _, ok := e.value.(*ast.SequenceNode); ok {
			nodes = d.list(e.value)
		}
		for _, n := range nodes {
			if w, ok := d.label(n); ok {
				c[e.key.text] = append(c[e.key.text], w.text)
				gates = append(gates, Label{Column: e.key.text, Text: w.text, At: w.public()})
			}
		}
	}
	return c, gates
}

// words reads a list of texts.
func (d *decoder) words(n ast.Node) []word {
	var all []word
	for _, n := range d.list(n) {
		if w, ok := d.text(n); ok {
			all = append(all, w)
		}
	}
	return all
}

// labels reads the values of the labels, the order of the labels, and the place of each.
func (d *decoder) labels(n ast.Node) (labels map[string]any, order []string, at map[string]place) {
	labels, at = map[string]any{}, map[string]place{}
	for _, e := range d.nonEmpty(n, "label") {
		if e.key.text == "" {
			d.fault(e.key.place, "an empty column has no label; use \"default\"")
		}
		labels[e.key.text] = d.scalar(e.value)
		order = append(order, e.key.text)
		at[e.key.text] = e.key.place
	}
	return labels, order, at
}

// fixedValue reads a value that is the same for every item.
func (d *decoder) fixedValue(n ast.Node) any {
	if _, ok := n.(*ast.NullNode); ok {
		d.faultKind(n, "text, a number, true or false")
		return nil
	}
	return d.scalar(n)
}
