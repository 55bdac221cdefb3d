package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// difference collects the fields whose value Salesforce does not hold yet.
func (m *maker) difference(values map[string]mapping.Value) *Write {
	w := &Write{Fields: map[string]any{}}
	var depending []*mapping.Field
	sent := map[string]any{}
	for _, field := range m.Record.Fields {
		if m.isWithheld(field) {
			continue
		}
		if sends, _ := m.decided(field); !sends && m.keeps(field) && field.IsDefault(m.it.View) {
			continue
		}
		value, ok := m.value(field, values[field.Name])
		if !ok {
			continue
		}
		sent[field.Name] = value
		switch m.verdict(field, value) {
		case send:
			w.Fields[field.Name] = value
		case leaveEmpty:
			w.Empty = append(w.Empty, field.Name)
		case repeat:
			m.Repeated = append(m.Repeated, field.Name)
		case depend:
			depending = append(depending, field)
		}
	}
	// Fields that were rejected because of other fields are attempted again when one of those is written.
	writes := len(w.Fields) > 0
	for _, field := range depending {
		if writes {
			w.Fields[field.Name] = sent[field.Name]
		} else {
			m.Repeated = append(m.Repeated, field.Name)
		}
	}
	return w
}

// isWithheld reports whether a field is not sent whatever the item holds: it is only written to Monday, it was decided
// that it is not sent, or it cannot be decided before the record is read.
func (m *maker) isWithheld(field *mapping.Field) bool {
	if sends, decided := m.decided(field); decided {
		m.Compared++
		return !sends
	}
	if compared := m.compared(field); compared != nil && m.link.SalesforceID != "" {
		_, met := m.link.Held[compared.Name]
		if !met || m.it.Fresh || m.isRemapped(compared) || m.isInDoubt(compared) || m.isInDoubt(field) {
			m.Unread = true
			return true
		}
	}
	return field.Sync == mapping.ToMonday
}

// isInDoubt reports whether it is not known what became of a write of the field.
func (m *maker) isInDoubt(field *mapping.Field) bool {
	_, doubted := m.link.Doubts[field.Name]
	return doubted || m.link.InDoubt(field.Name)
}

// compared returns the field by which both sides are compared before this one is sent: the field itself, the whole
// name of which it is a part, or nil.
func (m *maker) compared(field *mapping.Field) *mapping.Field {
	if field.ToMonday() {
		return field
	}
	return m.Record.Whole(field)
}

// decided returns whether Monday's value of the field is sent, if both sides were compared.
func (m *maker) decided(field *mapping.Field) (sends, ok bool) {
	sends, ok = m.it.Decided[m.Record.Name][field.Name]
	return sends, ok
}

// fate is what happens to one field.
type fate uint8

const (
	held       fate = iota // Salesforce holds the value
	send                   // it is sent
	leaveEmpty             // it stays null on a new record
	repeat                 // it was rejected before
	depend                 // it was rejected before, because of other fields
)

func (m *maker) verdict(field *mapping.Field, value any) fate {
	linked := m.link.SalesforceID != ""
	_, decided := m.decided(field)
	isCompared := m.compared(field) != nil
	if m.held != nil && !m.Record.Shared && !decided && !isCompared {
		return m.settled(field, value)
	}
	switch {
	case decided && m.link.Holds(field.Name, value) &&
		(m.link.Held[field.Name].Is(value) || !field.ToMonday()):
		return held // it has been sent since
	case decided: // it was decided that the field is sent
	case isCompared && linked && !m.link.Holds(field.Name, value):
		m.Unread = true
		return held
	case linked && !m.it.Fresh && m.link.IsApart(field.Name) && !m.touches(field):
		return held // until a person decides
	case value == nil && !linked:
		return leaveEmpty
	case value == nil && m.keeps(field):
		return held
	case linked && !m.it.Fresh && m.link.Holds(field.Name, value):
		if m.isRemapped(field) {
			m.agree(field.Name, value)
		}
		return held
	}
	return m.sending(field, value)
}

