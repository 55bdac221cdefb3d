package send

import (
	"cmp"
	"slices"

	"crmsync/sfclient"
)

// phase is how a search goes about its next attempt.
type phase uint8

const (
	whole   phase = iota // all fields but those that are known to be rejected
	without              // a new record, with one more field left out
	bare                 // a new record, with nothing but what it must have
	touch                // an update of no field, to learn whether the record takes any change
	part                 // an update of some of the fields
)

// question is what a search asks before its next attempt.
type question uint8

const (
	nothing    question = iota
	record              // what became of the record
	references          // what became of the records that the attempt refers to
	duplicates          // which records a duplicate rule takes it for
)

// cause is a refusal that is being explained.
type cause struct {
	code    string
	message string // for telling fields that it mentions; it may hold values
	missing []string
	records []string
}

// search finds out how much of one write Salesforce takes. It is a state machine: attempt is what is to be sent next,
// and take gives it the answer, until there is an outcome.
type search struct {
	n       int // position of the write
	write   Write
	attempt Write
	outcome Outcome // nil: not ended
	asks    question
	lot     int // attempts of different lots do not share a call

	phase phase
	queue [][]string // without: fields to leave out; part: fields to send; each after the current ones
	cause cause
	errs  []sfclient.RowError // of the last refusal
	asked bool                // it is known what became of the record and of its references
	held  bool                // the record takes changes, so that some field explains a refusal
	wrote int                 // attempts that wrote something

	id      string
	created bool
	left    []Rejection
	later   []deferred // rejections that may be over once other fields are written
	retried bool       // they were attempted again
}

// deferred is a rejection of an update's part, and how many attempts had written something by then.
type deferred struct {
	Rejection
	wrote int
}

func newSearch(n int, w Write) *search { return &search{n: n, write: w, attempt: w, id: w.ID} }

// apart keeps further attempts away from healthy rows, in calls of those that were set apart with the same one.
func (s *search) apart(with *search) { s.lot = with.n + 1 }

// take moves on by an answer that is a success or a refusal by errs.
func (s *search) take(result sfclient.Result, errs []sfclient.RowError) {
	if len(errs) == 0 {
		s.accept(result)
		return
	}
	for _, e := range errs {
		if err := passing(s.attempt, e); err != nil {
			s.end(Retry{Err: err})
			return
		}
	}
	if s.attempt.Op == Delete {
		s.refuseDelete(errs[0])
		return
	}
	s.refuse(errs)
}

func (s *search) ended() bool    { return s.outcome != nil }
func (s *search) isAsking() bool { return s.asks != nothing }

// end ends the search. A record that was created on the way is not lost with it.
func (s *search) end(o Outcome) {
	id := s.id
	if s.write.ID != "" {
		id = ""
	}
	switch o := o.(type) {
	case Retry:
		s.outcome = Retry{Err: o.Err, ID: id}
	case Unknown:
		s.outcome = Unknown{Err: o.Err, ID: id}
	default:
		s.outcome = o
	}
}

// finish ends a search that has found everything.
func (s *search) finish() {
	for _, d := range s.later {
		s.left = append(s.left, d.Rejection)
	}
	s.asks = nothing
	if s.wrote == 0 {
		s.end(Rejected{s.left})
		return
	}
	s.end(Done{ID: s.id, Created: s.created, Left: s.left})
}

// accept records that the attempt was written.
func (s *search) accept(result sfclient.Result) {
	s.id = cmp.Or(result.ID, s.id)
	s.created = s.created || result.Created || s.attempt.Op == Create
	s.held = true
	if s.phase != touch {
		s.wrote++
	}
	switch s.phase {
	case without:
		if left := s.queue[0]; len(left) == 1 {
			s.reject(left)
			s.finish()
		} else { // one of them is at fault
			s.queue = halves(left)
			s.nextPart()
		}
	case bare:
		rest := names(omit(s.fields(), names(s.attempt.Fields)))
		s.queue = halves(rest)
		s.nextPart()
	case touch, part:
		s.nextPart()
	default:
		s.finish()
	}
}

