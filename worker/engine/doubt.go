package engine

import (
	"slices"

	"crmsync/schema/mapping"
)

// A write that nobody heard the answer of may have been made or not. What was written before is no base to take a
// difference from then: such fields stand as unsure in their link, and are sent again whatever they are to hold. That is
// kept like everything of a link, for as many tries as it takes.

// doubt is for an update without an answer.
func (r *row) doubt() {
	for field := range r.fields {
		r.link.Doubt(field)
	}
	r.work.log.relink(r.link)
}

// doubt is for records of which a worker may have written anything, or made them: it did not come to its end.
func (p *pass) doubt(w *work, records ...*mapping.Record) {
	for _, rec := range records {
		if rec.Shared {
			continue // found by what it is matched by
		}
		link := w.link(rec)
		link.Doubt(p.Mapping.Key)
		for _, field := range rec.Fields {
			if _, was := link.Written[field.Name]; was || link.SalesforceID == "" && empties(rec, field.Name) {
				link.Doubt(field.Name)
			}
		}
		w.log.relink(link)
	}
}

// made is for a record that was found by its key: one that is younger than its item was made for it, so that all of its fields
// come from the item, and what the item has emptied since is emptied there too.
func (r *row) made() {
	if r.older {
		return
	}
	for _, field := range r.record.Fields {
		if _, was := r.link.Written[field.Name]; !was {
			r.link.Doubt(field.Name)
		}
	}
}

// empties says whether a field may be emptied on a record that was found by its key without a link: the worker that wrote
// the key may have adopted it by its match, and of such a record only the match is known to come from the item.
func empties(rec *mapping.Record, field string) bool {
	return len(rec.Match) == 0 || slices.Contains(rec.Match, field)
}

// lookDoubtful finds, by their key, the records that may be there without a link. One that is there is in step from now on,
// though nothing would make it any more.
func (p *pass) lookDoubtful() error {
	var rows []*row
	for _, w := range p.works {
		for _, rec := range w.board.Records {
			link := w.item.Links[rec.Name]
			if w.alive() && link != nil && link.SalesforceID == "" && link.InDoubt(p.Mapping.Key) {
				rows = append(rows, &row{work: w, record: rec, link: link})
			}
		}
	}
	p.find(rows)
	for _, r := range rows {
		switch {
		case r.link.SalesforceID != "":
			r.work.log.appeared = true
			r.made()
		case r.work.err == nil:
			r.link.Written = nil
		}
		r.work.log.relink(r.link)
	}
	return nil
}
