package settle

import (
	"maps"
	"slices"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
)

// Resolve determines what became of writes whose outcome is not known, by what both sides hold now, and lets the link
// agree on what has arrived. It reports whether it has changed the link. What was not determined stays in doubt, and
// the comparison that follows treats it with care.
func Resolve(in Input) (changed bool) {
	for _, f := range Fills(in.Record, in.Imports) {
		if c := in.column(f); len(c.Link.Doubts) > 0 && !c.imported {
			changed = c.resolveSent() || changed
			changed = c.resolveShown() || changed
		}
	}
	return changed
}

// resolveShown lets both sides agree on the value that the column shows, if it was ours: what Salesforce holds has
// then changed only if it is no longer what we wrote to the column.
func (c *col) resolveShown() bool {
	all := c.Link.Doubts[c.field.Name].Shown
	for n, shown := range slices.Backward(all) {
		if !c.hasShown(shown) {
			continue
		}
		d, doubts := c.show(shown.Value), maps.Clone(c.Link.Doubts)
		for name, value := range d.written {
			c.Link.Agree(name, value)
		}
		for name, err := range d.rejected {
			c.Link.Reject(name, ledger.Rejection{Value: err.Error(), Code: err.Code})
		}
		c.Link.Hold(c.field.Name, ledger.Held{Value: shown.Holds})
		for _, f := range append(slices.Clone(c.parts), c.field) { // it says nothing about what was sent since
			for _, sent := range doubts[f.Name].Sent {
				c.Link.WillSend(f.Name, sent)
			}
		}
		if !c.looks(c.now, shown.Value) { // nor about what was written to the column since
			for _, later := range all[n+1:] {
				c.Link.WillShow(c.field.Name, later)
			}
		}
		return true
	}
	return false
}

// hasShown reports whether the column shows the value, or has shown it since it was written.
func (c *col) hasShown(shown ledger.Showing) bool {
	return c.looks(c.now, shown.Value) || slices.ContainsFunc(c.Told[c.field.Column()], func(told ledger.Column) bool {
		return told.At > shown.At && c.looks(told.Value, shown.Value)
	})
}

// looks reports whether two values of the column mean the same for every field that is read from it.
func (c *col) looks(a, b column.Value) bool {
	for _, f := range append(slices.Clone(c.parts), c.field) {
		x, y := c.says(f, a), c.says(f, b)
		if !x.ok() || !y.ok() {
			a.Type, a.Code, b.Type, b.Code = "", "", "", ""
			return a.Equal(b)
		}
		if f.FoldIn(x.value, c.now.Type) != f.FoldIn(y.value, c.now.Type) {
			return false
		}
	}
	return true
}

// resolveSent lets both sides agree on the value that Salesforce holds, if we have sent it. If Salesforce holds what it
// held before, the write is taken not to have arrived. A third value leaves it open, unless the write has created the
// record.
func (c *col) resolveSent() bool {
	if !c.known {
		return false
	}
	changed := c.resolveParts()
	if len(c.Link.Doubts[c.field.Name].Sent) == 0 {
		return changed
	}
	if sent, ok := c.arrived(c.field, c.salesforce); ok {
		c.agreeOn(c.field.Name, sent)
		return true
	}
	held, met := c.met()
	if !c.isAsBefore(c.field, c.salesforce) && (!met || !c.same(c.salesforce, held.Value)) {
		return changed
	}
	c.notArrived(c.field)
	if met && !held.Unsaid { // what Salesforce holds was compared before it was to be replaced
		held.Value, held.SentAt = c.salesforce, 0
		c.Link.Held[c.field.Name] = held
	}
	return true
}

