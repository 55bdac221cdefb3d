package send

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// f is a short name for fields.
type f = map[string]any

// equal compares outcomes, and errors by their text.
var equal = cmp.Options{
	cmpopts.EquateEmpty(),
	cmp.Comparer(func(a, b error) bool {
		return errors.Is(a, cmpopts.AnyError) || errors.Is(b, cmpopts.AnyError) || a != nil && b != nil && a.Error() == b.Error()
	}),
}

// passed returns outcomes of writes that took effect, with exceptions.
func passed(n int, created bool, id func(n int) string, except map[int]Outcome) []Outcome {
	outcomes := make([]Outcome, n)
	for n := range outcomes {
		outcomes[n] = Done{ID: id(n), Created: created}
		if o := except[n]; o != nil {
			outcomes[n] = o
		}
	}
	return outcomes
}

func contact(n int) string { return fmt.Sprintf("c%d", n) }

// updates returns changes of known contacts, one of which has another LastName.
func updates(o *org, n, odd int, lastName string) (writes []Write) {
	for i := range n {
		o.add("Contact", contact(i), f{"LastName": "L"})
		fields := f{"LastName": "M", "Phone": "1"}
		if i == odd {
			fields["LastName"] = lastName
		}
		writes = append(writes, update(contact(i), fields))
	}
	return writes
}

func creations(n, odd int, lastName string) (writes []Write) {
	for i := range n {
		fields := f{"FirstName": "F", "LastName": "M"}
		if i == odd {
			fields["FirstName"] = lastName
		}
		writes = append(writes, upsert(fmt.Sprint(i), fields))
	}
	return writes
}

// TestCulpritRow has a row that makes its neighbors' call fail.
func TestCulpritRow(t *testing.T) {
	t.Parallel()
	thrown := poison{field: "LastName", value: "bad", code: codeTrigger, call: true}
	flow := poison{field: "LastName", value: "bad", code: codeFlow, call: true}
	naming := poison{field: "LastName", value: "bad", code: codeTrigger, call: true, as: []string{"LastName"}}
	unheard := poison{field: "LastName", value: "bad", code: "UNHEARD_OF", call: true}
	first := poison{field: "FirstName", value: "bad", code: codeTrigger, call: true}
	tests := map[string]struct {
		org    func(o *org) []Write
		want   []Outcome
		calls  []string
		record string // one that holds the rest of the culprit's fields
	}{
		"trigger": {
			func(o *org) []Write { o.poisons = []poison{thrown}; return updates(o, 20, 13, "bad") },
			passed(20, false, contact, map[int]Outcome{13: Done{ID: "c13", Left: []Rejection{rejected(codeTrigger, "LastName")}}}),
			[]string{
				"update Contact 20 rows", "update Contact 10 rows", "update Contact 10 rows", "update Contact 5 rows",
				"update Contact c10[LastName Phone] c11[LastName Phone]", "update Contact c12[LastName Phone] c13[LastName Phone] c14[LastName Phone]",
				"update Contact c12[LastName Phone]", "update Contact c13[LastName Phone] c14[LastName Phone]", "update Contact c13[LastName Phone]",
				"update Contact c14[LastName Phone]", "update Contact 5 rows",
				"update Contact c13[]", "update Contact c13[LastName]", "update Contact c13[Phone]", "update Contact c13[LastName]",
			},
			"c13",
		},
		"flow": {
			func(o *org) []Write { o.poisons = []poison{flow}; return updates(o, 2, 0, "bad") },
			passed(2, false, contact, map[int]Outcome{0: Done{ID: "c0", Left: []Rejection{rejected(codeFlow, "LastName")}}}),
			[]string{
				"update Contact c0[LastName Phone] c1[LastName Phone]", "update Contact c0[LastName Phone]", "update Contact c1[LastName Phone]",
				"update Contact c0[]", "update Contact c0[LastName]", "update Contact c0[Phone]", "update Contact c0[LastName]",
			},
			"c0",
		},
		"trigger that names a field": {
			func(o *org) []Write { o.poisons = []poison{naming}; return updates(o, 2, 0, "bad") },
			passed(2, false, contact, map[int]Outcome{0: Done{ID: "c0", Left: []Rejection{rejected(codeTrigger, "LastName")}}}),
			[]string{
				"update Contact c0[LastName Phone] c1[LastName Phone]", "update Contact c0[LastName Phone]", "update Contact c1[LastName Phone]",
				"update Contact c0[Phone]",
			},
			"c0",
		},
		"unheard-of code": {
			func(o *org) []Write { o.poisons = []poison{unheard}; return updates(o, 2, 1, "bad") },
			passed(2, false, contact, map[int]Outcome{1: Done{ID: "c1", Left: []Rejection{rejected("UNHEARD_OF", "LastName")}}}),
			[]string{
				"update Contact c0[LastName Phone] c1[LastName Phone]", "update Contact c0[LastName Phone]", "update Contact c1[LastName Phone]",
				"update Contact c1[]", "update Contact c1[LastName]", "update Contact c1[Phone]",
			},
			"c1",
		},
		"trigger of new records": {
			func(o *org) []Write { o.poisons = []poison{first}; return creations(3, 2, "bad") },
			[]Outcome{
				Done{ID: "contact-1", Created: true}, Done{ID: "contact-2", Created: true},
				Done{ID: "contact-3", Created: true, Left: []Rejection{rejected(codeTrigger, "FirstName")}},
			},
			[]string{
				"upsert Contact 0[FirstName Key__c LastName] 1[FirstName Key__c LastName] 2[FirstName Key__c LastName]",
				"upsert Contact 0[FirstName Key__c LastName]", "upsert Contact 1[FirstName Key__c LastName] 2[FirstName Key__c LastName]",
				"upsert Contact 1[FirstName Key__c LastName]", "upsert Contact 2[FirstName Key__c LastName]", "upsert Contact 2[Key__c LastName]",
			},
			"contact-3",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			writes := tt.org(o)
			if diff := cmp.Diff(tt.want, send(t, o.sender(), writes...), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, o.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if got := o.records[tt.record]; got["Phone"] != "1" && got["LastName"] != "M" {
				t.Errorf("culprit holds %v, want its other fields", got)
			}
		})
	}
}
