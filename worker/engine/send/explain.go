package send

import (
	"slices"

	"crmsync/sfclient"
)

// explain searches for the field behind a rejection that names none.
func (s *search) explain() {
	s.asks = nothing
	fields, r := names(s.attempt.Fields), rules[s.cause.code]
	suspects := slices.DeleteFunc(slices.Clone(fields), func(field string) bool { return !s.suspects(field) })
	switch {
	case r.whole, len(fields) == 0:
		s.rejectWhole()
	case s.attempt.Op != Update:
		s.explainCreation(fields, suspects)
	case len(fields) == 1 && s.phase == whole && r.creation && len(suspects) == 0:
		s.rejectWhole()
	case len(fields) == 1 && (s.phase == whole || s.held):
		s.reject(fields)
		s.nextPart()
	case s.phase == whole && len(suspects) > 0 && len(suspects) < len(fields):
		s.queue = [][]string{names(omit(s.attempt.Fields, suspects)), suspects}
		s.nextPart()
	default:
		s.queue = append(halves(fields), s.queue...)
		if s.held {
			s.nextPart()
			return
		}
		s.phase, s.attempt = touch, s.write.with(nil)
	}
}

// fewFields is how many fields are left out one at a time. If there are more, one half and then the other is left out:
// the record is created without some innocent values, which are written once it exists.
const fewFields = 4

// explainCreation leaves out one suspect at a time, and then the other fields.
func (s *search) explainCreation(fields, suspects []string) {
	others := slices.DeleteFunc(less(fields, suspects), s.needs)
	suspects = slices.DeleteFunc(suspects, s.needs)
	for _, field := range suspects {
		s.queue = append(s.queue, []string{field})
	}
	switch {
	case rules[s.cause.code].creation:
	case len(others) > fewFields:
		s.queue = append(s.queue, halves(others)...)
	default:
		for _, field := range others {
			s.queue = append(s.queue, []string{field})
		}
	}
	s.nextWithout()
}

func (s *search) nextWithout() {
	s.phase = without
	switch {
	case len(s.queue) > 0:
		s.attempt = s.write.with(omit(s.fields(), s.queue[0]))
	case rules[s.cause.code].creation:
		s.rejectWhole()
	default: // more than one field is at fault: once the record exists, its other fields are updated
		s.phase = bare
		s.attempt = s.write.with(pick(s.write.Fields, s.write.Needed))
	}
}

// handleWithout continues after a new record was rejected without some fields. Required ones are put back in; a
// different error does not show whether the fields that were left out are at fault.
func (s *search) handleWithout(errs []sfclient.RowError) {
	rest := less(s.queue[0], s.required(errs))
	if len(rest) > 0 && len(rest) < len(s.queue[0]) {
		s.queue[0] = rest
	} else {
		s.queue = s.queue[1:]
	}
	s.nextWithout()
}

// required returns the fields that the attempt left out but, according to its errors, must not.
func (s *search) required(errs []sfclient.RowError) (required []string) {
	rest := omit(s.fields(), names(s.attempt.Fields))
	for _, e := range errs {
		if e.Code != codeRequired {
			continue
		}
		named, _ := heldOf(e.Fields, rest)
		for field := range rest {
			if len(e.Fields) == 0 && mentions(e.Message, field) {
				named = append(named, field)
			}
		}
		required = append(required, named...)
	}
	return required
}

// handleBare adds the fields without which the record cannot be created.
func (s *search) handleBare(errs []sfclient.RowError) {
	rest := omit(s.fields(), names(s.attempt.Fields))
	if required := s.required(errs); len(required) > 0 {
		s.attempt = s.write.with(omit(s.fields(), names(omit(rest, required))))
		return
	}
	if alone := names(s.attempt.Fields); len(alone) == 1 && errs[0].Code == s.cause.code {
		s.reject(alone)
		s.finish()
		return
	}
	s.rejectWhole()
}

// nextPart continues with the next part of an update. Rejected fields that may depend on others written since are
// attempted once more at the end.
func (s *search) nextPart() {
	s.phase = part
	if len(s.queue) == 0 {
		s.queueDeferred()
	}
	if len(s.queue) == 0 {
		s.finish()
		return
	}
	s.attempt = s.write.with(pick(s.write.Fields, s.queue[0]))
	s.attempt.Op, s.attempt.ID, s.queue = Update, s.id, s.queue[1:]
}

// queueDeferred queues together all fields that were rejected before another part was written.
func (s *search) queueDeferred() {
	var again []string
	for _, d := range s.later {
		if d.wrote < s.wrote && !s.retried {
			again = append(again, d.Fields...)
		} else {
			s.left = append(s.left, d.Rejection)
		}
	}
	s.later, s.retried = nil, true
	if len(again) > 0 {
		s.queue = [][]string{again}
	}
}
