package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
	"crmsync/worker/engine/plan"
	"crmsync/worker/engine/send"
)

// plan plans the records of one stage. The records they refer to were created by earlier stages.
func (p *pass) plan(stage int) (plans []planned) {
	p.refreshLinks()
	plans = make([]planned, 0, len(p.works)) // most items have one record in a stage
	for _, w := range p.works {
		if !w.isAlive() {
			continue
		}
		for _, rec := range w.board.Records {
			if rec.Stage == stage && !p.isEnded(w, rec) && p.compares(rec) {
				plans = append(plans, p.planOne(w, rec))
			}
		}
	}
	return plans
}

// resolve records what the plans determined. For each plan to write, it looks for an existing record under leases on
// the plan's match values. It returns what has to be sent.
func (p *pass) resolve(ctx context.Context, plans []planned) (writes []write) {
	var matched []planned
	writes = make([]write, 0, len(plans))
	for _, d := range plans {
		switch ready := p.recordPlan(d); {
		case !ready:
		case d.plan.Match == "":
			writes = append(writes, write{planned: d})
		default:
			matched = append(matched, d)
		}
	}
	return append(writes, p.match(ctx, matched)...)
}

// match looks up the records that plans may adopt or share, and returns what has to be sent. The other plans are
// linked, rejected, or attempted again.
func (p *pass) match(ctx context.Context, plans []planned) (writes []write) {
	plans = p.leaseMatches(ctx, plans)
	if len(plans) == 0 {
		return nil
	}
	found := p.candidates(ctx, plans)
	p.reserve(ctx, plans, found)
	taken, makers := map[string]bool{}, map[string]int{}
	for _, d := range plans {
		if d.work.err != nil {
			continue
		}
		candidates := found[d.plan.Match]
		if !d.plan.Record.Shared {
			if d, ok := p.adopt(d, candidates, taken); ok {
				writes = append(writes, write{planned: d})
			}
			continue
		}
		if len(candidates) > 0 {
			p.recordShared(d, candidates[0].id)
		} else if n, ok := makers[d.plan.Match]; ok {
			writes[n].sharers = append(writes[n].sharers, d)
		} else {
			makers[d.plan.Match] = len(writes)
			writes = append(writes, write{planned: d})
		}
	}
	return writes
}

// leaseMatches leases the plans' match values, and returns the plans that got their lease.
func (p *pass) leaseMatches(ctx context.Context, plans []planned) []planned {
	if len(plans) == 0 {
		return nil
	}
	keys := make([]string, len(plans))
	for n, d := range plans {
		keys[n] = ledger.MatchLease(d.plan.Match)
	}
	if err := p.lease(ctx, keys); err != nil {
		retryAll(plans, err)
		return nil
	}
	return slices.DeleteFunc(plans, func(d planned) bool {
		mine := p.isLeased(ledger.MatchLease(d.plan.Match))
		if !mine {
			d.work.retry(&BusyError{What: "the match value"})
		}
		return !mine
	})
}

// reserve leases the Ids of the records that may be adopted, and determines which of them meanwhile belong to an item,
// or are being used by an import to create one. An import holds the same leases while it creates items.
func (p *pass) reserve(ctx context.Context, plans []planned, found map[string][]candidate) {
	var some []planned
	var ids, keys []string
	for _, d := range plans {
		if d.plan.Record.Shared || d.work.err != nil {
			continue
		}
		some = append(some, d)
		for _, c := range found[d.plan.Match] {
			if !c.keyed {
				ids, keys = append(ids, c.id), append(keys, ledger.IDLease(c.id))
			}
		}
	}
	if len(ids) == 0 {
		return
	}
	owners, err := p.reserved(ctx, ids, keys)
	if err != nil {
		retryAll(some, err)
		return
	}
	for _, d := range some {
		for n, c := range found[d.plan.Match] {
			if c.keyed {
				continue
			}
			if !p.isLeased(ledger.IDLease(c.id)) {
				d.work.retry(&BusyError{What: "a record that matches"})
			}
			found[d.plan.Match][n].item = owners[c.id]
		}
	}
}

// adopt gives a plan the only matching record, unless it belongs to another item. It is not ok if several records
// match and none of them is already this item's.
func (p *pass) adopt(d planned, found []candidate, taken map[string]bool) (_ planned, ok bool) {
	var free []string
	for _, c := range found {
		switch {
		case c.keyed && c.item == d.work.item.ID:
			return d, true // it is already the item's: the key finds it
		case !c.keyed && (c.item == 0 || c.item == d.work.item.ID) && !taken[c.id]:
			free = append(free, c.id)
		}
	}
	switch {
	case len(free) == 0:
		return d, true
	case len(found) > 1:
		p.rejectRecord(d, d.plan.Record.Match, &RejectedError{
			Object: d.plan.Record.Object, Code: "MULTIPLE_MATCHES",
			Detail: fmt.Sprintf("%d records have the same %s", len(found), strings.Join(d.plan.Record.Match, " and ")),
		})
		return d, false
	}
	taken[free[0]] = true
	d.work.adoptLater(d.plan.Record, free[0])
	d = p.planOne(d.work, d.plan.Record)
	return d, p.recordPlan(d)
}

// send sends the writes.
func (p *pass) send(ctx context.Context, writes []write) []send.Outcome {
	for _, w := range writes {
		p.noteNew(w.planned)
	}
	if p.isDry() {
		return p.sendDry(writes)
	}
	if err := p.foreseeSent(ctx, writes); err != nil {
		return slices.Repeat([]send.Outcome{send.Retry{Err: err}}, len(writes))
	}
	rows := make([]send.Write, len(writes))
	for n, w := range writes {
		if link := w.work.item.Links[w.plan.Record.Name]; link != nil {
			link.Overtake()
		}
		rows[n] = p.rowOf(w)
	}
	return p.sender.Send(ctx, rows)
}

// rowOf converts a write for sending.
func (p *pass) rowOf(w write) send.Write {
	rec, what := w.plan.Record, w.plan.Write
	row := send.Write{
		Op: sent[what.Op], Object: rec.Object, ID: what.ID, Fields: what.Fields, References: references(rec, what.Fields),
		Options: sfclient.WriteOptions{
			AllowDuplicates: rec.OnDuplicate == mapping.Allow,
			AutoAssign: rec.Assignment == mapping.AssignAlways || rec.Assignment == mapping.AssignOnCreate &&
				what.Op != plan.Update,
		},
	}
	switch what.Op {
	case plan.Upsert:
		row.Key, row.KeyValue = p.Mapping.Key, strconv.FormatInt(w.work.item.ID, 10)
	case plan.Create:
		row.Needed = slices.Sorted(maps.Keys(plan.MatchValues(rec, what.Fields)))
	}
	return row
}
