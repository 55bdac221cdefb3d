package engine

import (
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// planOne plans one record of an item.
func (p *pass) planOne(w *work, rec *mapping.Record) planned {
	if p.bulk != nil {
		w.view.Held, w.view.Choices = p.holds, p.bulk.Choices
	}
	if p.imports() != nil {
		return p.planImported(w, rec)
	}
	return planned{w, plan.Make(rec, w.view, w.adopts[rec.Name], &p.refs, p.Mapping.Key, p.Now())}
}

// adoptLater makes the next plan adopt the record with the Id.
func (w *work) adoptLater(rec *mapping.Record, id string) {
	if w.adopts == nil {
		w.adopts = map[string]string{}
	}
	w.adopts[rec.Name] = id
}

// planImported plans a record during an import, which sends only the item's id and the fields that were decided to go
// to Salesforce. It creates no record.
func (p *pass) planImported(w *work, rec *mapping.Record) planned {
	link := w.item.Links[rec.Name]
	if link == nil || link.SalesforceID == "" {
		return planned{w, plan.Plan{Record: rec}}
	}
	if w.view.Decided == nil {
		w.view.Decided = map[string]map[string]bool{}
	}
	decided := w.view.Decided[rec.Name]
	if decided == nil {
		decided = map[string]bool{}
		w.view.Decided[rec.Name] = decided
	}
	for _, f := range rec.Fields {
		decided[f.Name] = decided[f.Name] && f.Sync == mapping.Both
	}
	return planned{w, plan.Make(rec, w.view, "", &p.refs, p.Mapping.Key, p.Now())}
}
