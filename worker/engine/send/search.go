package send

import (
	"cmp"
	"slices"
	"time"

	"crmsync/sfclient"
)

// phase determines what a search sends in its next attempt.
type phase uint8

const (
	whole   phase = iota // all fields except those known to be rejected
	without              // a new record, with one more field left out
	bare                 // a new record with only what it must have
	touch                // an update of no field, to learn whether the record accepts any change
	part                 // an update of some of the fields
)

// question is what a search asks before its next attempt.
type question uint8

const (
	nothing    question = iota
	record              // the fate of the record
	references          // the fates of the records that the attempt refers to
	duplicates          // which records a duplicate rule mistakes it for
)

// cause is a rejection to be explained.
type cause struct {
	code    string
	message string // for finding fields that it mentions; it may contain values
	missing []string
	records []string
}

// search finds out how much of one write Salesforce accepts. It is a state machine: attempt is what to send next, and
// take takes the answer, until there is an outcome.
type search struct {
	n       int // position of the write
	write   Write
	attempt Write
	outcome Outcome // nil until the search ends
	asks    question
	lot     int // attempts of different lots do not share a call

	phase phase
	queue [][]string // in phase without: the next fields to leave out; in phase part: the next fields to send
	cause cause
	errs  []sfclient.RowError // of the last rejection
	asked bool                // the fates of the record and its references are known
	held  bool                // the record accepts changes, so some field explains a rejection
	wrote int                 // attempts that wrote something

	id      string
	created bool
	at      time.Time // of the last answer
	left    []Rejection
	later   []deferred // rejections that may succeed once other fields are written
	retried bool       // later was attempted again
}

// deferred is the rejection of a part of an update, and the number of attempts that had written something before it.
type deferred struct {
	Rejection
	wrote int
}

func newSearch(n int, w Write) *search { return &search{n: n, write: w, attempt: w, id: w.ID} }

// apart keeps further attempts apart from healthy rows: they share calls only with rows that were split off together.
func (s *search) apart(with *search) { s.lot = with.n + 1 }

// take continues with an answer: success, or a rejection by errs.
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
		s.handleDelete(errs[0])
		return
	}
	s.handleRejection(errs)
}

func (s *search) ended() bool    { return s.outcome != nil }
func (s *search) isAsking() bool { return s.asks != nothing }

// end ends the search. A record that was created on the way is reported.
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

// finish ends a search that has all its results.
func (s *search) finish() {
	for _, d := range s.later {
		s.left = append(s.left, d.Rejection)
	}
	s.asks = nothing
	if s.wrote == 0 {
		s.end(Rejected{s.left})
		return
	}
	s.end(Done{ID: s.id, Created: s.created, Left: s.left, At: s.at})
}

// accept records that the attempt succeeded.
func (s *search) accept(result sfclient.Result) {
	s.id = cmp.Or(result.ID, s.id)
	s.created = s.created || result.Created || s.attempt.Op == Create
	s.held, s.at = true, result.At
	if s.phase != touch {
		s.wrote++
	}
	switch s.phase {
	case without:
		if left := s.queue[0]; len(left) == 1 {
			s.reject(left)
			s.finish()
		} else { // one of the fields is at fault
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

// handleDelete ends a rejected deletion, unless it is not known yet whether the record exists. If it is gone, the
// deletion is done.
func (s *search) handleDelete(e sfclient.RowError) {
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

// handleRejection decides about the next attempt after a rejection.
func (s *search) handleRejection(errs []sfclient.RowError) {
	switch s.phase {
	case without:
		s.handleWithout(errs)
		return
	case bare:
		s.handleBare(errs)
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
		s.finish() // it follows from an earlier rejection
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

// leave continues without fields that were rejected.
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

// rejection returns the rejection of fields for the cause.
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

// rejectWhole ends the search, rejecting everything that is not written.
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

// fields returns the fields of the write that are not rejected.
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