// refuseDelete ends a deletion, unless it is still to be learnt whether the record is there. One that is gone is done.
func (s *search) refuseDelete(e sfclient.RowError) {
	s.cause = cause{code: e.Code, message: e.Message}
	switch {
	case e.Code == codeDeleted:
		s.end(Done{ID: s.write.ID})
	case e.Class() == sfclient.Gone:
		s.asks = record
	default:
		s.rejectWhole()
	}
}

// refuse decides about the next attempt after a refusal.
func (s *search) refuse(errs []sfclient.RowError) {
	switch s.phase {
	case without:
		s.refuseWithout(errs)
		return
	case bare:
		s.refuseBare(errs)
		return
	case touch:
		s.rejectWhole()
		return
	}
	s.errs = errs
	if s.doubtsReference(errs) {
		s.askReferences()
		return
	}
	if s.leaveNamed(errs) {
		return
	}
	e := errs[0]
	out, missing := heldOf(e.Fields, s.write.Fields)
	others := less(missing, []string{"Id", s.write.Key})
	s.cause = cause{e.Code, e.Message, others, recordsIn(e)}
	switch {
	case e.Code == codeRequired && s.attempt.Op != Update && len(out) > 0 && len(missing) == 0:
		s.finish() // it follows from what was rejected before
	case len(others) < len(missing) && e.Class() != sfclient.Gone: // it names the record itself
		s.rejectWhole()
	case !s.asked && s.attempt.Op == Update && (e.Class() == sfclient.Gone || e.Code == codeConverted):
		s.asks = record
	case !s.asked && e.Class() == sfclient.Gone:
		s.askReferences()
	default:
		s.explain()
	}
}

// leaveNamed leaves out the fields that the errors name, and reports whether there are any.
func (s *search) leaveNamed(errs []sfclient.RowError) bool {
	var all []string
	for _, e := range errs {
		named, _ := heldOf(e.Fields, s.attempt.Fields)
		if named = less(named, all); len(named) > 0 {
			all = append(all, named...)
			s.cause = cause{code: e.Code, records: recordsIn(e)}
			s.reject(named)
		}
	}
	if len(all) > 0 {
		s.leave(all)
	}
	return len(all) > 0
}

// leave goes on without fields that were rejected.
func (s *search) leave(fields []string) {
	s.asks = nothing
	creates := s.attempt.Op != Update
	switch rest := omit(s.attempt.Fields, fields); {
	case creates && slices.ContainsFunc(fields, s.needs):
		s.finish()
	case !creates && len(rest) == 0:
		s.nextPart()
	default:
		s.attempt = s.attempt.with(rest)
	}
}

// rejection is that of fields for the cause.
func (s *search) rejection(fields []string) Rejection {
	return Rejection{
		Code: s.cause.code, Fields: fields, Missing: s.cause.missing, Dependent: rules[s.cause.code].dependent,
		Records: s.cause.records,
	}
}

// reject records that fields are rejected for the cause.
func (s *search) reject(fields []string) {
	r := s.rejection(fields)
	if r.Dependent && s.phase == part && !s.retried {
		s.later = append(s.later, deferred{r, s.wrote})
		return
	}
	s.left = append(s.left, r)
}

// rejectWhole ends the search with everything rejected that is not written.
func (s *search) rejectWhole() {
	if s.cause.code == codeDetected && s.attempt.Op != Update && s.asks != duplicates {
		s.asks, s.phase = duplicates, whole
		return
	}
	var rest []string
	if s.wrote > 0 {
		rest = append(names(s.attempt.Fields), slices.Concat(s.queue...)...)
	}
	s.retried = true
	s.reject(rest)
	s.finish()
}

// fields are those of the write that are not rejected.
func (s *search) fields() map[string]any {
	fields := s.write.Fields
	for _, r := range s.left {
		fields = omit(fields, r.Fields)
	}
	for _, d := range s.later {
		fields = omit(fields, d.Fields)
	}
	return fields
}

func (s *search) needs(field string) bool { return slices.Contains(s.write.Needed, field) }

// suspects reports whether the cause hints at the field.
func (s *search) suspects(field string) bool {
	hints := rules[s.cause.code].suspect
	return mentions(s.cause.message, field) || hints != nil && hints(s.write, field)
}
