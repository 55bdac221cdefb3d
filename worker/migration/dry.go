package migration

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// examples is the number of records that a report shows field by field.
const examples = 10

// dryTimeout is the maximum duration of a dry run.
const dryTimeout = 24 * time.Hour

// Report describes what a run would do.
type Report struct {
	Counts   store.Counts
	Examples []Example // the first records that would be created or updated, or that changed on both sides
	Missing  []MissingLabel
}

// Example is what a run would do with a record.
type Example struct {
	SalesforceID string
	ItemID       int64  // 0: it would be created
	What         string // create, update or conflict
	Fields       []FieldChange
}

// FieldChange is a column that would be written or, in a conflict, left.
type FieldChange struct {
	Column, Field string
	From, To      string
}

// MissingLabel is a label that records require and that the board does not have. Their items would lack the column.
type MissingLabel struct {
	Column, Field, Label string
	Records              int
}

// DryRun finds out what a run of a board would do now. It writes nothing anywhere.
func (m *Migrator) DryRun(ctx context.Context, boardID int64) (Report, error) {
	migration, err := m.migrationOf(boardID)
	if err != nil {
		return Report{}, err
	}
	end := time.Now().Add(dryTimeout)
	d := &dryRun{session: m.session(Job{BoardID: boardID}, migration, end, end), missing: map[missing]int{}}
	if err := d.run(ctx); err != nil {
		return Report{}, err
	}
	return d.result(), nil
}

// dryRun goes through the records as a run would.
type dryRun struct {
	session *session
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
	for after := ""; ; {
		p, last, err := s.failedPage(ctx, after)
		if err != nil {
			return err
		}
		if p == nil {
			break
		}
		if err := d.take(ctx, p); err != nil {
			return err
		}
		after = last
	}
	var records []*record
	soql := selectRecords(s.migration, s.config.Mapping.Key, after(s.migration, s.run.Cursor))
	for fields, err := range s.config.Salesforce.Query(ctx, soql) {
		if err != nil {
			return fmt.Errorf("reading records: %w", err)
		}
		r, err := readRecord(fields)
		if err != nil {
			return err
		}
		if records = append(records, r); len(records) == pageSize {
			if err := d.read(ctx, records); err != nil {
				return err
			}
			records = nil
		}
	}
	return d.read(ctx, records)
}

func (d *dryRun) read(ctx context.Context, records []*record) error {
	p, err := d.session.prepare(ctx, records)
	if err != nil {
		return err
	}
	return d.take(ctx, p)
}

// take determines what a run would do with a page.
func (d *dryRun) take(ctx context.Context, p *page) error {
	s := d.session
	if err := s.readValues(ctx, p); err != nil {
		return err
	}
	rules := s.rules(p)
	updates := map[*record]*update{}
	for _, r := range p.records {
		switch m := r.match.(type) {
		case linked:
			if rules.changed(m.link, r.values) {
				updates[r] = &update{record: r, item: m.item, link: m.link}
			}
		case found:
			updates[r] = &update{record: r, item: m.item, link: &ledger.Link{}, adopts: true}
		}
	}
	if err := s.readUpdates(ctx, p, slices.Collect(maps.Values(updates))); err != nil {
		return err
	}
	for _, r := range p.records {
		example := d.foresee(rules, r, updates[r])
		r.count(&d.report.Counts, 0)
		if r.outcome != isUnchanged && len(d.report.Examples) < examples {
			d.report.Examples = append(d.report.Examples, example)
		}
	}
	return nil
}

// foresee determines what a run would do with a record.
func (d *dryRun) foresee(rules *rules, r *record, u *update) Example {
	e := Example{SalesforceID: r.id}
	if r.isUnmatched() {
		r.outcome, e.What = isCreated, "create"
		for _, t := range rules.targets {
			v, ok := r.values[t.Column]
			switch {
			case t.Column == ledger.NameColumn:
				e.Fields = append(e.Fields, FieldChange{Column: t.Column, Field: t.Field, To: r.name()})
			case ok && v.Written() != nil && !d.lacks(r, t.Field, t.Column, v):
				e.Fields = append(e.Fields, FieldChange{Column: t.Column, Field: t.Field, To: inWords(v)})
			}
		}
		return e
	}
	if u == nil || u.read == nil {
		return e
	}
	u.diff = rules.compare(u.link, r.values, u.read)
	changes := slices.DeleteFunc(u.diff.write, func(c change) bool {
		return d.lacks(r, c.target.Field, c.target.Column, c.to)
	})
	if e.ItemID, e.What = u.item, "update"; len(changes) > 0 {
		r.outcome = isUpdated
	}
	if len(u.diff.clash) > 0 {
		r.outcome, e.What, changes = isConflict, "conflict", u.diff.clash
	}
	for _, c := range changes {
		e.Fields = append(e.Fields, FieldChange{
			Column: c.target.Column, Field: c.target.Field, From: inWords(c.from), To: inWords(c.to),
		})
	}
	return e
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
		return fmt.Sprint(v.Labels)
	case len(v.IDs) > 0:
		return fmt.Sprint("item ", v.IDs[0])
	case v.Time != "":
		return v.Text + " " + v.Time
	}
	return v.Text
}
