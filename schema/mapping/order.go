package mapping

import (
	"slices"
	"strings"
)

// resolve finds the records that fields refer to.
func (d *decoder) resolve() {
	for _, ref := range d.refs {
		if ref.form == "record" {
			ref.field.record = d.sibling(ref)
		} else {
			ref.field.link = d.linkedRecord(ref)
		}
	}
}

// sibling returns the record of the same board that a field refers to.
func (d *decoder) sibling(ref reference) *Record {
	board := ref.from.Board
	target := board.Named(ref.text)
	switch {
	case target == nil:
		d.fault(ref.place, "board %q has no record %q%s",
			board.Name, ref.text, suggestion(ref.text, recordNames(board)))
	case target == ref.from:
		d.fault(ref.place, "record %q cannot refer to itself", ref.text)
		return nil
	}
	return target
}

// linkedRecord returns the record of the connected items that a field refers to.
func (d *decoder) linkedRecord(ref reference) *Record {
	board, name, _ := strings.Cut(ref.text, ".")
	var target *Record
	for _, b := range d.boards {
		if b.Name == board {
			target = b.Named(name)
		}
	}
	switch {
	case target == nil:
		d.fault(ref.place, "there is no record %q (board.record)%s", ref.text, suggestion(ref.text, d.linkable()))
	case target.Shared:
		d.fault(ref.place, "record %q is shared by several items; only a record of one item can be linked", ref.text)
	}
	return target
}

// linkable returns the names that a link can refer to.
func (d *decoder) linkable() []string {
	var all []string
	for _, b := range d.boards {
		for _, r := range b.Records {
			if !r.Shared {
				all = append(all, b.Name+"."+r.Name)
			}
		}
	}
	return all
}

func recordNames(b *Board) []string {
	var all []string
	for _, r := range b.Records {
		all = append(all, r.Name)
	}
	return all
}

// finish checks and sets everything that needs the whole file: the key field, the country of phone numbers, the time
// zone of dates, the directions, and the order of the records.
func (d *decoder) finish(m *Mapping) {
	in := locale{region: m.PhoneCountry, zone: m.TimeZone, owner: m.Owner}
	for _, b := range m.Boards {
		for _, r := range b.Records {
			for _, f := range r.Fields {
				f.locale = in
				if strings.EqualFold(f.Name, m.Key) {
					d.fault(place{f.Line, f.Col}, "field %s is the key field, which holds the item's id", f.Name)
				}
			}
		}
		d.direct(b)
		d.sortRecords(b)
		if b.Migration != nil {
			d.setTargets(b.Migration, in)
		}
	}
	if len(d.faults) == 0 {
		setStages(m)
		setMade(m)
	}
}

// sortRecords sorts records so that each follows those it refers to.
func (d *decoder) sortRecords(b *Board) {
	sorted := make([]*Record, 0, len(b.Records))
	done := map[*Record]bool{}
	var path []*Record
	var visit func(*Record)
	visit = func(r *Record) {
		path = append(path, r)
		for _, f := range r.Fields {
			if i := slices.Index(path, f.record); i >= 0 {
				d.fault(place{f.Line, f.Col}, "the records refer to each other in a circle: %s", circle(path[i:]))
			} else if f.record != nil && !done[f.record] {
				visit(f.record)
			}
		}
		path = path[:len(path)-1]
		done[r] = true
		sorted = append(sorted, r)
	}
	for _, r := range b.Records {
		if !done[r] {
			visit(r)
		}
	}
	b.Records = sorted
}

func circle(path []*Record) string {
	var all []string
	for _, r := range append(slices.Clone(path), path[0]) {
		all = append(all, r.Name)
	}
	return strings.Join(all, " > ")
}

// waits maps a record to the records it waits for.
type waits map[*Record][]*Record

// setStages puts every record above those it waits for. A record always waits for one that precedes it; it waits for
// one that follows it only if that does not close a circle.
func setStages(m *Mapping) {
	index := map[*Record]int{}
	var all []*Record
	for _, b := range m.Boards {
		for _, r := range b.Records {
			index[r] = len(all)
			all = append(all, r)
		}
	}
	w := waits{}
	var ahead [][2]*Record
	for _, r := range all {
		for _, f := range r.Fields {
			for _, target := range []*Record{f.record, f.link} {
				switch {
				case target == nil || target == r:
				case index[target] < index[r]:
					w[r] = append(w[r], target)
				default:
					ahead = append(ahead, [2]*Record{r, target})
				}
			}
		}
	}
	for _, pair := range ahead {
		if r, target := pair[0], pair[1]; !w.reach(target, r, map[*Record]bool{}) {
			w[r] = append(w[r], target)
		}
	}
	done := map[*Record]bool{}
	for _, r := range all {
		w.stage(r, done)
	}
}

// reach reports whether one record waits for the other, directly or through others.
func (w waits) reach(from, to *Record, seen map[*Record]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	return slices.ContainsFunc(w[from], func(next *Record) bool {
		return !seen[next] && w.reach(next, to, seen)
	})
}

func (w waits) stage(r *Record, done map[*Record]bool) int {
	if !done[r] {
		done[r] = true
		for _, target := range w[r] {
			r.Stage = max(r.Stage, w.stage(target, done)+1)
		}
	}
	return r.Stage
}
