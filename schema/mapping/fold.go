package mapping

import (
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"crmsync/mondayclient/column"
)

// Fold makes equal what says the same in a column of the type: choices in any order, a name whatever its spaces, and what the
// field's conversion makes equal.
func (t *Target) Fold(literal any, typ column.Type) any {
	if t.field != nil {
		literal = t.field.Fold(literal)
	}
	s, ok := literal.(string)
	switch {
	case !ok:
		return literal
	case t.Column == itemName:
		return strings.Join(strings.Fields(s), " ")
	case typ == column.Dropdown:
		return foldChoices(s)
	}
	return s
}

// Fold makes equal the values of the field that say the same: texts with and without spaces around, e-mail addresses in
// upper and lower case, times in any zone, phone numbers however they are written. A text that says nothing is null.
func (f *Field) Fold(literal any) any {
	s, ok := literal.(string)
	if !ok {
		return literal
	}
	if s = strings.TrimSpace(s); s == "" {
		return nil
	}
	switch f.as {
	case "email":
		return strings.ToLower(s)
	case "datetime":
		if at, ok := instant(s); ok {
			return at.Format(time.RFC3339)
		}
	case "phone":
		if n, err := phonenumbers.Parse(s, f.locale.region); err == nil {
			return dialable(n)
		}
	}
	return s
}

// foldChoices puts the values of a multi-select picklist in order.
func foldChoices(s string) string {
	parts := strings.Split(s, ";")
	slices.Sort(parts)
	return strings.Join(parts, ";")
}
