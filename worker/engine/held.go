package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// retrieveSize is the maximum number of records that Salesforce returns in one call.
const retrieveSize = 2000

// fieldsOf returns the fields of a record that the mapping fills, and its key. Shared records have none.
func (p *pass) fieldsOf(rec *mapping.Record) []string {
	var fields []string
	if !rec.Shared {
		fields = append(fields, p.Mapping.Key)
	}
	if rec.TwoWay() {
		fields = append(fields, savedAt, savedBy)
	}
	for _, f := range slices.Concat(rec.Fields, p.imported(rec)) {
		fields = append(fields, f.Name)
	}
	return fields
}

// savedAt is when Salesforce last saved a record.
const savedAt = "SystemModstamp"

// savedBy is who last changed a record. Automations run as the user whose write sets them off.
const savedBy = "LastModifiedById"

// ownSaveAt returns when a record that was read was last saved, if we were the last to change it; otherwise zero.
func (p *pass) ownSaveAt(id string) (at time.Time) {
	by, _ := p.holds[id][savedBy].(string)
	if user := p.Salesforce.UserID(); user != "" && by == user {
		at, _ = sfclient.Record(p.holds[id]).Time(savedAt)
	}
	return at
}

// retrieve reads the fields of records of one object.
func (p *pass) retrieve(ctx context.Context, object string, ids []string, fields map[string]bool) error {
	names := slices.Sorted(maps.Keys(fields))
	slices.Sort(ids)
	for some := range slices.Chunk(slices.Compact(ids), retrieveSize) {
		records, err := p.Salesforce.Retrieve(ctx, object, some, names)
		if err != nil {
			return fmt.Errorf("reading %s: %w", object, err)
		}
		p.countCalls(1)
		for n, record := range records {
			p.holds[some[n]] = record
		}
	}
	return nil
}

// sendDry reports success for every write, and counts the calls that sending would take.
func (p *pass) sendDry(writes []write) []send.Outcome {
	type call struct {
		op     plan.Op
		object string
	}
	rows := map[call]int{}
	outcomes := make([]send.Outcome, len(writes))
	for n, w := range writes {
		rows[call{w.plan.Write.Op, w.plan.Record.Object}]++
		done := send.Done{ID: w.plan.Write.ID, Created: w.plan.Write.Op != plan.Update}
		if done.ID == "" {
			done.ID = placeholder(w.planned)
		}
		outcomes[n] = done
	}
	for c, n := range rows {
		p.countCalls(p.sender.Cost(sent[c.op], c.object, n))
	}
	return outcomes
}

// sent maps the operations of plans to those of calls.
var sent = map[plan.Op]send.Op{plan.Update: send.Update, plan.Upsert: send.Upsert, plan.Create: send.Create}

func addAll(set map[string]bool, names []string) map[string]bool {
	if set == nil {
		set = map[string]bool{}
	}
	for _, name := range names {
		set[name] = true
	}
	return set
}

// lookHeld reads what the records of a page hold, by one call for each object.
func (p *pass) lookHeld(ctx context.Context) error {
	if p.bulk == nil {
		return nil
	}
	asked := map[string][]string{} // object -> Ids
	fields := map[string]map[string]bool{}
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, rec := range w.board.Records {
			if id := p.expectedID(w, rec); id != "" && (!rec.Shared || p.bulk.Whole) && p.compares(rec) {
				asked[rec.Object] = append(asked[rec.Object], id)
				fields[rec.Object] = addAll(fields[rec.Object], p.fieldsOf(rec))
			}
		}
	}
	for object, ids := range asked {
		if err := p.retrieve(ctx, object, ids, fields[object]); err != nil {
			return err
		}
	}
	return nil
}

// expectedID returns the Id of the record that the item has, or shows, or "".
func (p *pass) expectedID(w *work, rec *mapping.Record) string {
	if link := w.item.Links[rec.Name]; link != nil && (link.SalesforceID != "" || link.Closed != "") {
		return link.SalesforceID
	}
	id := w.view.Shown[rec.Name]
	if shown, ok := p.refs.Shown[id]; ok && shown.Fault == "" && shown.Item == w.item.ID {
		return id
	}
	return ""
}
