package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// recordPlan records what a plan determined. It reports whether there is something to send.
func (p *pass) recordPlan(d planned) (sends bool) {
	w, rec := d.work, d.plan.Record
	p.notePlan(d)
	if d.plan.Unread {
		p.unread = append(p.unread, target{w, rec})
	}
	for field, value := range d.plan.Agrees {
		p.keep(w, rec).Agree(field, value)
	}
	for _, field := range d.plan.Apart {
		if link := w.item.Links[rec.Name]; link != nil && link.Part(field) {
			w.log.relink(link)
		}
	}
	for _, target := range d.plan.Waits {
		w.log.wait(ledger.Ref{BoardID: w.board.ID, ItemID: w.item.ID}, target)
	}
	for _, note := range d.plan.Notes {
		w.log.note(note)
	}
	if d.plan.Busy != "" {
		w.retry(&BusyError{What: d.plan.Busy})
		return false
	}
	if d.plan.Adopts != "" {
		link := p.keep(w, rec)
		if link.SalesforceID != d.plan.Adopts {
			origin := ledger.Matched
			if w.adopts[rec.Name] == "" {
				origin = ledger.Shown
			}
			link.Adopt(d.plan.Adopts, origin)
			w.undecide(rec)
			w.log.appeared = true
		}
	}
	for field, day := range d.plan.Since {
		p.keep(w, rec).Apply(field, day)
	}
	for _, r := range d.plan.Rejected {
		p.reject(d, r.Field, ledger.Rejection{Value: r.Value, Code: r.Code}, r.Columns, &RejectedError{
			Object: rec.Object, SalesforceID: p.salesforceID(d), Field: publicName(r.Field), Code: r.Code, Detail: r.Detail,
		})
	}
	for _, field := range d.plan.Repeated {
		d.blameAgain(field, d.columns([]string{field}))
	}
	return d.plan.Write != nil
}

// keep returns the item's link for a record, and schedules it to be saved.
func (p *pass) keep(w *work, rec *mapping.Record) *ledger.Link {
	link := w.item.Links[rec.Name]
	if link == nil {
		link = &ledger.Link{ItemID: w.item.ID, Record: rec.Name, Object: rec.Object}
		w.item.Links[rec.Name] = link
	}
	w.log.relink(link)
	return link
}

// recordDone records a write that took effect, and the fields that were left out.
func (p *pass) recordDone(ctx context.Context, w write, o send.Done) (again []planned) {
	for n, d := range w.all() {
		d.work.answered = p.Now()
		left := p.recordLeft(ctx, d, o.Left)
		fields := maps.Clone(d.plan.Write.Fields)
		maps.DeleteFunc(fields, func(field string, _ any) bool { return left[field] })
		change := recordChange{Record: d.plan.Record.Name, Object: d.plan.Record.Object, ID: cmp.Or(o.ID, d.plan.Write.ID),
			Linked: true, at: o.At}
		var columns []string
		if n == 0 {
			change.Created = o.Created || d.plan.Write.Op == plan.Create
			change.Linked = d.plan.Adopts != "" || d.plan.Write.Op == plan.Upsert && !change.Created
			change.Fields = slices.Sorted(maps.Keys(fields))
			columns = d.columns(change.Fields)
		}
		if p.recordWritten(d, change, fields) {
			again = append(again, p.planOne(d.work, d.plan.Record))
		}
		d.work.wrote(change, columns)
	}
	return again
}

// recordWritten records that the item has the record and that the record holds the fields. It reports whether the
// record may hold more: an upsert found an existing record, which may hold values that the item has cleared since.
func (p *pass) recordWritten(d planned, change recordChange, fields map[string]any) (doubtful bool) {
	link := p.keep(d.work, d.plan.Record)
	if d.plan.Write.Op == plan.Create {
		link.Unlink() // the base is that of another record
	}
	origin := ledger.Matched
	if change.Created {
		origin = ledger.Created
	}
	if link.Take(change.ID, origin) {
		d.work.log.appeared = true
	}
	sentAt := int64(0)
	if !change.at.IsZero() {
		sentAt = change.at.Unix()
	}
	hold := func(field string, value any) {
		if slices.ContainsFunc(d.plan.Record.Back(), func(f *mapping.Field) bool { return f.Name == field }) {
			link.Hold(field, ledger.Held{Value: value, SentAt: sentAt})
		}
	}
	for field, value := range fields {
		link.Agree(field, value)
		hold(field, value)
	}
	for _, decision := range d.work.decisions[link.Record] {
		decision.Confirm(link, sentAt)
	}
	link.Accept(plan.WholeRecord)
	switch {
	case change.Created:
		for _, field := range d.plan.Write.Empty {
			link.LeaveOut(field) // Salesforce may fill in a default of its own
			hold(field, nil)
		}
		for _, f := range d.plan.Record.Back() {
			if name, ok := mapping.JoinName(d.plan.Record.NameParts(f.Column()), link.Agreed); ok && f.Sync == mapping.ToMonday {
				link.Agree(f.Name, name)
				hold(f.Name, name)
			}
		}
	case d.plan.Write.Op == plan.Upsert:
		for _, field := range d.plan.Write.Empty {
			if mayEmpty(d.plan.Record, field) {
				link.Doubt(field)
			}
		}
		doubtful = len(d.plan.Write.Empty) > 0
	}
	if d.plan.Write.Op == plan.Upsert {
		link.Agree(p.Mapping.Key, strconv.FormatInt(d.work.item.ID, 10))
	}
	return doubtful
}

