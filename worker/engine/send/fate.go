package send

import (
	"slices"

	"crmsync/sfclient"
)

// doubtsReference reports whether an error names a reference as gone, which has to be confirmed.
func (s *search) doubtsReference(errs []sfclient.RowError) bool {
	ids := s.references()
	for _, e := range errs {
		named, _ := heldOf(e.Fields, s.attempt.Fields)
		if !s.asked && e.Class() == sfclient.Gone && slices.ContainsFunc(named,
			func(field string) bool { return ids[field] != "" }) {
			s.cause = cause{code: e.Code}
			return true
		}
	}
	return false
}

// askReferences asks once for the fate of the records that the attempt refers to.
func (s *search) askReferences() {
	s.asked = true
	if len(s.references()) == 0 {
		s.explain()
		return
	}
	s.asks = references
}

// references returns the Ids that the attempt refers to, by field.
func (s *search) references() map[string]string {
	ids := map[string]string{}
	for field, value := range s.attempt.Fields {
		if id, ok := value.(string); ok && id != "" && s.write.References[field] != "" {
			ids[field] = id
		}
	}
	return ids
}

// ref identifies a record.
type ref struct{ object, id string }

// subjects returns the records whose fate the search asks for.
func (s *search) subjects() (refs []ref) {
	switch s.asks {
	case record:
		refs = append(refs, ref{s.write.Object, s.attempt.ID})
	case references:
		for field, id := range s.references() {
			refs = append(refs, ref{s.write.References[field], id})
		}
	}
	return refs
}

// answer takes the fates of the subjects, and the errors by object. A subject without a fate counts as existing.
func (s *search) answer(fates map[ref]sfclient.Fate, errs map[string]error) {
	for _, subject := range s.subjects() {
		if err := errs[subject.object]; err != nil {
			s.end(Retry{Err: err})
			return
		}
	}
	live := sfclient.Fate{State: sfclient.Live}
	fateOf := func(subject ref) sfclient.Fate {
		if fate, ok := fates[subject]; ok {
			return fate
		}
		return live
	}
	if s.asks == record {
		s.answerRecord(fateOf(s.subjects()[0]))
		return
	}
	s.answerReferences(fateOf)
}

// answerRecord takes the fate of the search's own record.
func (s *search) answerRecord(fate sfclient.Fate) {
	s.asked = true
	switch {
	case fate.State == sfclient.Live, fate.State == sfclient.Converted && s.attempt.Op == Delete:
		s.askReferences()
	case s.attempt.Op == Delete:
		s.end(Done{ID: s.write.ID})
	case fate.State == sfclient.Merged:
		s.end(Gone{Code: s.cause.code, Into: fate.MasterID})
	case fate.State == sfclient.Converted:
		s.end(Gone{Code: s.cause.code, Converted: &Conversion{fate.ContactID, fate.AccountID, fate.OpportunityID}})
	default:
		s.end(Gone{Code: s.cause.code})
	}
}

// answerReferences takes the fates of the records that the attempt refers to.
func (s *search) answerReferences(fateOf func(ref) sfclient.Fate) {
	var gone []string
	ids := s.references()
	for _, field := range names(s.attempt.Fields) {
		if ids[field] == "" {
			continue
		}
		fate, r := fateOf(ref{s.write.References[field], ids[field]}), s.rejection([]string{field})
		switch fate.State {
		case sfclient.Live:
			continue
		case sfclient.Converted:
			if s.cause.code != codeConverted {
				continue
			}
		case sfclient.Merged:
			r.Gone, r.Records = true, []string{fate.MasterID}
		default:
			r.Gone = true
		}
		gone, s.left = append(gone, field), append(s.left, r)
	}
	if len(gone) > 0 {
		s.leave(gone)
	} else if !s.leaveNamed(s.errs) {
		s.explain()
	}
}

// answerDuplicates takes the answer to a separate call with a record that a duplicate rule rejected. If the rule
// accepted it this time, the record was written.
func (s *search) answerDuplicates(found []string, result sfclient.Result, err error) {
	switch {
	case err == nil && result.Success:
		s.asks = nothing
		s.accept(result)
		return
	case err != nil && !isRejection(err) && rowError(err).Class() != sfclient.Duplicate:
		s.end(lost(err))
		return
	}
	s.cause.records = found
	s.rejectWhole()
}
