package migration

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/worker/engine"
)

// dryTimeout is the maximum duration of a dry run.
const dryTimeout = 24 * time.Hour

// Report describes what a run would do.
type Report struct {
	Counts  store.Counts
	Missing []MissingLabel
}

// Example is what a run would do with a record.
type Example struct {
	SalesforceID string
	ItemID       int64  // 0: it would be created
	What         string // create, update or conflict
	Fields       []FieldChange
}

// FieldChange is a column, its field, and the values on both sides; for a new item, only the column's.
type FieldChange struct {
	Column, Field      string
	Monday, Salesforce string
	Does               Does
}

// MissingLabel is a label that records require and that the board does not have. Their items would lack the column.
type MissingLabel struct {
	Column, Field, Label string
	Records              int
}

// DryRun finds out what a run of a board would do now, and shows each record that would be created or updated, or that
// changed on both sides. It writes nothing anywhere.
func (m *Migrator) DryRun(ctx context.Context, boardID int64, show func(Example)) (Report, error) {
	migration, err := m.migrationOf(boardID)
	if err != nil {
		return Report{}, err
	}
	end := time.Now().Add(dryTimeout)
	d := &dryRun{session: m.session(Job{BoardID: boardID}, migration, end, end), show: show,
		missing: map[missing]int{}}
	if err := d.run(ctx); err != nil {
		return Report{}, err
	}
	return d.result(), nil
}

// dryRun goes through the records as a run would.
type dryRun struct {
	session *session
	show    func(Example)
	report  Report
	missing map[missing]int // records
}

type missing struct{ column, field, label string }

func (d *dryRun) run(ctx context.Context) error {
	s := d.session
	last, err := s.config.Store.LastCursor(ctx, s.job.BoardID)
	if err != nil {
		return err
	}
	if err := s.readBoard(ctx); err != nil {
		return err
	}
	s.run.Cursor.At = rewind(last.At)
	s.begin = func(context.Context, *page) error { return nil }
	s.finish = d.take
	if _, err := s.retryFailed(ctx); err != nil {
		return err
	}
	_, err = s.lap(ctx)
	return err
}

// take determines what a run would do with a page.
func (d *dryRun) take(ctx context.Context, p *page) error {
	s := d.session
	if err := s.readValues(ctx, p); err != nil {
		return err
	}
	all := s.toCompare(p)
	if err := s.compareAll(ctx, all, true); err != nil {
		return err
	}
	items := map[*record]*compared{}
	for _, c := range all {
		items[c.record] = c
	}
	for _, r := range p.records {
		example := d.foresee(p, r, items[r])
		r.count(&d.report.Counts, 0)
		if r.outcome != isUnchanged {
			d.show(example)
		}
	}
	return nil
}

// foresee determines what a run would do with a record. c is nil if its item is not compared.
func (d *dryRun) foresee(p *page, r *record, c *compared) Example {
	e := Example{SalesforceID: r.id}
	switch {
	case r.isUnmatched():
		r.outcome, e.What = isCreated, "create"
		e.Fields = d.foreseeNew(r)
	case c != nil:
		e.ItemID, e.What = c.item, "update"
		c.found.Differences = slices.DeleteFunc(c.found.Differences, func(x engine.Difference) bool {
			return x.Takes && d.lacks(r, x.Field, x.Column, x.Value)
		})
		if d.session.settle(p, c); r.outcome == isConflict {
			e.What = "conflict"
		}
		for _, x := range c.found.Differences {
			if does := doesOf(x); does != "" {
				e.Fields = append(e.Fields, FieldChange{
					Column: x.Column, Field: x.Field, Monday: textOf(x.Monday), Salesforce: textOf(x.Salesforce), Does: does,
				})
			}
		}
	}
	return e
}

// textOf returns a field's value as text.
func textOf(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprint(value)
}

// foreseeNew returns the columns of a new item.
func (d *dryRun) foreseeNew(r *record) (fields []FieldChange) {
	for _, t := range d.session.migration.Targets {
		v, ok := r.values[t.Column()]
		switch {
		case t.Column() == ledger.NameColumn:
			fields = append(fields, FieldChange{Column: t.Column(), Field: t.Name, Monday: r.name()})
		case ok && v.Written() != nil && !d.lacks(r, t.Name, t.Column(), v):
			fields = append(fields, FieldChange{Column: t.Column(), Field: t.Name, Monday: inWords(v)})
		}
	}
	return fields
}

// lacks reports whether a value requires a label that the board does not have, and counts it.
func (d *dryRun) lacks(r *record, field, id string, v column.Value) bool {
	label, lacks := d.session.board.missing(id, v)
	if lacks {
		r.leftOut = append(r.leftOut, rejection{column: id})
		d.missing[missing{id, field, label}]++
	}
	return lacks
}

func (d *dryRun) result() Report {
	for m, n := range d.missing {
		d.report.Missing = append(d.report.Missing, MissingLabel{m.column, m.field, m.label, n})
	}
	slices.SortFunc(d.report.Missing, func(a, b MissingLabel) int {
		return cmp.Or(cmp.Compare(a.Column, b.Column), cmp.Compare(a.Label, b.Label))
	})
	return d.report
}

// inWords returns a value as text.
func inWords(v column.Value) string {
	switch {
	case v.Type == column.Checkbox:
		return fmt.Sprint(v.Checked)
	case len(v.Labels) > 0:
		return strings.Join(v.Labels, ", ")
	case len(v.IDs) > 0:
		return fmt.Sprint("item ", v.IDs[0])
	case v.Time != "":
		return v.Text + " " + v.Time
	}
	return v.Text
}
