package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is a fault in a mapping file. Line and Column count from 1, Column in characters.
type Fault struct {
	File         string
	Line, Column int
	Message      string
}

// Error formats the fault as compilers do, so that editors find the place.
func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Faults are all faults in a mapping file, in the order of the file.
type Faults []Fault

// Error returns one fault per line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.Error()
	}
	return strings.Join(lines, "\n")
}

func (f Faults) sorted() Faults {
	slices.SortStableFunc(f, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(f)
}

// Codes of a ValueError.
const (
	UnmappedLabel   = "UNMAPPED_LABEL"
	InvalidNumber   = "INVALID_NUMBER"
	InvalidPhone    = "INVALID_PHONE"
	InvalidDate     = "INVALID_DATE"
	WrongColumnType = "WRONG_COLUMN_TYPE"
)

// ValueError means that a column's value cannot be converted for the field. The same value always fails.
type ValueError struct {
	Field  string
	Column string // column id; for a template all of them, separated by commas
	Code   string

	// Label is the unmapped label. It is empty for text, which may be a customer's.
	Label string
}

// Error names the field, the column and the reason. It includes a label, which is configuration, but no other value.
func (e *ValueError) Error() string {
	return fmt.Sprintf("%s: field %s: column %s %s", e.Code, e.Field, e.Column, e.reason())
}

func (e *ValueError) reason() string {
	switch e.Code {
	case UnmappedLabel:
		if e.Label == "" {
			return "holds text that is not one of the mapped labels"
		}
		return fmt.Sprintf("has the label %q, which is not mapped", e.Label)
	case InvalidNumber:
		return "does not hold a number"
	case InvalidPhone:
		return "does not hold a valid phone number"
	case InvalidDate:
		return "does not hold a date"
	case WrongColumnType:
		return "has a type that cannot be converted for this field"
	default:
		return "cannot be converted for this field"
	}
}