// mayEmpty reports whether a field may be cleared on an unlinked record that was found by its key. The worker that
// wrote the key may have adopted the record by match, and then only the match values are known to come from the item.
func mayEmpty(rec *mapping.Record, field string) bool {
	return len(rec.Match) == 0 || slices.Contains(rec.Match, field)
}

// recordShared links an item to a shared record.
func (p *pass) recordShared(d planned, id string) {
	change := recordChange{Record: d.plan.Record.Name, Object: d.plan.Record.Object, ID: id, Linked: true}
	p.recordWritten(d, change, d.plan.Write.Fields)
	d.work.wrote(change, nil)
}

// recordLeft records the fields that were left out, and returns them.
func (p *pass) recordLeft(ctx context.Context, d planned, rejections []send.Rejection) map[string]bool {
	left := map[string]bool{}
	for _, r := range rejections {
		for _, field := range r.Fields {
			value, has := d.plan.Write.Fields[field]
			if !has {
				continue
			}
			left[field] = true
			if p.recordReferenceGone(ctx, d, field, r) {
				continue
			}
			p.rejectField(d, field, value, r)
		}
	}
	return left
}

func (p *pass) rejectField(d planned, field string, value any, r send.Rejection) {
	p.reject(d, field, ledger.Rejection{Value: value, Code: r.Code, Dependent: r.Dependent}, d.columns([]string{field}),
		&RejectedError{
			Object: d.plan.Record.Object, SalesforceID: p.salesforceID(d), Field: field, Code: r.Code, Detail: detail(r),
		})
}

// recordReferenceGone records that a record of the same item, which a field refers to, does not exist, as confirmed by
// Salesforce. The next attempt refers to the record it was merged into, or finds or creates it again.
func (p *pass) recordReferenceGone(ctx context.Context, d planned, field string, r send.Rejection) bool {
	n := slices.IndexFunc(d.plan.Record.Fields, func(f *mapping.Field) bool {
		return f.Name == field &&
			f.Record() != nil
	})
	if n < 0 || !r.Gone {
		return false
	}
	rec := d.plan.Record.Fields[n].Record()
	link := p.keep(d.work, rec)
	switch {
	case link.SalesforceID == "" || link.SalesforceID != d.plan.Write.Fields[field]:
	case len(r.Records) == 0 && rec.Shared:
		link.End()
	case len(r.Records) == 0:
		link.Lose()
	case rec.Shared:
		link.Follow(r.Records[0])
	default:
		p.takeWinner(ctx, d.work, rec, r.Records[0])
	}
	d.work.retry(&RowError{Object: d.plan.Record.Object, SalesforceID: p.salesforceID(d), Code: r.Code})
	return true
}

// takeWinner links the item to the record that its own was merged into, unless that belongs to another item. Otherwise
// it closes the item's own link. It is not ok if this cannot be determined now.
func (p *pass) takeWinner(ctx context.Context, w *work, rec *mapping.Record, winner string) (taken, ok bool) {
	free, ok := p.mayTake(ctx, w, rec.Object, winner)
	if !ok {
		return false, false
	}
	link := p.keep(w, rec)
	if free {
		link.End()
		link.Adopt(winner, ledger.Matched)
		w.undecide(rec)
		w.log.appeared = true
		return true, true
	}
	w.log.end(recordChange{Record: link.Record, Object: link.Object, ID: link.SalesforceID, Ended: ledger.Merged,
		Into: winner})
	link.Close(ledger.Merged)
	return false, true
}

// recordRejected records a write that Salesforce rejected entirely.
func (p *pass) recordRejected(ctx context.Context, w write, rejections []send.Rejection) (again []planned) {
	for _, d := range w.all() {
		d.work.answered = p.Now()
		for _, r := range rejections {
			if len(r.Fields) > 0 {
				p.recordLeft(ctx, d, []send.Rejection{r})
				continue
			}
			if more, taken := p.takeDuplicate(ctx, d, r); taken {
				again = append(again, more...)
				continue
			}
			p.recordRejectedRecord(d, r)
		}
	}
	return again
}

