// Package soql parses SOQL and runs it on tables that the caller provides.
//
// https://developer.salesforce.com/docs/atlas.en-us.soql_sosl.meta/soql_sosl/sforce_api_calls_soql.htm
package soql

import (
	"fmt"
	"iter"
	"strings"
	"time"
)

// Table is an object's records as a query sees them.
type Table interface {
	// Name returns the object's API name.
	Name() string

	// Column finds a column by name, ignoring case.
	Column(name string) (*Column, bool)

	// Parent finds the reference with this name in SOQL, such as Account for AccountId, and the table it points to.
	Parent(relation string) (*Column, Table, bool)

	// ParseID returns the form in which the table stores an Id.
	ParseID(text string) (string, bool)

	// Row finds a row by Id, deleted or not.
	Row(id string) (Row, bool)

	// Rows returns all rows, including deleted ones, in order of Id.
	Rows() iter.Seq[Row]

	// Find returns the live rows that have a value in a column whose access is ByValue.
	Find(c *Column, value any) iter.Seq[Row]

	// Since returns the rows whose column with access ByStamp is at or after a time, in order of that column. It
	// reports false while the table cannot know.
	Since(stamp string) (iter.Seq[Row], bool)
}

// Row is a record.
type Row interface {
	ID() string
	Deleted() bool

	// Value returns the row's value in the column with this index: nil, string, float64 or bool. A date or datetime
	// is text that sorts by time, a datetime in DateTimeLayout.
	Value(column int) any
}

// Column is a field as queries see it.
type Column struct {
	Index    int // in a row's values
	Name     string
	Type     string // as errors name it
	JSONType string // type of its values, as errors name it
	Kind     Kind
	Access   Access

	Filterable bool // may occur in WHERE and ORDER BY
	Ordered    bool // can be compared with < and >
}

// Kind determines which literals a column is compared with, and how.
type Kind int

// The kinds of columns and literals; the zero value is the literal null.
const (
	Text Kind = iota + 1 // ignoring case; empty is null
	ID
	Number
	Boolean
	Date
	DateTime
)

// Access is how a table finds rows by a column, other than by scanning all of them.
type Access int

// The ways of finding rows by a column.
const (
	Scan    Access = iota // no access
	ByID                  // Table.Row; Table.Rows come in this order
	ByStamp               // Table.Since
	ByValue               // Table.Find
)

// DateTimeLayout is the API's form of a datetime. In this form datetimes sort as text.
const DateTimeLayout = "2006-01-02T15:04:05.000-0700"

// ParseDateTime converts a datetime to DateTimeLayout.
func ParseDateTime(s string) (string, bool) {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC().Format(DateTimeLayout), true
		}
	}
	return "", false
}

// Error is a rejected query, in Salesforce's words.
type Error struct{ Code, Message string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func fail(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// unexpected returns the error for a query that cannot be parsed at pos.
func unexpected(q string, pos int, text string) *Error {
	return fail("MALFORMED_QUERY", "%sunexpected token: '%s'", errorAt(q, pos), text)
}

// errorAt shows the position of an error in a query, as Salesforce does.
func errorAt(q string, pos int) string {
	around := q[max(0, pos-40):min(len(q), pos+40)]
	return fmt.Sprintf("\n%s\n%s^\nERROR at Row:1:Column:%d\n", around, strings.Repeat(" ", min(pos, 40)), pos+1)
}
