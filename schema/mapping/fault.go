package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Fault is one thing that is wrong with a mapping file. Line and Column count from 1, Column in characters.
type Fault struct {
	File         string
	Line, Column int
	Message      string
}

// Error gives the fault as compilers do, so that editors find the place.
func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Faults is everything that is wrong with a mapping file, in the order of the file.
type Faults []Fault

// Error gives one fault a line.
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

// ValueError says that a column's value cannot become the field. The same value fails again.
type ValueError struct {
	Field  string
	Column string // column id; of a template all of them, joined by a comma
	Code   string

	// Label is the label that is not mapped. It is empty for a text, which may be a customer's.
	Label string
}

// Error names field, column and what is wrong. It prints a label, which is configuration, and no other value.
func (e *ValueError) Error() string {
	return fmt.Sprintf("%s: field %s: column %s %s", e.Code, e.Field, e.Column, e.reason())
}

func (e *ValueError) reason() string {
	switch e.Code {
	case UnmappedLabel:
		if e.Label == "" {
			return "holds a text that is not among the mapped labels"
		}
		return fmt.Sprintf("has the label %q, which is not mapped", e.Label)
	case InvalidNumber:
		return "does not hold a number"
	case InvalidPhone:
		return "does not hold a phone number that can be dialed"
	case InvalidDate:
		return "does not hold a date"
	case WrongColumnType:
		return "is of a type that cannot become this field"
	default:
		return "cannot become this field"
	}
}
