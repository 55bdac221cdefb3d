// Package audit checks a mapping against the boards and objects it is written for. It is pure: the caller passes in
// what Monday and Salesforce return.
package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// Severity is how serious a finding is.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // events will fail, or nothing will be synced
	Warning Severity = "warning" // some events may fail
	Note    Severity = "note"    // for information; nothing is wrong
)

// Subjects of findings.
const (
	File       = "mapping" // the mapping file alone
	Monday     = "Monday"
	Salesforce = "Salesforce"
)

// Finding is one observation about a mapping. It names ids, labels and fields, but no values of customers. Its JSON
// form is stable.
type Finding struct {
	Severity Severity `json:"severity"`
	System   string   `json:"system"`

	// Line and Column are the place in the mapping, from 1; 0: no particular place.
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`

	// OfWebhooks reports whether it is about a board's webhooks, rather than about the mapping.
	OfWebhooks bool `json:"-"`
}

// Live is the state of the two systems. What could not be read is nil, and is not checked.
type Live struct {
	Boards   map[int64]mondayclient.Board
	Webhooks map[int64][]mondayclient.Webhook // by board
	Timed    map[int64][]string               // by board: its date columns that contain dates with a time
	Objects  map[string]*sfclient.Object      // by the name used in the mapping; nil: does not exist
	Others   []string                         // all objects, if one of the mapping's does not exist
	Known    []mondayclient.Board             // boards visible to the token, if one of the mapping's is not
	Users    map[string]bool                  // those of UserIDs that exist, and whether each is active

	// MondayCalls and SalesforceCalls are the calls of a day that the reserves leave to comparisons; 0: unknown.
	MondayCalls, SalesforceCalls int
}

// Check checks a mapping against the state of the systems, and returns its findings in the order of the file.
func Check(m *mapping.Mapping, live Live) []Finding {
	a := &auditor{mapping: m, live: live}
	a.users()
	a.forecast()
	for _, b := range m.Boards {
		known := a.board(b)
		for _, r := range b.Records {
			a.columnsOf(r, known)
			a.record(r, known)
		}
		if b.Migration != nil {
			a.migration(b.Migration, known)
		}
	}
	return Sort(a.findings)
}

// Faults returns the faults of a mapping file as findings.
func Faults(faults mapping.Faults) []Finding {
	a := &auditor{}
	for _, f := range faults {
		a.find(Error, File, mapping.Place{Line: f.Line, Column: f.Column}, "%s", f.Message)
	}
	return a.findings
}

// Sort sorts findings by their place in the file. Those without a place come first.
func Sort(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Message, y.Message))
	})
	return slices.Compact(findings) // a board's condition applies to several records
}

// Errors counts the findings that are errors.
func Errors(findings []Finding) int { return count(findings, Error) }

// Warnings counts the findings that are warnings.
func Warnings(findings []Finding) int { return count(findings, Warning) }

func count(findings []Finding, s Severity) (n int) {
	for _, f := range findings {
		if f.Severity == s {
			n++
		}
	}
	return n
}

// auditor collects findings.
type auditor struct {
	mapping  *mapping.Mapping
	live     Live
	findings []Finding
}

func (a *auditor) find(s Severity, system string, at mapping.Place, format string, args ...any) {
	a.findings = append(a.findings, Finding{
		Severity: s, System: system, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...),
	})
}

// columns maps column ids to a board's columns; nil if unknown.
type columns map[string]mondayclient.BoardColumn

// board checks a board itself and returns its columns.
func (a *auditor) board(b *mapping.Board) columns {
	if a.live.Boards == nil {
		return nil
	}
	live, ok := a.live.Boards[b.ID]
	if !ok {
		a.find(Error, Monday, b.At("board"), "board %d does not exist, is archived, or is not visible to the API token%s",
			b.ID, besideBoards(a.live.Known))
		return nil
	}
	known := columns{}
	for _, c := range live.Columns {
		known[c.ID] = c
	}
	a.webhooks(b)
	return known
}

// webhooks checks that all events of a board are delivered.
func (a *auditor) webhooks(b *mapping.Board) {
	hooks, ok := a.live.Webhooks[b.ID]
	if !ok {
		return
	}
	var missing []string
	for _, event := range mondayclient.Subscriptions() {
		if !slices.ContainsFunc(hooks, func(h mondayclient.Webhook) bool { return h.Event == event }) {
			missing = append(missing, event)
		}
	}
	if len(missing) > 0 {
		a.find(Warning, Monday, b.At("board"), "board %d has no webhook for %s; `crmsync webhooks --url` creates them",
			b.ID, strings.Join(missing, ", "))
		a.findings[len(a.findings)-1].OfWebhooks = true
	}
}

// migration checks what only the migration refers to, and which of its fields change without a new modification time.
func (a *auditor) migration(g *mapping.Migration, known columns) {
	object := a.live.Objects[g.Record.Object]
	groups := a.live.Boards[g.Board.ID].Groups
	if g.Group != "" && len(groups) > 0 && !slices.Contains(groups, g.Group) {
		a.find(Error, Monday, g.At(), "board %d has no group %q%s", g.Board.ID, g.Group, beside(g.Group, groups))
	}
	for _, t := range g.Targets {
		field, ok := fieldOf(object, t.Name)
		if t.IsImported() {
			if c, ok := a.column(known, g.Board, t.Column(), g.At()); ok && !mapping.Fillable(c.Type) {
				a.find(Error, Monday, g.At(), "column %q is of type %s, which a Salesforce value cannot fill",
					c.ID, c.Type)
			}
			if object != nil && !ok {
				a.find(Error, Salesforce, g.At(), "%s has no field %s that is visible to the run-as user%s",
					object.Name, t.Name, mapping.Suggestion(t.Name, fieldNames(object)))
			}
		}
		if ok && field.Calculated {
			a.find(Note, Salesforce, g.At(), "%s.%s is calculated by Salesforce: its value can change although "+
				"the record does not, and then column %q is not updated", object.Name, field.Name, t.Column())
		}
	}
}
