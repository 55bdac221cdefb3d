package mapping

import (
	"cmp"
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

// waits maps a record, or a board, to those it waits for.
type waits[T comparable] map[T][]T

// setStages puts every record above those it waits for, and every board above those whose records its own link to.
func setStages(m *Mapping) {
	var records []*Record
	for _, b := range m.Boards {
		records = append(records, b.Records...)
	}
	stages := order(records, func(r *Record) (targets []*Record) {
		for _, f := range r.Fields {
			for _, target := range []*Record{f.record, f.link} {
				if target != nil {
					targets = append(targets, target)
				}
			}
		}
		return targets
	})
	for r, stage := range stages {
		r.Stage = stage
	}
	for b, stage := range order(m.Boards, (*Board).linked) {
		b.Stage = stage
	}
}

// order returns a stage for each of all: above those of its targets. One always waits for a target that precedes it; it
// waits for one that follows it only if that does not close a circle.
func order[T comparable](all []T, targets func(T) []T) map[T]int {
	index := map[T]int{}
	for n, t := range all {
		index[t] = n
	}
	w := waits[T]{}
	var ahead [][2]T
	for _, t := range all {
		for _, target := range targets(t) {
			switch {
			case target == t:
			case index[target] < index[t]:
				w[t] = append(w[t], target)
			default:
				ahead = append(ahead, [2]T{t, target})
			}
		}
	}
	for _, pair := range ahead {
		if t, target := pair[0], pair[1]; !w.reach(target, t, map[T]bool{}) {
			w[t] = append(w[t], target)
		}
	}
	stages := make(map[T]int, len(all))
	for _, t := range all {
		w.stage(t, stages)
	}
	return stages
}

// reach reports whether one waits for the other, directly or through others.
func (w waits[T]) reach(from, to T, seen map[T]bool) bool {
	if from == to {
		return true
	}
	seen[from] = true
	return slices.ContainsFunc(w[from], func(next T) bool {
		return !seen[next] && w.reach(next, to, seen)
	})
}

func (w waits[T]) stage(t T, stages map[T]int) int {
	if _, known := stages[t]; !known {
		stage := 0
		for _, target := range w[t] {
			stage = max(stage, w.stage(target, stages)+1)
		}
		stages[t] = stage
	}
	return stages[t]
}

// Links returns the records of connected items, on any board, that the board's records refer to.
func (b *Board) Links() (targets []*Record) {
	for _, r := range b.Records {
		for _, f := range r.Fields {
			if f.link != nil && !slices.Contains(targets, f.link) {
				targets = append(targets, f.link)
			}
		}
	}
	return targets
}

// linked returns the boards that the board's records link to.
func (b *Board) linked() (boards []*Board) {
	for _, target := range b.Links() {
		if !slices.Contains(boards, target.Board) {
			boards = append(boards, target.Board)
		}
	}
	return boards
}

// Before returns the boards whose items are compared before this board's, since its records link to theirs.
func (b *Board) Before() []*Board {
	return slices.DeleteFunc(b.linked(), func(other *Board) bool { return other.Stage >= b.Stage })
}

// IsCircular reports whether the board links to one whose items are not compared before its own: itself, or one whose
// links lead back to it.
func (b *Board) IsCircular() bool {
	return slices.ContainsFunc(b.linked(), func(other *Board) bool { return other.Stage >= b.Stage })
}

// Ordered returns boards in the order in which their items are compared: those that others link to come first.
func Ordered(boards []*Board) []*Board {
	return slices.SortedStableFunc(slices.Values(boards), func(a, b *Board) int { return cmp.Compare(a.Stage, b.Stage) })
}
