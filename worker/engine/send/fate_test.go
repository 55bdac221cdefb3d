package send

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/sfclient"
)

// TestFate has records that Salesforce reports as deleted, or that refer to such a record.
func TestFate(t *testing.T) {
	t.Parallel()
	gone := func(code string) poison { return poison{field: "AccountId", value: "a1", code: code} }
	references := map[string]string{"AccountId": "Account", "ReportsToId": "Contact"}
	linked := func(w Write) Write { w.References = references; return w }
	dead := Rejection{Code: codeDeleted, Fields: []string{"AccountId"}, Gone: true}
	tests := map[string]struct {
		org   func(o *org)
		write Write
		want  Outcome
		calls []string
	}{
		"deleted": {
			func(o *org) { o.fates["c1"] = sfclient.Fate{State: sfclient.Deleted} },
			update("c1", f{"A": 1}), Gone{Code: codeDeleted},
			[]string{"update Contact c1[A]", "fates Contact c1"},
		},
		"not there": {
			func(o *org) { delete(o.records, "c1") },
			update("c1", f{"A": 1}), Gone{Code: codeDeleted},
			[]string{"update Contact c1[A]", "fates Contact c1"},
		},
		"merged": {
			func(o *org) { o.fates["c1"] = sfclient.Fate{State: sfclient.Merged, MasterID: "c2"} },
			update("c1", f{"A": 1}), Gone{Code: codeDeleted, Into: "c2"},
			[]string{"update Contact c1[A]", "fates Contact c1"},
		},
		"converted": {
			func(o *org) {
				o.fates["c1"] = sfclient.Fate{State: sfclient.Converted, ContactID: "c2", AccountID: "a2"}
			},
			update("c1", f{"A": 1}), Gone{Code: codeConverted, Converted: &Conversion{Contact: "c2", Account: "a2"}},
			[]string{"update Contact c1[A]", "fates Contact c1"},
		},
		"converted, by its key": {
			func(o *org) {
				o.records["c1"]["Key__c"] = "7"
				o.fates["c1"] = sfclient.Fate{State: sfclient.Converted}
			},
			upsert("7", f{"A": 1, "B": 1, "C": 1}), Rejected{[]Rejection{rejected(codeConverted)}},
			[]string{"upsert Contact 7[A B C Key__c]"},
		},
		"reference converted": {
			func(o *org) {
				o.poisons = []poison{{field: "AccountId", value: "a1", code: codeConverted}}
				o.fates["a1"] = sfclient.Fate{State: sfclient.Converted}
			},
			linked(update("c1", f{"A": 1, "AccountId": "a1"})), Done{ID: "c1", Left: []Rejection{rejected(codeConverted, "AccountId")}},
			[]string{"update Contact c1[A AccountId]", "fates Contact c1", "fates Account a1", "update Contact c1[A]"},
		},
		"reference converted, which is no harm": {
			func(o *org) {
				o.poisons = []poison{gone(codeDeleted)}
				o.fates["c2"] = sfclient.Fate{State: sfclient.Converted}
			},
			linked(update("c1", f{"A": 1, "AccountId": "a1", "ReportsToId": "c2"})), Done{ID: "c1", Left: []Rejection{dead}},
			[]string{"update Contact c1[A AccountId ReportsToId]", "fates Contact c1", "fates Account a1", "fates Contact c2", "update Contact c1[A ReportsToId]"},
		},
		"reference deleted": {
			func(o *org) { o.poisons = []poison{gone(codeDeleted)} },
			linked(update("c1", f{"A": 1, "AccountId": "a1", "ReportsToId": "c2"})), Done{ID: "c1", Left: []Rejection{dead}},
			[]string{"update Contact c1[A AccountId ReportsToId]", "fates Contact c1", "fates Account a1", "fates Contact c2", "update Contact c1[A ReportsToId]"},
		},
		"reference merged": {
			func(o *org) {
				o.poisons = []poison{gone(codeDeleted)}
				o.fates["a1"] = sfclient.Fate{State: sfclient.Merged, MasterID: "a2"}
			},
			linked(update("c1", f{"A": 1, "AccountId": "a1"})),
			Done{ID: "c1", Left: []Rejection{{Code: codeDeleted, Fields: []string{"AccountId"}, Records: []string{"a2"}, Gone: true}}},
			[]string{"update Contact c1[A AccountId]", "fates Contact c1", "fates Account a1", "update Contact c1[A]"},
		},
		"reference of a new record": {
			func(o *org) { o.poisons = []poison{gone("INVALID_CROSS_REFERENCE_KEY")} },
			linked(upsert("7", f{"A": 1, "AccountId": "a1"})),
			Done{ID: "contact-1", Created: true, Left: []Rejection{{Code: "INVALID_CROSS_REFERENCE_KEY", Fields: []string{"AccountId"}, Gone: true}}},
			[]string{"upsert Contact 7[A AccountId Key__c]", "fates Account a1", "upsert Contact 7[A Key__c]"},
		},
		"reference hidden from the owner": {
			func(o *org) { o.add("Account", "a1", nil); o.poisons = []poison{gone("INVALID_CROSS_REFERENCE_KEY")} },
			linked(update("c1", f{"A": 1, "B": 1, "AccountId": "a1"})),
			Done{ID: "c1", Left: []Rejection{{Code: "INVALID_CROSS_REFERENCE_KEY", Fields: []string{"AccountId"}}}},
			[]string{
				"update Contact c1[A AccountId B]", "fates Contact c1", "fates Account a1", "update Contact c1[A B]", "update Contact c1[AccountId]",
			},
		},
		"reference named": {
			func(o *org) {
				o.poisons = []poison{{field: "AccountId", value: "a1", code: "INVALID_CROSS_REFERENCE_KEY", named: true}}
			},
			linked(update("c1", f{"A": 1, "AccountId": "a1"})),
			Done{ID: "c1", Left: []Rejection{{Code: "INVALID_CROSS_REFERENCE_KEY", Fields: []string{"AccountId"}, Gone: true}}},
			[]string{"update Contact c1[A AccountId]", "fates Account a1", "update Contact c1[A]"},
		},
		"reference named, but it exists": {
			func(o *org) {
				o.add("Account", "a1", nil)
				o.poisons = []poison{{field: "AccountId", value: "a1", code: "INVALID_CROSS_REFERENCE_KEY", named: true}}
			},
			linked(update("c1", f{"A": 1, "AccountId": "a1"})),
			Done{ID: "c1", Left: []Rejection{{Code: "INVALID_CROSS_REFERENCE_KEY", Fields: []string{"AccountId"}}}},
			[]string{"update Contact c1[A AccountId]", "fates Account a1", "update Contact c1[A]"},
		},
		"named field is not a reference": {
			func(o *org) {
				o.poisons = []poison{{field: "RecordTypeId", value: "r1", code: "INVALID_CROSS_REFERENCE_KEY", named: true}}
			},
			linked(update("c1", f{"A": 1, "RecordTypeId": "r1"})),
			Done{ID: "c1", Left: []Rejection{{Code: "INVALID_CROSS_REFERENCE_KEY", Fields: []string{"RecordTypeId"}}}},
			[]string{"update Contact c1[A RecordTypeId]", "update Contact c1[A]"},
		},
		"needed reference": {
			func(o *org) { o.poisons = []poison{gone(codeDeleted)} },
			linked(create(f{"A": 1, "AccountId": "a1"}, "AccountId")), Rejected{[]Rejection{dead}},
			[]string{"create Contact new[A AccountId]", "fates Account a1"},
		},
		"fate not available now": {
			func(o *org) {
				delete(o.records, "c1")
				o.fails = fatesFail(&sfclient.Error{Status: http.StatusServiceUnavailable})
			},
			update("c1", f{"A": 1}), Retry{Err: &sfclient.Error{Status: http.StatusServiceUnavailable}},
			[]string{"update Contact c1[A]", "fates Contact c1"},
		},
		"fate never available": {
			func(o *org) {
				delete(o.records, "c1")
				o.fails = fatesFail(&sfclient.Error{Status: http.StatusBadRequest, Code: "INVALID_TYPE"})
			},
			update("c1", f{"A": 1, "B": 1}), Rejected{[]Rejection{rejected(codeDeleted)}},
			[]string{"update Contact c1[A B]", "fates Contact c1", "update Contact c1[]"},
		},
		"deletion of a deleted record": {
			func(o *org) { delete(o.records, "c1") },
			Write{Op: Delete, Object: "Contact", ID: "c1"}, Done{ID: "c1"},
			[]string{"delete  c1[]"},
		},
		"deletion rejected": {
			func(o *org) { o.locked = []string{"c1"} },
			Write{Op: Delete, Object: "Contact", ID: "c1"}, Rejected{[]Rejection{rejected("ENTITY_IS_LOCKED")}},
			[]string{"delete  c1[]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.add("Contact", "c1", nil)
			o.add("Contact", "c2", nil)
			tt.org(o)
			if diff := cmp.Diff([]Outcome{tt.want}, send(t, o.sender(), tt.write), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, o.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func fatesFail(err error) func(string) error {
	return func(call string) error {
		if call == "fates Contact c1" {
			return err
		}
		return nil
	}
}

// TestDeletionOfUnseen has a rejected deletion of a record that may or may not exist.
func TestDeletionOfUnseen(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Outcome{
		"c1": Rejected{[]Rejection{rejected("INVALID_CROSS_REFERENCE_KEY")}},
		"c2": Rejected{[]Rejection{rejected("INVALID_CROSS_REFERENCE_KEY")}},
		"c9": Done{ID: "c9"},
	} {
		o := newOrg()
		o.add("Contact", "c1", nil)
		o.fates["c2"] = sfclient.Fate{State: sfclient.Converted}
		o.checks = []check{func(_, _ map[string]any) *sfclient.RowError {
			return &sfclient.RowError{Code: "INVALID_CROSS_REFERENCE_KEY"}
		}}
		o.unseen = true
		if diff := cmp.Diff([]Outcome{want}, send(t, o.sender(), Write{Op: Delete, Object: "Contact", ID: name}), equal); diff != "" {
			t.Errorf("outcome of %s (-want +got):\n%s", name, diff)
		}
	}
}

// TestDuplicates has a new record that a duplicate rule rejects.
func TestDuplicates(t *testing.T) {
	t.Parallel()
	rejection := func(times int) check {
		return func(existing, _ map[string]any) *sfclient.RowError {
			if times--; times < 0 {
				return nil
			}
			return &sfclient.RowError{Code: codeDetected}
		}
	}
	found := Rejection{Code: codeDetected, Dependent: true, Records: []string{"c8", "c9"}}
	tests := map[string]struct {
		write Write
		check check
		want  Outcome
		calls []string
	}{
		"new": {
			upsert("7", f{"A": 1, "LastName": "L"}), rejection(99), Rejected{[]Rejection{found}},
			[]string{"upsert Contact 7[A Key__c LastName]", "single Contact one[A Key__c LastName]"},
		},
		"no longer a duplicate": {
			upsert("7", f{"A": 1, "LastName": "L"}), rejection(1), Done{ID: "contact-1", Created: true},
			[]string{"upsert Contact 7[A Key__c LastName]", "single Contact one[A Key__c LastName]"},
		},
		"allowed": {
			Write{Op: Create, Object: "Contact", Fields: f{"LastName": "L"}, Options: sfclient.WriteOptions{AllowDuplicates: true}}, rejection(0),
			Done{ID: "contact-1", Created: true},
			[]string{"create Contact new[LastName] {AutoAssign:false AllowDuplicates:true}"},
		},
		"known": {
			update("c1", f{"A": 1, "LastName": "L"}), rejection(99), Rejected{[]Rejection{rejected(codeDetected)}},
			[]string{"update Contact c1[A LastName]", "update Contact c1[]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.add("Contact", "c1", nil)
			o.found["L"], o.checks = []string{"c8", "c9"}, []check{tt.check}
			if diff := cmp.Diff([]Outcome{tt.want}, send(t, o.sender(), tt.write), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, o.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}