// sending returns the fate of a field whose value Salesforce does not hold. Values that were rejected before are not
// sent again.
func (m *maker) sending(field *mapping.Field, value any) fate {
	switch {
	case !m.link.Rejects(field.Name, value):
		return send
	case m.link.Rejected[field.Name].Dependent:
		return depend
	}
	return repeat
}

// keeps reports whether an existing record keeps its value in a field whose column is empty. It does if Monday never
// had a value: the record existed before its link, or was created without the field, or the field is newly mapped, or
// mapped to another column. It also does if the column may be empty because the item moved.
func (m *maker) keeps(field *mapping.Field) bool {
	_, written := m.link.Written[field.Name]
	never := !written || m.isRemapped(field) && !m.isRedirected(field) || m.link.IsLeftOut(field.Name)
	return m.link.SalesforceID != "" && m.held == nil && never && !m.touches(field)
}

// isRemapped reports whether the field was last written from another source than it has now, or before the item moved.
func (m *maker) isRemapped(field *mapping.Field) bool {
	return m.link.Remapped(field.Name, m.Record.Made()[field.Name])
}

// isRedirected reports whether the field goes only to Salesforce now, and only its direction has changed since both
// sides agreed on its value. What has changed in Monday since then is a change like any other.
func (m *maker) isRedirected(field *mapping.Field) bool {
	return field.Sync == mapping.ToSalesforce && !m.link.Held[field.Name].Apart &&
		m.Record.SameSource(field.Name, m.link.Written[field.Name].Mapping)
}

// settled returns the fate of a field whose value in Salesforce was read.
func (m *maker) settled(field *mapping.Field, value any) fate {
	m.Compared++
	base, agreed := m.link.Agreed(field.Name)
	remapped := m.isRemapped(field)
	if agreed && remapped && !m.isRedirected(field) {
		// Otherwise they have never agreed on the field's current source, or the column may be empty because the item
		// moved.
		agreed = field.Fold(base) == field.Fold(value) ||
			m.link.Moved(field.Name, m.Record.Made()[field.Name]) && value != nil && !field.IsDefault(m.it.View) ||
			field.Fold(base) == field.Fold(m.held[field.Name]) && WasUnmapped(field, m.it.View, &m.link)
	}
	if !agreed && m.held[field.Name] != nil && field.IsDefault(m.it.View) {
		return held // Monday has no value
	}
	if field.SameName(m.Record, m.it.View, m.held) {
		if !agreed || base != value {
			m.agree(field.Name, value)
		}
		return held
	}
	if m.link.IsLeftOut(field.Name) && field.Fold(value) == nil {
		return held // Monday never had a value: what Salesforce holds stays
	}
	s := Settle(field, value, base, agreed, m.held[field.Name], m.choices())
	if s.Agrees || s.Kind == "" && remapped && field.Fold(value) == field.Fold(m.held[field.Name]) {
		m.agree(field.Name, value)
	}
	rejected := m.link.Rejects(field.Name, value)
	if s.Kind != "" {
		d := Difference{
			Field: field.Name, Kind: s.Kind, Monday: value, Salesforce: m.held[field.Name], Sends: s.Sends && !rejected,
		}
		if s.Kind == FirstMeeting && m.choices().Adopt == mapping.Salesforce {
			d.Code = OnlyToSalesforce
		}
		m.Differences = append(m.Differences, d)
	}
	if s.Kind == FirstMeeting && !s.Sends && !m.isOurs(field) && !m.isUnsent(field) {
		m.Apart = append(m.Apart, field.Name)
	}
	if !s.Sends {
		return held
	}
	return m.sending(field, value)
}

// choices returns the choices for fields that only go to Salesforce. An item that begins again, as after it was
// restored, sends them all.
func (m *maker) choices() Choices {
	if m.it.Fresh {
		return Choices{Adopt: mapping.Monday, Enforce: true}
	}
	return m.it.Choices
}

// isOurs reports whether Salesforce holds what was written last, from another column that was mapped then. Nobody else
// has set that value, so the item's next event may replace it.
func (m *maker) isOurs(field *mapping.Field) bool {
	w, written := m.link.Written[field.Name]
	return written && !w.Unsure && !w.LeftOut && field.Fold(w.Value) == field.Fold(m.held[field.Name])
}

