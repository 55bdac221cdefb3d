package salesforce

import "slices"

// tx holds the writes of one call, which can be rolled back. It runs under the simulator's lock.
type tx struct {
	sim    *Sim
	stamp  string // SystemModstamp of everything the call writes; empty: nothing yet
	undo   []change
	locked func() bool // whether another transaction holds the next record; nil: never

	api     bool // by the integration user; otherwise by a person, whom the org trusts more
	options saveOptions
	saves   []*record // of rows that are saved together
}

// change is a write that can be rolled back: the record's previous values, nil if it is new.
type change struct {
	rec    *record
	before []any
}

// create adds a record.
func (t *tx) create(r row) (*record, []*failure) {
	if f := t.lock(); f != nil {
		return nil, []*failure{f}
	}
	if t.sim.full {
		return nil, list(fail("STORAGE_LIMIT_EXCEEDED", "storage limit exceeded"))
	}
	values, failures := t.check(r, nil)
	if failures != nil {
		return nil, failures
	}
	tab := r.table
	t.rewrite(tab, values)
	rec := &record{table: tab, id: mintID(tab.Prefix, t.sim.nextID())}
	stamp := t.now()
	values[colID], values[colDeleted] = rec.id, false
	values[colCreated], values[colModified], values[colStamp] = stamp, stamp, stamp
	rec.values = values
	tab.rows = append(tab.rows, rec)
	tab.byID[rec.id] = rec
	tab.reindex(rec, nil, values)
	tab.ahead = true
	t.undo = append(t.undo, change{rec: rec})
	t.saves = append(t.saves, rec)
	return rec, nil
}

// update changes the values that the row sets in a live record.
func (t *tx) update(rec *record, r row) []*failure {
	if f := t.lock(); f != nil {
		return []*failure{f}
	}
	if f := t.refusesWrite(rec); f != nil {
		return list(f)
	}
	values, failures := t.check(r, rec)
	if failures == nil {
		t.rewrite(r.table, values)
		t.put(rec, values)
		t.saves = append(t.saves, rec)
	}
	return failures
}

// delete moves a live record to the recycle bin, which frees its unique values, and with it the records that cannot
// exist without it.
func (t *tx) delete(rec *record) *failure {
	if f := t.lock(); f != nil {
		return f
	}
	if rec.locked && t.api {
		return entityLocked()
	}
	t.bin(rec)
	return nil
}

func (t *tx) bin(rec *record) {
	values := slices.Clone(rec.values)
	values[colDeleted] = true
	t.put(rec, values)
	for _, tab := range t.sim.tables {
		for i := range tab.columns {
			if c := &tab.columns[i]; c.parent == rec.table {
				t.orphan(tab, c, rec.id)
			}
		}
	}
}

func (t *tx) orphan(tab *table, c *column, parent string) {
	for _, child := range slices.Clone(tab.find(c, parent)) {
		switch {
		case c.Cascade:
			t.bin(child)
		case !c.Required:
			values := slices.Clone(child.values)
			values[c.index] = nil
			t.put(child, values)
		}
	}
}

func (t *tx) put(rec *record, values []any) {
	stamp := t.now()
	values[colModified], values[colStamp] = stamp, stamp
	t.undo = append(t.undo, change{rec, rec.values})
	rec.table.reindex(rec, rec.values, values)
	rec.table.ahead = true
	rec.values = values
}

// rollback undoes all writes except the first mark ones.
func (t *tx) rollback(mark int) {
	for _, c := range slices.Backward(t.undo[mark:]) {
		tab := c.rec.table
		tab.reindex(c.rec, c.rec.values, c.before)
		if c.before != nil {
			c.rec.values = c.before
			continue
		}
		tab.rows = tab.rows[:len(tab.rows)-1]
		delete(tab.byID, c.rec.id)
	}
	t.undo = t.undo[:mark]
}

// commit records when the records were written.
func (t *tx) commit() {
	written := map[*table][]*record{}
	for _, c := range t.undo {
		written[c.rec.table] = append(written[c.rec.table], c.rec)
	}
	for _, tab := range t.sim.tables {
		tab.stampAll(t.stamp, written[tab])
		tab.ahead = false
	}
}

func (t *tx) lock() *failure {
	if t.locked == nil || !t.locked() {
		return nil
	}
	return fail("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
}

// now returns the time of the call's writes.
func (t *tx) now() string {
	if t.stamp == "" {
		t.stamp = t.sim.tick()
	}
	return t.stamp
}
