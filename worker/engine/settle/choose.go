package settle

import (
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

// obey carries out a person's choice of a value for both sides.
func (c *col) obey(value any) Decision {
	d := c.choose(value)
	if held, met := c.met(); met && !held.Apart && !d.Stuck {
		d.Lost = c.lostTo(value, held)
	}
	return d
}

// choose writes a value that a person chose to both sides.
func (c *col) choose(value any) Decision {
	v, ok := c.back(value)
	sends := !c.same(value, c.salesforce)
	if !ok || sends && c.field.Sync != mapping.Both {
		return Decision{Stuck: true}
	}
	d := c.show(v)
	d.Sends, d.Kind, d.shown, d.chosen = sends, plan.BothChanged, value, true
	d.held = &ledger.Held{Value: value}
	if sends { // what is sent is recorded once Salesforce has accepted it
		d.sent, d.written, d.rejected, d.held = c.says(c.field, v).value, nil, nil, nil
	}
	return d
}

// lostTo returns the edit that was made after a person chose a value, and that the value overwrites; nil: none was. If
// Salesforce has rejected what Monday shows, that is no such edit as long as the conflict contains it.
func (c *col) lostTo(value any, held ledger.Held) *Lost {
	isKept := slices.ContainsFunc(c.Kept[c.field.Name], func(kept any) bool { return c.same(kept, c.monday.value) })
	switch {
	case c.mondayChanged() && !c.same(c.monday.value, value) && !isKept:
		return c.lost(string(mapping.Salesforce))
	case c.salesforceChanged(held) && !c.isRewritten(held) && !c.same(c.salesforce, value):
		return c.lost(string(mapping.Monday))
	}
	return nil
}
