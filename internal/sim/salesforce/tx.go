package salesforce

import "slices"

// tx holds the writes of one call, which can be rolled back. It runs under the simulator's lock.
type tx struct {
	sim    *Sim
	stamp  string // SystemModstamp of everything the call writes; empty: nothing yet
	undo   []change
	locked func() bool // whether another transaction holds the next record; nil: never

	api     bool // by the integration user; otherwise by a person, who is allowed more
	options saveOptions
	saves   []*record // of rows that are saved together
}

// change is a write that can be rolled back: the record's previous values, nil if it is new.
type change struct {
	rec    *record
	before []any
}

// create adds a record.
func (x *tx) create(r row) (*record, []*failure) {
	if f := x.lock(); f != nil {
		return nil, []*failure{f}
	}
	if x.sim.full {
		return nil, list(fail("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"))
	}
	values, failures := x.check(r, nil)
	if failures != nil {
		return nil, failures
	}
	tab := r.table
	x.rewrite(tab, values)
	rec := &record{table: tab, id: mintID(tab.Prefix, x.sim.nextID())}
	stamp := x.now()
	values[colID], values[colDeleted] = rec.id, false
	values[colCreated], values[colModified], values[colModifiedBy], values[colStamp] = stamp, stamp, x.user(), stamp
	rec.values = values
	tab.rows = append(tab.rows, rec)
	tab.byID[rec.id] = rec
	tab.reindex(rec, nil, values)
	tab.ahead = true
	x.undo = append(x.undo, change{rec: rec})
	x.saves = append(x.saves, rec)
	return rec, nil
}

// update changes the values that the row sets in a live record.
func (x *tx) update(rec *record, r row) []*failure {
	if f := x.lock(); f != nil {
		return []*failure{f}
	}
	if f := x.rejectsWrite(rec); f != nil {
		return list(f)
	}
	values, failures := x.check(r, rec)
	if failures == nil {
		x.rewrite(r.table, values)
		x.put(rec, values)
		x.saves = append(x.saves, rec)
	}
	return failures
}

// delete moves a live record to the recycle bin, which frees its unique values, and with it the records that cannot
// exist without it.
func (x *tx) delete(rec *record) *failure {
	if f := x.lock(); f != nil {
		return f
	}
	if rec.locked && x.api {
		return entityLocked()
	}
	x.bin(rec)
	return nil
}

func (x *tx) bin(rec *record) {
	values := slices.Clone(rec.values)
	values[colDeleted] = true
	x.put(rec, values)
	for _, tab := range x.sim.tables {
		for i := range tab.columns {
			if c := &tab.columns[i]; c.parent == rec.table {
				x.orphan(tab, c, rec.id)
			}
		}
	}
}

func (x *tx) orphan(tab *table, c *column, parent string) {
	for _, child := range slices.Clone(tab.find(c, parent)) {
		switch {
		case c.Cascade:
			x.bin(child)
		case !c.Required:
			values := slices.Clone(child.values)
			values[c.index] = nil
			x.put(child, values)
		}
	}
}

func (x *tx) put(rec *record, values []any) {
	stamp := x.now()
	values[colModified], values[colModifiedBy], values[colStamp] = stamp, x.user(), stamp
	x.undo = append(x.undo, change{rec, rec.values})
	rec.table.reindex(rec, rec.values, values)
	rec.table.ahead = true
	rec.values = values
}

// rollback undoes all writes except the first mark ones.
func (x *tx) rollback(mark int) {
	for _, c := range slices.Backward(x.undo[mark:]) {
		tab := c.rec.table
		tab.reindex(c.rec, c.rec.values, c.before)
		if c.before != nil {
			c.rec.values = c.before
			continue
		}
		tab.rows = tab.rows[:len(tab.rows)-1]
		delete(tab.byID, c.rec.id)
	}
	x.undo = x.undo[:mark]
}

// commit records when the records were written.
func (x *tx) commit() {
	if len(x.undo) > 0 {
		x.sim.revision.Add(1)
	}
	written := map[*table][]*record{}
	for _, c := range x.undo {
		written[c.rec.table] = append(written[c.rec.table], c.rec)
	}
	for _, tab := range x.sim.tables {
		tab.stampAll(x.stamp, written[tab])
		tab.ahead = false
	}
}

func (x *tx) lock() *failure {
	if x.locked == nil || !x.locked() {
		return nil
	}
	return fail("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
}

// person is the Id of the user that people write as.
const person = "005000000009999AAA"

// user returns the Id of the user who writes. The automations that a write sets off run as the same user.
func (x *tx) user() string {
	if x.api {
		return x.sim.user
	}
	return person
}

// now returns the time of the call's writes.
func (x *tx) now() string {
	if x.stamp == "" {
		x.stamp = x.sim.tick()
	}
	return x.stamp
}
