package salesforce

import (
	"fmt"
	"slices"
)

// automation is what an org runs on the rows of one object that a call saves.
type automation struct {
	triggers []Trigger
	flows    []func(map[string]any) map[string]any
	maxRows  int                                 // maximum rows the triggers can handle in one call; 0: unlimited
	assign   func(map[string]any) (owner string) // the active assignment rule; nil: none
}

// Trigger is an Apex trigger that throws an uncaught exception.
type Trigger struct {
	Object string

	// Culprit reports whether a record, as it would be saved, makes the trigger throw. It must not use the simulator.
	Culprit func(record map[string]any) bool

	Message string // empty: that of a null pointer exception
}

// AddTrigger makes all rows of the object that are saved in one call with a culprit fail with
// CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY, without a field. Rows that are rejected by themselves do not reach the
// trigger.
//
// https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_triggers_exceptions.htm
func (s *Sim) AddTrigger(trigger Trigger) {
	t := s.mustTable(trigger.Object)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.automation.triggers = append(t.automation.triggers, trigger)
}

// AddFlow adds a flow that runs before a record of the object is saved, by the API or otherwise. It gets the record as
// it would be saved, and returns other values for fields. Flows run in the order in which they were added. They must
// not use the simulator.
//
// https://help.salesforce.com/s/articleView?id=sf.flow_concepts_trigger_record.htm
func (s *Sim) AddFlow(object string, flow func(record map[string]any) (changes map[string]any)) {
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.automation.flows = append(t.automation.flows, flow)
}

// rewrite runs the flows on values about to be saved. It panics if Salesforce would reject what they return.
func (x *tx) rewrite(t *table, values []any) {
	for _, flow := range t.automation.flows {
		for name, v := range flow(t.fieldsOf(values)) {
			c := t.mustColumn(name)
			v, f := c.parse(v)
			if f == nil {
				f = x.checkValue(c, &v)
			}
			if f != nil || c.ReadOnly {
				panic(fmt.Sprintf("sfsim: flow of %s sets %s to a value that it cannot have", t.Name, name))
			}
			values[c.index] = v
		}
	}
	if t.automation.flows != nil {
		t.compute(values)
	}
}

// LimitRows makes a call that saves more than most rows of the object fail for all of them, as when the org's
// triggers exceed the time allowed for a call; 0 removes the limit.
//
// https://developer.salesforce.com/docs/atlas.en-us.apexcode.meta/apexcode/apex_gov_limits.htm
func (s *Sim) LimitRows(object string, most int) {
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.automation.maxRows = most
}

// SetAssignmentRule sets the active assignment rule of Account, Case or Lead. It runs on the rows that a call creates
// and updates, unless the header Sforce-Auto-Assign says FALSE. Given the record as it would be saved, it returns the
// owner; an empty owner leaves it unchanged. The rule must not use the simulator. nil removes it.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/headers-autoassign.html
func (s *Sim) SetAssignmentRule(object string, rule func(record map[string]any) (owner string)) {
	if !slices.Contains([]string{"Account", "Case", "Lead"}, object) {
		panic("sfsim: no assignment rules on " + object)
	}
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.automation.assign = rule
}

// automate runs the org's automation on the saved rows. It returns, by object, why all rows of that object fail.
func (x *tx) automate() map[*table]*failure {
	var rejected map[*table]*failure
	rows := map[*table]int{}
	for _, rec := range x.saves {
		rows[rec.table]++
	}
	for t, n := range rows {
		if f := t.automation.run(t, n, x.saves); f != nil {
			if rejected == nil {
				rejected = map[*table]*failure{}
			}
			rejected[t] = f
		}
	}
	if rejected == nil && x.options.assign {
		for _, rec := range x.saves {
			x.assign(rec)
		}
	}
	return rejected
}

func (a *automation) run(t *table, rows int, saves []*record) *failure {
	if a.maxRows > 0 && rows > a.maxRows {
		return thrown(t, "System.LimitException: Apex CPU time limit exceeded")
	}
	for _, trigger := range a.triggers {
		for _, rec := range saves {
			if rec.table == t && trigger.Culprit(rec.fields()) {
				if trigger.Message != "" {
					return thrown(t, trigger.Message)
				}
				return thrown(t, "execution of BeforeUpdate caused by: System.NullPointerException: "+
					"Attempt to de-reference a null object\n\n"+
					"Trigger."+t.Name+"Trigger: line 12, column 1")
			}
		}
	}
	return nil
}

func thrown(t *table, message string) *failure {
	return fail("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "%sTrigger: %s", t.Name, message)
}

// assign gives a record the owner chosen by the assignment rule.
func (x *tx) assign(rec *record) {
	rule := rec.table.automation.assign
	if rule == nil {
		return
	}
	owner, ok := rec.table.column("OwnerId")
	if !ok {
		return
	}
	id, ok := parseID(rule(rec.fields()))
	if !ok || rec.values[owner.index] == id {
		return
	}
	if _, ok := owner.parent.live(id); !ok {
		panic(fmt.Sprintf("sfsim: assignment rule of %s: no user %s", rec.table.Name, id))
	}
	values := slices.Clone(rec.values)
	values[owner.index] = id
	x.put(rec, values)
}
