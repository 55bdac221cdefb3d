package settle

import (
	"cmp"
	"slices"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// decide is the three-way comparison of one column:
//
//	Monday changed   Salesforce changed   then
//	no               no                   it rests
//	yes              no                   Monday's value stands
//	no               yes                  the column takes Salesforce's value
//	yes              yes                  the winner's value stands, and a conflict keeps the other one
func (c *col) decide() Decision {
	held, met := c.met()
	if value, chosen := c.Chosen[c.field.Name]; chosen && c.known {
		return c.obey(value)
	}
	switch {
	case !c.known: // an unread value is not overwritten
		return Decision{Hidden: !c.isAlone() && c.mondayChanged() || c.isEdited(held)}
	case !met:
		return c.first()
	case c.agreesNow():
		return c.agree()
	}
	m, s := c.mondayChanged() || c.isEdited(held), c.salesforceChanged(held)
	unsent := m || c.isInDoubt()
	switch {
	case s && c.Fresh && !c.isAlone(): // it may be an older value of ours
		return c.stand(true, string(mapping.Monday))
	case m && s:
		return c.bothChanged(held)
	case s && held.Apart:
		return c.take(c.lost(string(mapping.Salesforce)))
	case s:
		return c.take(nil)
	case unsent && held.Apart: // what Salesforce holds was never shown in Monday
		return c.stand(!held.Ours && !held.Edited, RuleEvent)
	case unsent:
		return c.stand(false, "")
	}
	return c.rest(held)
}

// bothChanged decides about a column that changed on both sides, to different values.
func (c *col) bothChanged(held ledger.Held) Decision {
	winner := c.wins()
	switch {
	case !c.isAlone() && c.isRewritten(held): // nobody has edited it in Salesforce
		return c.stand(false, "")
	case !c.isAlone() && c.isShowing(): // whoever changed Monday is the last
		winner = mapping.Monday
	case c.isSending(): // whoever changed Salesforce is the last
		winner = mapping.Salesforce
	}
	if winner == mapping.Monday {
		return c.stand(true, string(mapping.Monday))
	}
	return c.take(c.lost(string(mapping.Salesforce)))
}

// agreesNow reports whether both sides hold the same, whatever changed.
func (c *col) agreesNow() bool { return c.monday.ok() && c.same(c.monday.value, c.salesforce) }

// wins returns the side that wins if both changed: Salesforce if no field ever sends the column there.
func (c *col) wins() mapping.Side {
	switch {
	case c.imported:
		return mapping.Monday
	case c.isAlone():
		return mapping.Salesforce
	}
	return c.field.Wins
}

// first is the first comparison.
func (c *col) first() Decision {
	d := c.meet()
	if _, outdated := c.Link.Held[c.field.Name]; outdated && d.Sends && d.held == nil {
		d.held = &ledger.Held{Value: c.salesforce} // otherwise the value may count as sent
	}
	return d
}

// meet decides about a column that was never compared. Nobody knows which of two different values is newer, so they
// stay as they are until a person decides.
func (c *col) meet() Decision {
	unsent := !c.isAlone() && c.isUnsent()
	switch {
	case c.agreesNow():
		return c.agree()
	case c.Link.InDoubt(c.field.Name) && c.mondayChanged() && !c.isMoved(c.field):
		return c.stand(c.overwrites(), string(mapping.Monday))
	case c.isSending() && !c.isOurs(): // it was decided, and somebody has changed Salesforce since
		return c.take(c.lost(string(mapping.Salesforce)))
	case c.isTouched():
		return c.stand(c.overwrites(), RuleEvent)
	case unsent && c.isOurs():
		return c.stand(false, "")
	case c.monday.empty && !unsent && c.fold(c.salesforce) != nil:
		return c.take(nil)
	case c.fold(c.salesforce) == nil && !c.isAlone():
		return c.stand(false, "")
	}
	return c.apart()
}

// overwrites reports whether Monday's value replaces one in Salesforce that somebody else entered.
func (c *col) overwrites() bool { return c.fold(c.salesforce) != nil && !c.isOurs() }

// apart leaves different values as they are, unless a person has chosen a side.
func (c *col) apart() Decision {
	switch {
	case c.imported:
		return Decision{Kind: c.meeting()}
	case c.Choices.Adopt == mapping.Monday && !c.isAlone():
		d := c.stand(false, "")
		d.Kind = c.meeting()
		return d
	case c.Choices.Adopt == mapping.Salesforce:
		d := c.take(nil)
		if d.Kind == plan.CannotBeShown {
			d.Code = plan.NoWayBack
		} else {
			d.Kind = c.meeting()
		}
		return d
	}
	d := Decision{Kind: c.meeting(), held: &ledger.Held{Value: c.salesforce, Apart: true}}
	if c.Choices.Adopt == mapping.Monday && d.Kind == plan.FirstMeeting {
		d.Code = plan.OnlyToMonday
	}
	if held, met := c.met(); met && held.Apart && c.same(held.Value, c.salesforce) {
		d.held.Ours = held.Ours // what we wrote is no longer known
	} else {
		d.held.Ours = c.isOurs()
	}
	d.agrees(c, c.field, c.monday)
	return d
}

// agrees makes the link record the item's value for a field, if it is not known yet.
func (d *Decision) agrees(c *col, f *mapping.Field, s said) {
	_, rejected := c.Link.Rejected[f.Base()]
	if !s.ok() || c.Link.Holds(f.Base(), s.value) && !c.isRemapped(f) && !c.isMoved(f) && !rejected {
		return
	}
	if d.written == nil {
		d.written = map[string]any{}
	}
	d.written[f.Base()] = s.value
}

// meeting returns the kind of a first comparison that nobody has decided about.
func (c *col) meeting() plan.Kind {
	if c.fold(c.salesforce) == nil {
		return plan.Missing // this column is not sent to Salesforce
	}
	return plan.FirstMeeting
}

// rest handles a column that did not change on either side. Values that differ are reported until both sides agree, and
// so is one that cannot be sent.
func (c *col) rest(held ledger.Held) Decision {
	if held.Apart {
		return c.apart()
	}
	if held.Unsaid {
		return Decision{Kind: plan.CannotBeShown}
	}
	return Decision{Sends: c.monday.err != nil && c.field.Sync == mapping.Both} // the plan reports why it is not sent
}

// agree records that both sides hold the same. Then the parts agree too, even if Salesforce divides them differently:
// an item has one name, and its words do not show that "van" belongs to the last name.
func (c *col) agree() Decision {
	d := Decision{held: &ledger.Held{Value: c.salesforce}}
	for _, f := range append([]*mapping.Field{c.field}, c.parts...) {
		d.agrees(c, f, c.says(f, c.now))
	}
	return d
}

// stand keeps Monday's value. If Salesforce's value had changed too, that change is lost and counts as compared: it is
// not decided about again, whatever becomes of the write. Until one succeeds, Monday's value counts, even one that both
// sides agreed on before.
func (c *col) stand(conflict bool, rule string) Decision {
	d := Decision{Sends: c.field.Sync == mapping.Both}
	switch {
	case conflict:
		d.Kind = plan.BothChanged
	case !c.renamed: // otherwise the plan reports why it is not sent
		d.Kind = plan.MondayChanged
	}
	if c.isAlone() {
		return d // it is reported
	}
	if c.field.Sync == mapping.ToMonday && c.monday.ok() {
		d.parts = c.partsToSend()
		for _, p := range d.parts {
			if value, ok := c.Link.Agreed(p.field.Name); ok && (!p.known || p.field.Fold(p.holds) != p.field.Fold(value)) {
				d.outdated = append(d.outdated, p.field.Name)
			}
		}
	}
	held, met := c.met()
	if conflict && c.monday.ok() {
		d.Lost, d.held = c.lost(rule), &ledger.Held{Value: c.salesforce, Edited: true, Disputed: true}
		d.Lost.Renews = held.Disputed && d.isRejected(c)
	}
	if rule == RuleEvent || met && held.Apart {
		// Both sides have never agreed. Until Monday's value is sent, nothing else shows that it must be sent.
		d.held = &ledger.Held{Value: c.salesforce, Apart: true, Edited: true, Disputed: d.Lost != nil || held.Disputed}
		if !c.Link.Rejects(c.field.Base(), c.monday.value) { // it would be sent again
			d.agrees(c, c.field, c.monday)
		}
	}
	return d
}

// partsToSend returns what the column sends to the parts of its field.
func (c *col) partsToSend() (parts []part) {
	for _, f := range c.parts {
		holds, known := c.Holds[f.Name]
		parts = append(parts, part{f, c.says(f, c.now).value, holds, known})
	}
	return parts
}

// isRejected reports whether Salesforce has rejected Monday's value, so that it replaces nothing there. If the value is
// sent in parts, Salesforce holds those that it has not rejected.
func (d *Decision) isRejected(c *col) bool {
	if len(d.parts) == 0 {
		return c.Link.Rejects(c.field.Name, c.monday.value)
	}
	return !slices.ContainsFunc(d.parts, func(p part) bool { return !p.isThere() && !p.isRejected(c.Link) })
}

func (c *col) lost(rule string) *Lost {
	return &Lost{Base: c.Link.Written[c.field.Name].Value, Monday: c.monday.value, Salesforce: c.salesforce, Rule: rule}
}

// take lets the column take what Salesforce holds. lost is Monday's change that is overwritten; nil: none is.
func (c *col) take(lost *Lost) Decision {
	kind := plan.SalesforceChanged
	if lost != nil {
		kind = plan.BothChanged
	}
	v, ok := c.shown(c.salesforce)
	rests, since := c.Link.Rests(c.field.Name, c.Now)
	switch {
	case !ok && c.imported:
		return Decision{Kind: plan.CannotBeShown}
	case !ok:
		return c.unsaid(lost)
	case rests && !c.imported:
		return Decision{Kind: kind, Rests: since}
	}
	d := c.show(v)
	d.Kind, d.Lost, d.held, d.shown = kind, lost, &ledger.Held{Value: c.salesforce}, c.salesforce
	return d
}

// show writes a value to the column, unless it already shows the same. The parts of the field are not sent: Salesforce
// already holds them, divided in its own way.
func (c *col) show(v column.Value) Decision {
	d := Decision{Takes: !c.shows(v), Value: v, written: map[string]any{}, rejected: map[string]*mapping.ValueError{}}
	for _, f := range append([]*mapping.Field{c.field}, c.parts...) {
		switch s := c.says(f, v); {
		case s.err != nil:
			d.rejected[f.Base()] = s.err
		case !s.waits:
			d.written[f.Base()] = s.value
		}
	}
	return d
}

// shows reports whether the column shows a value, apart from what only Monday adds.
func (c *col) shows(v column.Value) bool {
	v.Code = cmp.Or(v.Code, c.now.Code)
	now := c.now
	now.Code = v.Code
	return now.Equal(v)
}

// unsaid records that no value of the column expresses a value. Monday keeps what it shows.
func (c *col) unsaid(lost *Lost) Decision {
	d := Decision{
		Kind: plan.CannotBeShown, Lost: lost,
		held: &ledger.Held{Value: c.salesforce, Unsaid: true},
		Note: "column " + c.field.Column() + " cannot show what Salesforce holds in " + c.field.Name,
	}
	d.agrees(c, c.field, c.monday) // it must not be sent over what Salesforce holds
	return d
}
