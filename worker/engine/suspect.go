package engine

import (
	"maps"
	"slices"
)

// search looks for the value for which a new record was refused without a word of which: each field is left out in turn,
// until the rest goes through.
type search struct {
	code  string         // of the refusal
	whole map[string]any // fields of the record
	left  []string       // fields that were not left out yet
	out   string         // the field that is left out now
}

// suspicious says whether the code of a refused call may come of one value in it.
func suspicious(code string) bool {
	switch code {
	case "JSON_PARSER_ERROR", "INVALID_FIELD", "INVALID_TYPE_ON_FIELD_IN_RECORD":
		return true
	}
	return false
}

// leaveOut leaves the next field out of a new record. It is not ok where each one was: then all are back.
func (r *row) leaveOut(code string) (ok bool) {
	if r.search == nil {
		r.search = &search{code: code, whole: r.fields}
		for _, field := range slices.Sorted(maps.Keys(r.fields)) {
			if !r.record.Shared || !slices.Contains(r.record.Match, field) { // without it nobody would find the record
				r.search.left = append(r.search.left, field)
			}
		}
	}
	s := r.search
	r.fields = maps.Clone(s.whole)
	if len(s.left) == 0 {
		s.out = ""
		return false
	}
	s.out, s.left = s.left[0], s.left[1:]
	delete(r.fields, s.out)
	return true
}

// found takes in that the record is made without the field, which is refused by that.
func (p *pass) found(r *row) {
	if r.search == nil {
		return
	}
	field := r.search.out
	for _, one := range append(r.like, r) {
		if value, has := r.search.whole[field]; has {
			one.refuse(field, value, one.columns([]string{field}), p.refusal(one, field, r.search.code))
		}
	}
}
