package salesforce

import (
	"cmp"
	"slices"
)

// Hide hides a record from the integration user, or shows it again. Queries do not find a hidden record, writes to it
// are rejected, and so are references to it, with INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY and no field. Its
// unique values remain taken.
func (s *Sim) Hide(object, id string, hidden bool) {
	s.flag(object, id, func(rec *record) { rec.hidden = hidden })
}

// HideObject hides an object from the integration user, or shows it again: through the API it does not exist.
func (s *Sim) HideObject(object string, hidden bool) { s.mustTable(object).concealed.Store(hidden) }

// tableFor finds an object that the integration user can see, by name.
func (s *Sim) tableFor(name string) (*table, bool) {
	t, ok := s.table(name)
	return t, ok && !t.concealed.Load()
}

// RejectReferences rejects every row that refers to the record, which may be deleted, with this code, such as
// ENTITY_IS_DELETED or INVALID_CROSS_REFERENCE_KEY, and without a field. An empty code ends this.
func (s *Sim) RejectReferences(object, id, code string) {
	s.flag(object, id, func(rec *record) { rec.noReference = code })
}

// Lock locks a record for the API, as an approval process does, or unlocks it. Updates and deletes of a locked record
// are rejected with ENTITY_IS_LOCKED.
func (s *Sim) Lock(object, id string, locked bool) {
	s.flag(object, id, func(rec *record) { rec.locked = locked })
}

// flag sets flags of a record, deleted or not.
func (s *Sim) flag(object, id string, set func(*record)) {
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	set(t.mustRecord(id))
}

// rejectsWrite returns why a record in its current state cannot be written, or nil.
func (x *tx) rejectsWrite(rec *record) *failure {
	switch {
	case rec.is("IsConverted"):
		return fail("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
	case x.api && rec.locked:
		return entityLocked()
	}
	return nil
}

func entityLocked() *failure { return fail("ENTITY_IS_LOCKED", "the entity is locked for editing") }

// rejectsReference returns why a live record cannot be referred to, or nil.
func (x *tx) rejectsReference(rec *record) *failure {
	switch {
	case rec.noReference != "":
		return fail(rec.noReference, "%s", cmp.Or(referenceMessages[rec.noReference], "invalid cross reference id"))
	case x.api && rec.hidden:
		const code = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
		return fail(code, "%s: %s", referenceMessages[code], rec.id[:15])
	}
	return nil
}

var referenceMessages = map[string]string{
	"ENTITY_IS_DELETED":                             "entity is deleted",
	"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": "insufficient access rights on cross-reference id",
}

// visible leaves out the records that are hidden from the integration user.
func (x *tx) visible(records []*record) []*record {
	if !x.api {
		return records
	}
	return shown(records)
}

func shown(records []*record) []*record {
	if slices.ContainsFunc(records, func(rec *record) bool { return rec.hidden }) {
		return slices.DeleteFunc(slices.Clone(records), func(rec *record) bool { return rec.hidden })
	}
	return records
}

// is reports whether the record has this boolean field with the value true.
func (r *record) is(field string) bool {
	i, ok := r.table.names[field]
	return ok && r.values[i] == true
}
