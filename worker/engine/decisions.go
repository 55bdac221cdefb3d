package engine

import (
	"context"
	"slices"
	"strconv"

	"crmsync/schema/ledger"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// recordDecisions records the decisions that need no write to Monday.
func (p *pass) recordDecisions(t target) {
	w, link := t.work, t.work.item.Links[t.record.Name]
	for _, d := range w.decisions[t.record.Name] {
		p.noteDecision(t, d)
		if d.Prepare(link) {
			w.log.relink(link)
		}
		switch {
		case d.Hidden && !w.isOnlyRung():
			w.retry(&RowError{Object: t.record.Object, SalesforceID: link.SalesforceID, Code: codeHidden})
		case d.Stuck:
			p.rejectColumn(t, d, ledger.Rejection{Value: d.Salesforce, Code: codeNoWayBack})
		case d.Rests != 0:
			p.rejectColumn(t, d, ledger.Rejection{Value: strconv.FormatInt(d.Rests, 10), Code: codeUnsettled})
		case !d.Takes:
			if d.Record(link, w.tasks[0].JobID, p.Now()) {
				w.log.relink(link)
			}
			if _, doubted := link.Doubts[d.Field.Name]; doubted && w.isAsked && !d.Hidden {
				link.KnowShown(d.Field.Name)
				w.log.relink(link)
			}
		}
		if d.Note != "" {
			w.log.note(d.Note)
		}
	}
}

// Codes for columns that are not written.
const (
	codeUnsettled = "UNSETTLED"         // two automations keep overwriting each other's value
	codeHidden    = "FIELD_NOT_VISIBLE" // a field that goes both ways is not written without being read
	codeNoWayBack = plan.NoWayBack      // the column cannot show the value that a person chose
)

// rejectColumn records why a column does not take Salesforce's value.
func (p *pass) rejectColumn(t target, d settle.Decision, r ledger.Rejection) {
	name := settle.Shows + d.Field.Column()
	if r.Code == codeUnsettled {
		name = settle.Rested + d.Field.Name
	}
	p.reject(planned{t.work, plan.Plan{Record: t.record}}, name, r, []string{d.Field.Column()}, &RejectedError{
		Object: t.record.Object, SalesforceID: t.work.item.Links[t.record.Name].SalesforceID, Field: d.Field.Name,
		Code:   r.Code,
		Detail: "column " + d.Field.Column(),
	})
}

// keepConflicts stores the values that are about to be overwritten by the other side's.
func (p *pass) keepConflicts(ctx context.Context, wanted []target) error {
	var conflicts []store.Conflict
	for _, t := range wanted {
		for _, d := range t.work.decisions[t.record.Name] {
			if d.Lost != nil {
				conflicts = append(conflicts, p.conflictOf(t, d))
			}
		}
	}
	if len(conflicts) == 0 || p.isDry() {
		return nil
	}
	if err := p.Store.AddConflicts(ctx, p.holder, conflicts); err != nil {
		return err
	}
	for _, c := range conflicts {
		if !c.Renews {
			p.conflicts.WithLabelValues(c.Winner()).Inc()
		}
	}
	return nil
}

func (p *pass) conflictOf(t target, d settle.Decision) store.Conflict {
	link := t.work.item.Links[t.record.Name]
	c := store.Conflict{
		BoardID: t.work.board.ID, ItemID: t.work.item.ID, Record: t.record.Name, SalesforceID: link.SalesforceID,
		Field: d.Field.Name, ColumnID: d.Field.Column(), Base: d.Lost.Base, Monday: d.Lost.Monday,
		Salesforce: d.Lost.Salesforce,
		MondayAt:   t.work.item.TimeOf(d.Field.Column()), Rule: d.Lost.Rule, Renews: d.Lost.Renews,
	}
	c.SalesforceAt, _ = sfclient.Record(p.holds[link.SalesforceID]).Time(savedAt)
	return c
}

// noteDecision notes the difference of a column.
func (p *pass) noteDecision(t target, d settle.Decision) {
	if d.Kind == "" {
		return
	}
	x := Difference{
		Field: d.Field.Name, Kind: d.Kind, Monday: d.Monday, Salesforce: d.Salesforce, Takes: d.Takes,
		Sends:  d.Sends || d.SendsParts() && p.imports() == nil,
		Column: d.Field.Column(), Value: d.Value, MondayAt: t.work.item.TimeOf(d.Field.Column()),
		Code: d.Code, Rejected: d.Code != "" && !p.isDry(),
	}
	if d.Kind == plan.CannotBeShown && d.Code == "" { // Monday rejected it, or there is no such value of the column
		x.Code = t.work.item.Links[t.record.Name].Rejected[settle.Shows+d.Field.Column()].Code
	}
	p.note(planned{t.work, plan.Plan{Record: t.record}}, x)
}

// settleChosen records which of the values that a person chose are now on both sides. A choice that cannot be carried
// out, and that no dead letter reports, is dropped: otherwise it would undo later edits when another choice is made.
func (w *work) settleChosen() {
	failed := w.err != nil || slices.ContainsFunc(w.tasks, func(t *task) bool { return t.err != nil })
	for _, c := range w.chosen {
		switch {
		case w.stands(c):
			w.log.taken = append(w.log.taken, c.ID)
		case !failed:
			w.log.dropped = append(w.log.dropped, c.ID)
			w.log.note("The value that was chosen for " + c.Field + " cannot be written to both sides any more.")
		}
	}
}

// stands reports whether a value that a person chose is on both sides.
func (w *work) stands(c store.Conflict) bool {
	link := w.item.Links[c.Record]
	n := slices.IndexFunc(w.decisions[c.Record], func(d settle.Decision) bool { return d.Field.Name == c.Field })
	if w.err != nil || link == nil || n < 0 {
		return false
	}
	if _, rejected := link.Rejected[c.Field]; rejected {
		return false
	}
	f := w.decisions[c.Record][n].Field
	agreed, ok := link.Agreed(f.Name)
	typ := w.item.Columns[f.Column()].Type
	return ok && f.FoldIn(agreed, typ) == f.FoldIn(c.Value(), typ) &&
		f.FoldIn(link.Held[f.Name].Value, typ) == f.FoldIn(c.Value(), typ)
}
