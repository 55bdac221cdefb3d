package mapping

import (
	"slices"
	"strings"
	"time"

	"github.com/nyaruka/phonenumbers"

	"crmsync/mondayclient/column"
)

// FoldIn is Fold for a field whose column has the type and is compared both ways. The order of choices does not count,
// nor does the number of spaces in a name. Since Salesforce stores e-mail addresses in lower case, the case of an
// address in an e-mail column does not count either.
func (f *Field) FoldIn(literal any, typ column.Type) any {
	folded := foldIn(f.Fold(literal), f.from, typ)
	if s, ok := folded.(string); ok && typ == column.Email {
		return strings.ToLower(s)
	}
	return folded
}

func foldIn(literal any, id string, typ column.Type) any {
	s, ok := literal.(string)
	switch {
	case !ok:
		return literal
	case id == itemName:
		return strings.Join(strings.Fields(s), " ")
	case typ == column.Dropdown:
		return foldChoices(s)
	}
	return s
}

// Fold maps values of the field with the same meaning to one: text with and without surrounding spaces, e-mail
// addresses in upper and lower case, times in any zone, phone numbers in any notation. A blank text is null.
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

// foldChoices sorts the values of a multi-select picklist.
func foldChoices(s string) string {
	parts := strings.Split(s, ";")
	slices.Sort(parts)
	return strings.Join(parts, ";")
}
