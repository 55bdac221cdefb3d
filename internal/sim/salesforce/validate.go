package salesforce

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// check returns the values that the record would have after the row, or every reason why Salesforce would reject it.
// old is nil on create.
func (x *tx) check(r row, old *record) ([]any, []*failure) {
	failures := append(x.relate(&r), checkPerson(r, old)...)
	values := x.base(r.table, old)
	var readOnly, missing []string
	for i := range r.table.columns {
		c := &r.table.columns[i]
		v := r.values[i]
		if !r.set[i] {
			if c.Required && values[i] == nil && old == nil {
				missing = append(missing, c.Name)
			}
			continue
		}
		switch {
		case c.ReadOnly:
			readOnly = append(readOnly, c.Name)
			continue
		case v == nil && c.Required:
			missing = append(missing, c.Name)
			continue
		}
		if f := x.checkValue(c, &v); f != nil {
			failures = append(failures, f)
			continue
		}
		failures = append(failures, r.table.checkRules(c, v)...)
		values[i] = v
	}
	failures = append(failures, about(readOnly, "INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: %s. "+
		"Please check the security settings of this field and verify that it is read/write for your profile or permission "+
		"set.")...)
	failures = append(failures, about(missing, "REQUIRED_FIELD_MISSING", "Required fields are missing: [%s]")...)
	if failures != nil {
		return nil, failures
	}
	r.table.compute(values)
	failures = append(r.table.validate(values), x.checkUnique(r.table, values, old)...)
	failures = append(failures, x.checkOwner(r.table, values, old)...)
	if failures == nil {
		failures = x.checkDuplicates(r.table, values, old)
	}
	return values, failures
}

// about returns the one failure of several fields, if there are any.
func about(fields []string, code, format string) []*failure {
	if fields == nil {
		return nil
	}
	return []*failure{fail(code, format, strings.Join(fields, ", ")).on(fields...)}
}

// base returns a record's values before the row is applied.
func (x *tx) base(tab *table, old *record) []any {
	if old != nil {
		return slices.Clone(old.values)
	}
	values := make([]any, len(tab.columns))
	for i := range tab.columns {
		c := &tab.columns[i]
		if values[i] = c.initial(); c.Name == "OwnerId" && x.sim.user != "" {
			values[i] = x.sim.user
		}
	}
	return values
}

// initial returns the value of a column in a new record that does not set it.
func (c *column) initial() any {
	if c.Default == nil && c.Type == Boolean {
		return false
	}
	return c.Default
}

// relate replaces references by external ID with the parents' ids.
func (x *tx) relate(r *row) []*failure {
	var failures []*failure
	for _, p := range r.parents {
		var found []*record
		if p.value != nil {
			found = x.visible(p.reference.parent.find(p.key, p.value))
		}
		switch len(found) {
		case 0:
			failures = append(failures, fail("INVALID_FIELD", "Foreign key external ID: %v not found for field %s in entity %s",
				p.value, p.key.Name, p.reference.ReferenceTo))
		case 1:
			r.values[p.reference.index], r.set[p.reference.index] = found[0].id, true
		default:
			failures = append(failures, fail("INVALID_FIELD", "More than 1 record found for external key field %s in entity %s",
				p.key.Name, p.reference.ReferenceTo))
		}
	}
	return failures
}

// checkValue checks a single value and converts it to the stored form.
func (x *tx) checkValue(c *column, v *any) *failure {
	s, _ := (*v).(string)
	switch {
	case *v == nil && c.Type == Boolean:
		return fail("INVALID_TYPE_ON_FIELD_IN_RECORD", "%s: value not of required type: ", c.Label).on(c.Name)
	case *v == nil:
		return nil
	case c.Type == Reference:
		return x.checkReference(c, v)
	case c.text() && len(s) > c.Length && utf8.RuneCountInString(s) > c.Length:
		return fail("STRING_TOO_LONG", "%s: data value too large: %s (max length=%d)", c.Label, s, c.Length).on(c.Name)
	case c.Type == Email && !validEmail(s):
		return fail("INVALID_EMAIL_ADDRESS", "%s: invalid email address: %s", c.Label, s).on(c.Name)
	case c.Restricted && !c.allows(s):
		return fail("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "%s: bad value for restricted picklist field: %s", c.Label,
			s).on(c.Name)
	case c.number() && c.outside((*v).(float64)):
		return fail("NUMBER_OUTSIDE_VALID_RANGE", "%s: value outside of valid range on numeric field: %v", c.Label,
			*v).on(c.Name)
	}
	return nil
}

