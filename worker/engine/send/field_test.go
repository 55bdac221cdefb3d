package send

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/sfclient"
)

// TestFields has a row that is rejected on its own.
func TestFields(t *testing.T) {
	t.Parallel()
	lastName := func(code string, named bool) poison {
		return poison{field: "LastName", value: "bad", code: code, named: named}
	}
	known := func(o *org) { o.add("Contact", "c1", f{"LastName": "L"}) }
	tests := map[string]struct {
		poisons []poison
		org     func(o *org)
		write   Write
		want    Outcome
		calls   []string
	}{
		"named": {
			[]poison{lastName("STRING_TOO_LONG", true)}, known, update("c1", f{"LastName": "bad", "Phone": "1"}),
			Done{ID: "c1", Left: []Rejection{rejected("STRING_TOO_LONG", "LastName")}},
			[]string{"update Contact c1[LastName Phone]", "update Contact c1[Phone]"},
		},
		"named in another case, twice": {
			[]poison{{field: "LastName", value: "bad", code: "STRING_TOO_LONG", as: []string{"LASTNAME", "lastname"}}}, known, update("c1", f{"LastName": "bad", "Phone": "1"}),
			Done{ID: "c1", Left: []Rejection{rejected("STRING_TOO_LONG", "LastName")}},
			[]string{"update Contact c1[LastName Phone]", "update Contact c1[Phone]"},
		},
		"two named": {
			[]poison{lastName("STRING_TOO_LONG", true), {field: "Email", value: "bad", code: "INVALID_EMAIL_ADDRESS", named: true}}, nil,
			create(f{"LastName": "bad", "Email": "bad", "Phone": "1"}),
			Done{ID: "contact-1", Created: true, Left: []Rejection{rejected("STRING_TOO_LONG", "LastName"), rejected("INVALID_EMAIL_ADDRESS", "Email")}},
			[]string{"create Contact new[Email LastName Phone]", "create Contact new[Phone]"},
		},
		"all named": {
			[]poison{lastName("STRING_TOO_LONG", true)}, known, update("c1", f{"LastName": "bad"}),
			Rejected{[]Rejection{rejected("STRING_TOO_LONG", "LastName")}},
			[]string{"update Contact c1[LastName]"},
		},
		"named, and required": {
			[]poison{lastName("STRING_TOO_LONG", true)}, func(o *org) { o.required = []string{"LastName"} }, create(f{"LastName": "bad", "Phone": "1"}),
			Rejected{[]Rejection{rejected("STRING_TOO_LONG", "LastName")}},
			[]string{"create Contact new[LastName Phone]", "create Contact new[Phone]"},
		},
		"required, not in the row": {
			nil, func(o *org) { o.required = []string{"LastName"} }, create(f{"Phone": "1"}),
			Rejected{[]Rejection{{Code: codeRequired, Missing: []string{"LastName"}, Dependent: true}}},
			[]string{"create Contact new[Phone]"},
		},
		"named, and needed": {
			[]poison{lastName("STRING_TOO_LONG", true)}, nil, create(f{"LastName": "bad", "Phone": "1"}, "LastName"),
			Rejected{[]Rejection{rejected("STRING_TOO_LONG", "LastName")}},
			[]string{"create Contact new[LastName Phone]"},
		},
		"unnamed, one field": {
			[]poison{lastName("UNHEARD_OF", false)}, known, update("c1", f{"LastName": "bad"}),
			Rejected{[]Rejection{rejected("UNHEARD_OF", "LastName")}},
			[]string{"update Contact c1[LastName]"},
		},
		"unnamed, several fields": {
			[]poison{lastName("UNHEARD_OF", false)}, known, update("c1", f{"A": 1, "B": 1, "LastName": "bad", "Z": 1}),
			Done{ID: "c1", Left: []Rejection{rejected("UNHEARD_OF", "LastName")}},
			[]string{
				"update Contact c1[A B LastName Z]", "update Contact c1[]", "update Contact c1[A B]", "update Contact c1[LastName Z]",
				"update Contact c1[LastName]", "update Contact c1[Z]",
			},
		},
		"hinted at by the message": {
			[]poison{{field: "Phone", value: "bad", code: codeValue, message: "duplicate value found: Phone duplicates value on record with id: 0035g00000AbCdE"}},
			nil, upsert("7", f{"A": 1, "B": 1, "Phone": "bad"}),
			Done{ID: "contact-1", Created: true, Left: []Rejection{{Code: codeValue, Fields: []string{"Phone"}, Records: []string{"0035g00000AbCdEAAV"}}}},
			[]string{"upsert Contact 7[A B Key__c Phone]", "upsert Contact 7[A B Key__c]"},
		},
		"unique, without a hint": {
			[]poison{{field: "Phone", value: "bad", code: codeValue, message: "duplicate value found: <unknown> duplicates value on record with id: <unknown>"}},
			nil, upsert("7", f{"A": 1, "B": 1, "Phone": "bad"}),
			Done{ID: "contact-1", Created: true, Left: []Rejection{rejected(codeValue, "Phone")}},
			[]string{"upsert Contact 7[A B Key__c Phone]", "upsert Contact 7[B Key__c Phone]", "upsert Contact 7[A Key__c Phone]", "upsert Contact 7[A B Key__c]"},
		},
		"owner of a new record": {
			[]poison{{field: "OwnerId", value: "bad", code: "INACTIVE_OWNER_OR_USER"}}, nil, upsert("7", f{"A": 1, "OwnerId": "bad"}),
			Done{ID: "contact-1", Created: true, Left: []Rejection{rejected("INACTIVE_OWNER_OR_USER", "OwnerId")}},
			[]string{"upsert Contact 7[A Key__c OwnerId]", "upsert Contact 7[A Key__c]"},
		},
		"owner": {
			[]poison{{field: "OwnerId", value: "bad", code: "INACTIVE_OWNER_OR_USER"}}, known, update("c1", f{"A": 1, "B": 1, "OwnerId": "bad"}),
			Done{ID: "c1", Left: []Rejection{rejected("INACTIVE_OWNER_OR_USER", "OwnerId")}},
			[]string{"update Contact c1[A B OwnerId]", "update Contact c1[A B]", "update Contact c1[OwnerId]"},
		},
		"two unnamed of a new record": {
			[]poison{{field: "A", value: "bad", code: "UNHEARD_OF"}, {field: "B", value: "bad", code: "UNHEARD_OF"}},
			func(o *org) { o.required = []string{"LastName"} }, create(f{"A": "bad", "B": "bad", "C": 1, "LastName": "L", "Name__c": "n"}, "Name__c"),
			Done{ID: "contact-1", Created: true, Left: []Rejection{rejected("UNHEARD_OF", "A"), rejected("UNHEARD_OF", "B")}},
			[]string{
				"create Contact new[A B C LastName Name__c]", "create Contact new[B C LastName Name__c]", "create Contact new[A C LastName Name__c]",
				"create Contact new[A B LastName Name__c]", "create Contact new[A B C Name__c]", "create Contact new[Name__c]",
				"create Contact new[LastName Name__c]", "update Contact contact-1[A]", "update Contact contact-1[B C]",
				"update Contact contact-1[B]", "update Contact contact-1[C]",
			},
		},
		"one unnamed of many of a new record": {
			[]poison{{field: "D", value: "bad", code: "UNHEARD_OF"}}, func(o *org) { o.required = []string{"A"} },
			create(f{"A": 1, "B": 1, "C": 1, "D": "bad", "E": 1, "F": 1}),
			Done{ID: "contact-1", Created: true, Left: []Rejection{rejected("UNHEARD_OF", "D")}},
			[]string{
				"create Contact new[A B C D E F]", "create Contact new[D E F]", "create Contact new[A D E F]", "create Contact new[A B C]",
				"update Contact contact-1[D]", "update Contact contact-1[E F]",
			},
		},
		"no field of many of a new record": {
			nil, func(o *org) {
				o.required = []string{"A"}
				o.checks = []check{func(_, _ map[string]any) *sfclient.RowError { return &sfclient.RowError{Code: "UNHEARD_OF"} }}
			}, create(f{"A": 1, "B": 1, "C": 1, "D": 1, "E": 1, "F": 1, "G": 1, "H": 1, "I": 1, "J": 1}),
			Rejected{[]Rejection{rejected("UNHEARD_OF", "A")}},
			[]string{
				"create Contact new[A B C D E F G H I J]", "create Contact new[F G H I J]", "create Contact new[A F G H I J]",
				"create Contact new[A B C D E]", "create Contact new[]", "create Contact new[A]",
			},
		},
		"two unnamed, and a required field in the message alone": {
			[]poison{{field: "A", value: "bad", code: "UNHEARD_OF"}, {field: "B", value: "bad", code: "UNHEARD_OF"}},
			func(o *org) {
				o.checks = []check{func(_, wanted map[string]any) *sfclient.RowError {
					if wanted["C"] == nil {
						return &sfclient.RowError{Code: codeRequired, Message: "Required fields are missing: [C]"}
					}
					return nil
				}}
			}, create(f{"A": "bad", "B": "bad", "C": 1}),
			Done{ID: "contact-1", Created: true, Left: []Rejection{rejected("UNHEARD_OF", "A"), rejected("UNHEARD_OF", "B")}},
			[]string{
				"create Contact new[A B C]", "create Contact new[B C]", "create Contact new[A C]", "create Contact new[A B]",
				"create Contact new[]", "create Contact new[C]", "update Contact contact-1[A]", "update Contact contact-1[B]",
			},
		},
		"required and unnamed": {
			[]poison{lastName("UNHEARD_OF", false)}, func(o *org) { o.required = []string{"LastName"} }, create(f{"A": 1, "LastName": "bad"}),
			Rejected{[]Rejection{rejected("UNHEARD_OF", "LastName")}},
			[]string{
				"create Contact new[A LastName]", "create Contact new[LastName]", "create Contact new[A]",
				"create Contact new[]", "create Contact new[LastName]",
			},
		},
		"Id named": {
			[]poison{{field: "A", value: 1, code: "MALFORMED_ID", as: []string{"Id"}}}, known, update("c1", f{"A": 1}),
			Rejected{[]Rejection{rejected("MALFORMED_ID")}},
			[]string{"update Contact c1[A]"},
		},
		"key named": {
			[]poison{{field: "A", value: 1, code: "INVALID_FIELD_FOR_INSERT_UPDATE", as: []string{"Key__c"}}}, nil, upsert("7", f{"A": 1, "B": 1}),
			Rejected{[]Rejection{rejected("INVALID_FIELD_FOR_INSERT_UPDATE")}},
			[]string{"upsert Contact 7[A B Key__c]"},
		},
		"approval lock": {
			nil, func(o *org) { known(o); o.locked = []string{"c1"} }, update("c1", f{"A": 1, "B": 1, "C": 1, "D": 1}),
			Rejected{[]Rejection{rejected("ENTITY_IS_LOCKED")}},
			[]string{"update Contact c1[A B C D]"},
		},
		"record that accepts no change": {
			nil, func(o *org) {
				known(o)
				o.checks = []check{func(f, f2 map[string]any) *sfclient.RowError {
					return &sfclient.RowError{Code: "INSUFFICIENT_ACCESS_OR_READONLY"}
				}}
			}, update("c1", f{"A": 1, "B": 1, "C": 1, "D": 1}),
			Rejected{[]Rejection{rejected("INSUFFICIENT_ACCESS_OR_READONLY")}},
			[]string{"update Contact c1[A B C D]", "update Contact c1[]"},
		},
		"record that accepts no change, one field": {
			nil, func(o *org) {
				known(o)
				o.checks = []check{func(f, f2 map[string]any) *sfclient.RowError {
					return &sfclient.RowError{Code: "INSUFFICIENT_ACCESS_OR_READONLY"}
				}}
			}, update("c1", f{"A": 1}),
			Rejected{[]Rejection{rejected("INSUFFICIENT_ACCESS_OR_READONLY")}},
			[]string{"update Contact c1[A]"},
		},
		"locked between attempts": {
			[]poison{lastName("UNHEARD_OF", false)}, func(o *org) {
				known(o)
				o.checks = []check{func(existing, _ map[string]any) *sfclient.RowError {
					if existing["A"] == nil {
						return nil
					}
					return &sfclient.RowError{Code: "ENTITY_IS_LOCKED"}
				}}
			}, update("c1", f{"A": 1, "B": 1, "C": 1, "LastName": "bad"}),
			Done{ID: "c1", Left: []Rejection{rejected("ENTITY_IS_LOCKED", "C", "LastName")}},
			[]string{"update Contact c1[A B C LastName]", "update Contact c1[]", "update Contact c1[A B]", "update Contact c1[C LastName]", "update Contact c1[C]"},
		},
		"object without access": {
			nil, func(o *org) {
				o.checks = []check{func(f, f2 map[string]any) *sfclient.RowError {
					return &sfclient.RowError{Code: "INSUFFICIENT_ACCESS_OR_READONLY"}
				}}
			}, create(f{"A": 1, "B": 1, "C": 1, "OwnerId": "u"}),
			Rejected{[]Rejection{rejected("INSUFFICIENT_ACCESS_OR_READONLY")}},
			[]string{"create Contact new[A B C OwnerId]", "create Contact new[A B C]"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.poisons = tt.poisons
			if tt.org != nil {
				tt.org(o)
			}
			if diff := cmp.Diff([]Outcome{tt.want}, send(t, o.sender(), tt.write), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, o.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDependent has a value that is rejected until another field of the record is written.
func TestDependent(t *testing.T) {
	t.Parallel()
	needsAmount := func(_, wanted map[string]any) *sfclient.RowError {
		if wanted["Stage"] == "won" && wanted["Amount"] == nil {
			return &sfclient.RowError{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", Message: "Won deals need an amount"}
		}
		return nil
	}
	tests := map[string]struct {
		fields f
		want   Outcome
		stage  any
	}{
		"together":           {f{"Stage": "won", "Amount": 1}, Done{ID: "d"}, "won"},
		"without":            {f{"Stage": "won", "Phone": "1"}, Done{ID: "d", Left: []Rejection{rejected("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Stage")}}, nil},
		"with a bad one":     {f{"Stage": "won", "Amount": 1, "Bad": "bad", "Zip": 1}, Done{ID: "d", Left: []Rejection{rejected("UNHEARD_OF", "Bad")}}, "won"},
		"before its sibling": {f{"A": "bad", "Stage": "won", "Tip": "bad", "Z": 1, "Amount": nil}, Done{ID: "d", Left: []Rejection{rejected("UNHEARD_OF", "A"), rejected("UNHEARD_OF", "Tip"), rejected("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Stage")}}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.add("Contact", "d", nil)
			o.checks = []check{needsAmount}
			for _, field := range []string{"A", "Bad", "Tip"} {
				o.poisons = append(o.poisons, poison{field: field, value: "bad", code: "UNHEARD_OF"})
			}
			if diff := cmp.Diff([]Outcome{tt.want}, send(t, o.sender(), update("d", tt.fields)), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s\ncalls: %q", diff, o.calls)
			}
			if got := o.records["d"]["Stage"]; got != tt.stage {
				t.Errorf("Stage is %v, want %v", got, tt.stage)
			}
		})
	}
	t.Run("after its sibling was written", func(t *testing.T) {
		t.Parallel()
		o := newOrg()
		o.add("Contact", "d", nil)
		o.poisons = []poison{{field: "Bad", value: "bad", code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}}
		o.checks = []check{func(_, wanted map[string]any) *sfclient.RowError {
			if wanted["A"] != nil && wanted["Z"] == nil {
				return &sfclient.RowError{Code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"}
			}
			return nil
		}}
		want := []Outcome{Done{ID: "d", Left: []Rejection{rejected("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Bad")}}}
		if diff := cmp.Diff(want, send(t, o.sender(), update("d", f{"A": 1, "Bad": "bad", "Z": 1})), equal); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		calls := []string{
			"update Contact d[A Bad Z]", "update Contact d[]", "update Contact d[A]", "update Contact d[Bad Z]", "update Contact d[Bad]",
			"update Contact d[Z]", "update Contact d[A Bad]", "update Contact d[A]", "update Contact d[Bad]",
		}
		if diff := cmp.Diff(calls, o.calls); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	})
}