// isUnsent reports whether the field was never written because the mapping had no value for the item's label. The
// item's next event, such as the replay of the one that failed, may replace what Salesforce holds.
func (m *maker) isUnsent(field *mapping.Field) bool {
	_, written := m.link.Written[field.Name]
	return !written && WasUnmapped(field, m.it.View, &m.link)
}

// WasUnmapped reports whether the mapping had no value for a label that the column shows, so that the item's last
// change was never sent.
func WasUnmapped(field *mapping.Field, it mapping.Item, link *ledger.Link) bool {
	return slices.ContainsFunc(field.Unmapped(it), func(err error) bool { return link.Rejects(field.Name, err.Error()) })
}

// value converts a value of the mapping into one that can be sent. It is not ok if there is none: the value cannot be
// converted for the field, or refers to a record that does not exist yet.
func (m *maker) value(field *mapping.Field, v mapping.Value) (value any, ok bool) {
	if v.Err != nil {
		m.reject(field, v.Err)
		return nil, false
	}
	if value, ok = m.resolve(v); ok && v.Since != "" && m.link.Since[field.Name] != v.Since {
		if m.Since == nil {
			m.Since = map[string]string{}
		}
		m.Since[field.Name] = v.Since
	}
	return value, ok
}

func (m *maker) resolve(v mapping.Value) (value any, ok bool) {
	switch {
	case v.Record != nil:
		if link := m.it.Links[v.Record.Name]; link != nil && link.SalesforceID != "" {
			return link.SalesforceID, true
		}
		return nil, false
	case v.Link != nil:
		ref := ledger.RecordRef{ItemID: v.Item, Record: v.Link.Name}
		if id := m.refs.Linked[ref]; id != "" {
			return id, true
		}
		m.Waits = append(m.Waits, ref)
		return nil, false
	case v.Person != 0:
		if id := m.refs.Users[v.Person]; id != "" {
			return id, true
		}
		m.note("a person has no active Salesforce user with the same email")
		return m.refs.Owner, m.refs.Owner != ""
	}
	return v.Literal, true
}

// reject records a column whose value cannot be converted for the field.
func (m *maker) reject(field *mapping.Field, err error) {
	r := Rejection{Field: field.Name, Value: err.Error(), Code: "INVALID_VALUE", Detail: err.Error(),
		Columns: field.Columns()}
	var v *mapping.ValueError
	if errors.As(err, &v) {
		r.Code = v.Code
	}
	if m.link.Rejects(field.Name, r.Value) {
		m.Repeated = append(m.Repeated, field.Name)
		return
	}
	m.Rejected = append(m.Rejected, r)
}

// touches reports whether an event of the batch carried a column of the field.
func (m *maker) touches(field *mapping.Field) bool {
	return slices.ContainsFunc(field.Columns(), func(id string) bool { return m.it.Touched[id] })
}

// Digest identifies the fields of a record that was rejected as a whole.
func Digest(fields map[string]any) string {
	text, err := json.Marshal(fields) // with sorted keys
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// StaleLabels returns the columns of the board whose label is missing from the mapping and would affect a decision. If
// the label is only stored, it may have been renamed both in Monday and in the mapping since.
func StaleLabels(board *mapping.Board, it Item, today time.Time) (columns []string) {
	for _, rec := range board.Records {
		link := it.Links[rec.Name]
		outside := rec.Outside(it.View)
		if link == nil || len(outside) == 0 {
			continue
		}
		values := it.desired(rec, link, today)
		for _, field := range rec.Fields {
			from := field.Columns()
			if len(from) == 0 || !slices.Contains(outside, from[0]) {
				continue
			}
			v := values[field.Name]
			if v.Err != nil && !link.Rejects(field.Name, v.Err.Error()) || v.Err == nil && !link.Holds(field.Name, v.Literal) {
				columns = append(columns, from[0])
			}
		}
	}
	return columns
}