// resolveParts lets both sides agree on the parts of a name that Salesforce holds, if we have sent them. If only some
// have arrived, the record holds a name that nobody has entered: it counts as compared, Monday's name as not sent yet.
func (c *col) resolveParts() (changed bool) {
	arrived, ours := false, true // ours: nobody has changed another part
	before := maps.Clone(c.Holds)
	for _, f := range c.parts {
		holds, known := c.Holds[f.Name]
		if !known || len(c.Link.Doubts[f.Name].Sent) == 0 {
			was, written := c.Link.Written[f.Name]
			ours = ours && known && written && f.Fold(was.Value) == f.Fold(holds)
			continue
		}
		if sent, ok := c.arrived(f, holds); ok {
			c.agreeOn(f.Name, sent)
			before[f.Name] = sent.Over
			arrived, changed = true, true
		} else if c.isAsBefore(f, holds) {
			c.notArrived(f)
			changed = true
		} else {
			ours = false
		}
	}
	name, all := c.written()
	held, met := c.met()
	switch {
	case !arrived:
	case all:
		shown := c.Link.Doubts[c.field.Name].Shown
		c.agreeOn(c.field.Name, ledger.Sending{Value: name})
		if !c.same(c.salesforce, name) { // it says nothing about what was written to the column since
			for _, s := range shown {
				c.Link.WillShow(c.field.Name, s)
			}
		}
	case met:
		held.Disputed = false // a conflict keeps what was replaced
		if was, ok := c.nameOf(before); ours || ok && c.same(was, held.Value) {
			held.Value, held.SentAt, held.Edited = c.salesforce, 0, true
			c.Link.Hold(c.field.Name, held)
		} else {
			c.Link.Held[c.field.Name] = held
		}
	}
	return changed
}

// notArrived records that a value did not arrive. What the item holds is sent again, also if that is what was last
// agreed on: it was decided that Salesforce's value gives way.
func (c *col) notArrived(f *mapping.Field) {
	c.Link.KnowSent(f.Name)
	_, met := c.met()
	if _, was := c.Link.Written[f.Name]; was && met {
		c.Link.Doubt(f.Name)
	}
}

// arrived returns what Salesforce has received for a field, given what it holds. It is not ok if nothing is known to
// have arrived. An empty field of a record that we have created may have been left out.
func (c *col) arrived(f *mapping.Field, holds any) (sent ledger.Sending, ok bool) {
	all := c.Link.Doubts[f.Name].Sent
	for _, sent := range slices.Backward(all) {
		if f.FoldIn(sent.Value, c.now.Type) == f.FoldIn(holds, c.now.Type) {
			return sent, true
		}
	}
	sent = all[len(all)-1]
	if f.Fold(holds) == nil {
		sent.Value = nil
	}
	return sent, sent.New
}

// isAsBefore reports whether Salesforce holds what it held before a value was sent.
func (c *col) isAsBefore(f *mapping.Field, holds any) bool {
	return slices.ContainsFunc(c.Link.Doubts[f.Name].Sent, func(sent ledger.Sending) bool {
		return !sent.New && f.FoldIn(sent.Over, c.now.Type) == f.FoldIn(holds, c.now.Type)
	})
}

// agreeOn records that Salesforce has received a value for a field; null in a new record: it was left out.
func (c *col) agreeOn(field string, sent ledger.Sending) {
	if sent.Value == nil && sent.New {
		c.Link.LeaveOut(field)
	} else {
		c.Link.Agree(field, sent.Value)
	}
	if field == c.field.Name {
		c.Link.Hold(field, ledger.Held{Value: sent.Value})
	}
}

// isInDoubt reports whether it is not known what became of a write of a field of the column.
func (c *col) isInDoubt() bool {
	return slices.ContainsFunc(append(slices.Clone(c.parts), c.field), func(f *mapping.Field) bool {
		_, doubted := c.Link.Doubts[f.Name]
		return doubted || c.Link.InDoubt(f.Name)
	})
}

// isSending reports whether Monday still shows what was sent to Salesforce, where it may have arrived before somebody
// changed it.
func (c *col) isSending() (is bool) {
	for _, f := range append(slices.Clone(c.parts), c.field) {
		sent, now := c.Link.Doubts[f.Name].Sent, c.says(f, c.now)
		if len(sent) == 0 {
			continue
		}
		if is = now.ok() && slices.ContainsFunc(sent, func(s ledger.Sending) bool {
			return f.FoldIn(s.Value, c.now.Type) == f.FoldIn(now.value, c.now.Type)
		}); !is {
			return false
		}
	}
	return is
}

// isShowing reports whether Salesforce still holds what was written to the column, where it may have arrived before
// somebody changed it.
func (c *col) isShowing() bool {
	return slices.ContainsFunc(c.Link.Doubts[c.field.Name].Shown, func(s ledger.Showing) bool {
		return c.same(s.Holds, c.salesforce) && !c.looks(c.now, s.Over)
	})
}
