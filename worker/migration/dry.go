package migration

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// examples is how many records a report shows field by field.
const examples = 10

// Report says what a run would do.
type Report struct {
	Counts   store.Counts
	Examples []Example // the first of those that would be created or updated, or that changed on both sides
}

// Example is what a run would do with a record.
type Example struct {
	SalesforceID string
	ItemID       int64  // 0: it would be created
	What         string // create, update or conflict
	Fields       []FieldChange
}

// FieldChange is a column that would be written; of a conflict, that would be left.
type FieldChange struct {
	Column, Field string
	From, To      string
}

// DryRun finds out what a run of a board would do now. It writes nothing anywhere.
func (m *Migrator) DryRun(ctx context.Context, boardID int64) (r Report, err error) {
	board := m.Mapping.Board(boardID)
	if board == nil || board.Migration == nil {
		return r, &UnmappedError{BoardID: boardID}
	}
	s := &slice{
		Migrator: m, ctx: ctx, job: Job{BoardID: boardID}, migration: board.Migration, run: &store.Run{}, holder: uuid.New(),
		deadline: time.Now().Add(24 * time.Hour), calls: semaphore.NewWeighted(concurrency),
	}
	last, err := m.Store.LastCursor(ctx, boardID)
	if err != nil {
		return r, err
	}
	s.run.Cursor.At = back(last.At)
	if err := s.readColumns(); err != nil {
		return r, err
	}
	var some []sfclient.Record
	for record, err := range m.Salesforce.Query(ctx, s.records()) {
		if err != nil {
			return r, fmt.Errorf("reading records: %w", err)
		}
		if some = append(some, record); len(some) == pageSize {
			if err := s.dryPage(some, &r); err != nil {
				return r, err
			}
			some = some[:0]
		}
	}
	return r, s.dryPage(some, &r)
}

// dryPage finds out what would become of some records.
func (s *slice) dryPage(records []sfclient.Record, r *Report) error {
	p, err := s.newPage(records)
	if err != nil {
		return err
	}
	if err := p.fill(); err != nil {
		return err
	}
	if err := p.find(); err != nil {
		return err
	}
	known := p.which(func(x *subject) bool { return x.item > 0 && (x.link == nil || p.changed(x)) })
	if err := p.readItemsOf(known); err != nil {
		return err
	}
	for _, x := range p.subjects {
		p.foresee(x)
		p.count(&r.Counts, x)
		if x.outcome != unchanged && len(r.Examples) < examples {
			r.Examples = append(r.Examples, p.example(x))
		}
	}
	return nil
}

// foresee decides what would become of a record.
func (p *page) foresee(x *subject) {
	switch {
	case x.open():
		x.outcome = created
	case x.read != nil:
		if x.link == nil {
			x.link = &ledger.Link{}
		}
		x.plan = p.compare(x)
		if len(x.plan.write) > 0 {
			x.outcome = updated
		}
		if len(x.plan.clash) > 0 {
			x.outcome = conflict
		}
	}
}

func (p *page) example(x *subject) Example {
	e := Example{SalesforceID: x.id}
	if x.outcome == created {
		e.What = "create"
		for _, t := range p.migration.Targets {
			if v, ok := x.values[t.Column]; ok && (v.Written() != nil || t.Column == nameColumn) {
				if t.Column == nameColumn {
					v.Text = x.name()
				}
				e.Fields = append(e.Fields, FieldChange{Column: t.Column, Field: t.Field, To: inWords(v)})
			}
		}
		return e
	}
	e.ItemID, e.What = x.item, "update"
	changes := x.plan.write
	if x.outcome == conflict {
		e.What, changes = "conflict", x.plan.clash
	}
	for _, c := range changes {
		e.Fields = append(e.Fields, FieldChange{Column: c.target.Column, Field: c.target.Field, From: inWords(c.from), To: inWords(c.to)})
	}
	return e
}

// inWords is a value for people to read.
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