func (x *tx) checkReference(c *column, v *any) *failure {
	id, ok := parseID((*v).(string))
	if !ok || c.parent != nil && id[:3] != c.parent.Prefix {
		return fail("MALFORMED_ID", "%s: id value of incorrect type: %s", c.Label, *v).on(c.Name)
	}
	if c.parent != nil {
		if parent, ok := c.parent.byID[id]; ok {
			if f := x.rejectsReference(parent); f != nil {
				return f
			}
		}
		if _, ok := c.parent.live(id); !ok {
			return fail("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
		}
	}
	*v = id
	return nil
}

// checkRules applies the rules added by Reject.
func (t *table) checkRules(c *column, v any) []*failure {
	var failures []*failure
	for _, rule := range t.rules[c.index] {
		if code := rule(v); code != "" {
			failures = append(failures, fail(code, "%s: value rejected: %v", c.Label, v).on(c.Name))
		}
	}
	return failures
}

// checkOwner rejects a change of owner to an inactive user.
func (x *tx) checkOwner(tab *table, values []any, old *record) []*failure {
	c, ok := tab.column("OwnerId")
	if !ok || c.parent == nil || old != nil && old.values[c.index] == values[c.index] {
		return nil
	}
	id, _ := values[c.index].(string)
	owner, ok := c.parent.live(id)
	if active, known := c.parent.column("IsActive"); !ok || !known || owner.values[active.index] == true {
		return nil
	}
	return list(fail("INACTIVE_OWNER_OR_USER", "operation performed with inactive user [%s] as owner of %s", id,
		strings.ToLower(tab.Label)))
}

func (x *tx) checkUnique(tab *table, values []any, old *record) []*failure {
	failures := tab.checkUnique(values, old)
	for _, f := range failures {
		if rec := tab.byID[f.other]; x.api && rec.hidden {
			f.message = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
		}
	}
	return failures
}

func (t *table) checkUnique(values []any, old *record) []*failure {
	var failures []*failure
	for i := range t.indexes {
		c := &t.columns[i]
		if !c.Unique || values[i] == nil {
			continue
		}
		for _, other := range t.find(c, values[i]) {
			if other != old {
				failures = append(failures, t.taken(c, other))
			}
		}
	}
	return failures
}

func (t *table) taken(c *column, by *record) *failure {
	f := fail("DUPLICATE_VALUE", "duplicate value found: %s duplicates value on record with id: %s", c.Name, by.id)
	f.other = by.id
	return f
}

// compute sets the values of the compound fields and the formulas.
func (t *table) compute(values []any) {
	t.join(values)
	if t.formulas == nil {
		return
	}
	record := t.fieldsOf(values)
	for _, i := range t.formulas {
		v, f := t.columns[i].parse(t.columns[i].Formula(record))
		if f != nil {
			panic(fmt.Sprintf("sfsim: formula %s: %s", t.columns[i].Name, f.message))
		}
		values[i] = v
	}
}

// join computes the compound fields, and the name of a person account.
func (t *table) join(values []any) {
	for i := range t.columns {
		if names := t.columns[i].Joins; names != nil {
			t.joinInto(values, i, names)
		}
	}
	if is, ok := t.names["IsPersonAccount"]; ok && values[is] == true && t.Name == "Account" {
		t.joinInto(values, t.names["Name"], []string{"FirstName", "LastName"})
	}
}

func (t *table) joinInto(values []any, to int, names []string) {
	joined := ""
	for _, name := range names {
		if s, ok := values[t.names[name]].(string); ok && joined == "" {
			joined = s
		} else if ok {
			joined += " " + s
		}
	}
	if joined != "" && joined != values[to] {
		values[to] = joined
	}
}

func (c *column) allows(s string) bool {
	if c.Type != MultiPicklist {
		return slices.Contains(c.Values, s)
	}
	for part := range strings.SplitSeq(s, ";") {
		if !slices.Contains(c.Values, part) {
			return false
		}
	}
	return true
}

// outside reports whether a number has more digits than the field allows: 16 before the point.
func (c *column) outside(n float64) bool {
	if c.Type == Int {
		return math.Abs(n) > math.MaxInt32
	}
	return math.Abs(n) >= 1e16
}

func validEmail(s string) bool {
	local, domain, ok := strings.Cut(s, "@")
	name, tld, dotted := cutLast(domain, ".")
	return ok && dotted && local != "" && name != "" && tld != "" &&
		!strings.ContainsAny(s, " \t\r\n,;<>()\"") && !strings.Contains(domain, "@") && !strings.Contains(domain, "..")
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
