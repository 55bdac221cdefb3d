// Package audit holds a mapping against the boards and objects that it is written for. It is pure: what Monday and
// Salesforce say is handed in.
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

// Severity says what a finding means.
type Severity string

// The severities.
const (
	Error   Severity = "error"   // events will fail, or nothing will be synced
	Warning Severity = "warning" // some events may fail
	Note    Severity = "note"    // worth knowing; nothing is wrong
)

// What findings are about.
const (
	File       = "mapping" // the mapping file alone
	Monday     = "Monday"
	Salesforce = "Salesforce"
)

// Finding is one thing to know about a mapping. It names ids, labels and fields, and no values of customers. Its JSON
// form is stable.
type Finding struct {
	Severity Severity `json:"severity"`
	System   string   `json:"system"`

	// Line and Column are where in the mapping it is, from 1; 0: nowhere in particular.
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
}

// Live is what the two systems say. What could not be asked is nil, and is not judged.
type Live struct {
	Boards   map[int64]mondayclient.Board
	Webhooks map[int64][]mondayclient.Webhook // by board
	Timed    map[int64][]string               // by board: its date columns in which dates with a time were seen
	Objects  map[string]*sfclient.Object      // by the name that the mapping uses; nil: there is none
	Others   []string                         // all objects, where one of the mapping's is not there
	Known    []mondayclient.Board             // boards that the token sees, where one of the mapping's is not there
	Users    map[string]bool                  // those of UserIDs that exist, and whether each is active
}

// Check holds a mapping against what the systems say, and returns what does not agree in the order of the file.
func Check(m *mapping.Mapping, live Live) []Finding {
	a := &auditor{mapping: m, live: live}
	a.users()
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

// Faults are the faults of a mapping file as findings.
func Faults(faults mapping.Faults) []Finding {
	a := &auditor{}
	for _, f := range faults {
		a.find(Error, File, mapping.Place{Line: f.Line, Column: f.Column}, "%s", f.Message)
	}
	return a.findings
}

// Sort puts findings into the order of the file. What has no place comes first.
func Sort(findings []Finding) []Finding {
	slices.SortStableFunc(findings, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(x.Line, y.Line), cmp.Compare(x.Column, y.Column), cmp.Compare(x.Message, y.Message))
	})
	return slices.Compact(findings) // a board's condition is that of several records
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

// auditor gathers findings.
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

// columns are a board's columns by id; nil where they are not known.
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

// webhooks checks that everything that happens on a board is delivered.
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
	}
}

// migration checks what the migration alone names, and which of its fields change without a trace.
func (a *auditor) migration(g *mapping.Migration, known columns) {
	object := a.live.Objects[g.Record.Object]
	groups := a.live.Boards[g.Board.ID].Groups
	if g.Group != "" && len(groups) > 0 && !slices.Contains(groups, g.Group) {
		a.find(Error, Monday, g.At(), "board %d has no group %q%s", g.Board.ID, g.Group, beside(g.Group, groups))
	}
	for _, t := range g.Targets {
		field, ok := fieldOf(object, t.Field)
		if t.OwnBase() {
			if c, ok := a.column(known, g.Board, t.Column, g.At()); ok && !mapping.Fillable(c.Type) {
				a.find(Error, Monday, g.At(), "column %q is of type %s, which a value of Salesforce cannot fill",
					c.ID, c.Type)
			}
			if object != nil && !ok {
				a.find(Error, Salesforce, g.At(), "%s has no field %s that the run-as user can see%s",
					object.Name, t.Field, mapping.Suggestion(t.Field, fieldNames(object)))
			}
		}
		if ok && field.Calculated {
			a.find(Note, Salesforce, g.At(), "%s.%s is calculated by Salesforce: its value can change without "+
				"the record changing, and then column %q is not updated", object.Name, field.Name, t.Column)
		}
	}
}