// takeDuplicate links the item to the only existing record that a duplicate rule found, if the mapping says so and the
// record belongs to no other item.
func (p *pass) takeDuplicate(ctx context.Context, d planned, r send.Rejection) (again []planned, taken bool) {
	rec := d.plan.Record
	if len(r.Records) != 1 || rec.OnDuplicate != mapping.Adopt || d.plan.Write.Op == plan.Update {
		return nil, false
	}
	if rec.Shared {
		p.recordShared(d, r.Records[0])
		return nil, true
	}
	free, ok := p.mayTake(ctx, d.work, rec.Object, r.Records[0])
	if !free {
		return nil, !ok
	}
	d.work.adoptLater(rec, r.Records[0])
	return []planned{p.planOne(d.work, rec)}, true
}

// recordRejectedRecord records a rejection that no single field explains. On an existing record, each value is sent
// again after its next change; a new record, once its set of values has changed.
func (p *pass) recordRejectedRecord(d planned, r send.Rejection) {
	fields := d.plan.Write.Fields
	columns := d.columns(slices.Collect(maps.Keys(fields)))
	err := &RejectedError{Object: d.plan.Record.Object, SalesforceID: p.salesforceID(d), Code: r.Code, Detail: detail(r)}
	if d.plan.Write.Op != plan.Update {
		p.reject(d, plan.WholeRecord, ledger.Rejection{Value: plan.Digest(fields), Code: r.Code}, columns, err)
		return
	}
	for _, field := range slices.Sorted(maps.Keys(fields)) {
		p.reject(d, field, ledger.Rejection{Value: fields[field], Code: r.Code, Dependent: r.Dependent}, columns, err)
	}
}

// rejectRecord rejects the planned record as a whole.
func (p *pass) rejectRecord(d planned, fields []string, err *RejectedError) {
	p.reject(d, plan.WholeRecord, ledger.Rejection{Value: plan.Digest(d.plan.Write.Fields), Code: err.Code},
		d.columns(fields), err)
}

// reject stores a value, so that it is not sent again until it changes, and fails the events that carried it.
func (p *pass) reject(d planned, field string, r ledger.Rejection, columns []string, err *RejectedError) {
	p.noteRejected(d, field, r.Code)
	err.record, r.Detail = d.plan.Record.Name, err.Detail
	link := p.keep(d.work, d.plan.Record)
	if link.Rejects(field, r.Value) && link.Rejected[field].JobID != 0 {
		r.JobID = link.Rejected[field].JobID // that job failed because of this value before
		link.Reject(field, r)
		d.blameAgain(field, columns)
		return
	}
	r.JobID = d.work.blame(columns, err)
	link.Reject(field, r)
}

// recordCreated records that a create succeeded although other fields of the record still have to be written.
func (p *pass) recordCreated(w write, id string) {
	if id == "" {
		return
	}
	for _, d := range w.all() {
		link := p.keep(d.work, d.plan.Record)
		link.Adopt(id, ledger.Created)
		for field := range plan.MatchValues(d.plan.Record, d.plan.Write.Fields) {
			link.Agree(field, d.plan.Write.Fields[field])
		}
		d.work.log.appeared = true
	}
}

// doubt records that an interrupted worker may have written to the records, or created them.
func (p *pass) doubt(w *work, records ...*mapping.Record) {
	for _, rec := range records {
		if rec.Shared {
			continue // found by its match values
		}
		link := p.keep(w, rec)
		if link.Closed != "" {
			continue
		}
		link.Overtake()
		link.Doubt(p.Mapping.Key)
		for _, field := range rec.Fields {
			if field.Sync == mapping.ToMonday {
				continue // nothing is sent
			}
			_, was := link.Written[field.Name]
			_, doubted := link.Doubts[field.Name]
			if rec.IsCompared(field) && (link.SalesforceID != "" || doubted) {
				continue // it is known what may have been sent
			}
			if was || link.SalesforceID == "" && mayEmpty(rec, field.Name) {
				link.Doubt(field.Name)
			}
		}
	}
}

// linkFound links an item to a record that carries its key. If the record is newer than the item, it was created for
// the item: all of its fields come from the item, and what the item has cleared since is cleared there too.
func (p *pass) linkFound(t target, record sfclient.Record) {
	link := p.keep(t.work, t.record)
	id, _ := record["Id"].(string)
	if link.SalesforceID != "" && link.SalesforceID != id {
		link.End() // it is gone: only one record carries the key
	}
	t.work.log.appeared = true
	if isOlder(record, t.work.item.SeenAt) {
		link.Take(id, ledger.Matched)
		link.FindOlder()
		return
	}
	link.Take(id, ledger.Created)
	for _, field := range t.record.Fields {
		_, was := link.Written[field.Name]
		_, doubted := link.Doubts[field.Name]
		if !was && !doubted {
			link.Doubt(field.Name)
		}
	}
}

// linkNone records that the item has no record after all.
func (p *pass) linkNone(t target) { p.keep(t.work, t.record).Unlink() }

// isOlder reports whether a record existed at a time, with Salesforce's precision of a second. A record without a
// creation date counts as older.
func isOlder(record sfclient.Record, at time.Time) bool {
	made, ok := record.Time("CreatedDate")
	return !ok || made.Before(at.Truncate(time.Second))
}
