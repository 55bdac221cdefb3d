package engine

import (
	"context"
	"errors"
	"maps"
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/settle"
)

// foreseeSent stores which values of fields that go both ways are about to be sent to Salesforce. If the worker dies
// before it stores the answers, or they are lost, Salesforce may hold these values, and nobody has edited them there.
func (p *pass) foreseeSent(ctx context.Context, writes []write) error {
	var links []*ledger.Link
	for _, w := range writes {
		fields := w.compared()
		if len(fields) == 0 {
			continue
		}
		link := p.keep(w.work, w.plan.Record)
		for _, name := range fields {
			link.WillSend(name, ledger.Sending{
				Value: w.plan.Write.Fields[name], Over: p.holds[link.SalesforceID][name], New: w.plan.Write.Op == plan.Upsert,
			})
		}
		links = append(links, link)
	}
	return p.foresee(ctx, links)
}

// compared returns the fields of the write that are compared with Salesforce before they are sent: those that are
// sent, and those that stay empty in a new record.
func (w write) compared() (names []string) {
	rec, what := w.plan.Record, w.plan.Write
	for _, f := range rec.Fields {
		_, sent := what.Fields[f.Name]
		if rec.IsCompared(f) && (sent || what.Op == plan.Upsert && slices.Contains(what.Empty, f.Name)) {
			names = append(names, f.Name)
		}
	}
	return names
}

// answered ends the doubt about a write that has an answer.
func (p *pass) answered(w write) {
	for _, name := range w.compared() {
		p.keep(w.work, w.plan.Record).NotSent(name) // what took effect is recorded next
	}
}

// foreseeShown stores which values columns are about to take from Salesforce.
func (p *pass) foreseeShown(ctx context.Context, items [][]cell) error {
	links := map[*ledger.Link]bool{}
	for _, c := range slices.Concat(items...) {
		if c.decision == nil || !c.decision.Field.ToMonday() {
			continue
		}
		link := p.keep(c.work, c.record)
		link.WillShow(c.decision.Field.Name, ledger.Showing{
			Value: c.decision.Value, Holds: c.decision.Shown(),
			Over: c.work.item.Value(c.column), At: c.work.item.KnownAt(c.column),
		})
		links[link] = true
	}
	return p.foresee(ctx, slices.Collect(maps.Keys(links)))
}

// foresee stores the doubts of links by one statement, in addition to those that are stored: what ends them is not
// committed yet.
func (p *pass) foresee(ctx context.Context, links []*ledger.Link) error {
	if len(links) == 0 {
		return nil
	}
	stored := make([]*ledger.Link, len(links))
	for n, link := range links {
		p.kept[link] = ledger.JoinDoubts(p.kept[link], link.Doubts)
		with := *link
		with.Doubts = p.kept[link]
		stored[n] = &with
	}
	err := p.Store.KeepDoubts(ctx, p.holder, stored)
	if errors.Is(err, store.ErrLeaseLost) {
		return &BusyError{What: theItem}
	}
	return err
}

// recall prepares an item whose earlier writes have no known outcome. Monday is asked what it shows; Salesforce is
// asked by the comparison. A field that is no longer compared is sent again.
func (p *pass) recall(w *work) {
	for _, rec := range w.board.Records {
		link := w.item.Links[rec.Name]
		if link == nil {
			continue
		}
		if len(link.Doubts) > 0 {
			p.kept[link] = maps.Clone(link.Doubts)
		}
		for name, d := range link.Doubts {
			w.unread = w.unread || len(d.Shown) > 0
			n := slices.IndexFunc(rec.Fields, func(f *mapping.Field) bool { return f.Name == name })
			if len(d.Sent) > 0 && (n < 0 || !rec.IsCompared(rec.Fields[n])) {
				p.keep(w, rec).Doubt(name)
			}
		}
	}
}

// decideOne decides about the columns of a record that was read.
func (p *pass) decideOne(t target) []settle.Decision {
	in := p.settling(t)
	if settle.Resolve(in) {
		t.work.log.relink(in.Link)
	}
	return settle.Columns(in)
}
