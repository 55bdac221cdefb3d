package send

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/sfclient"
)

// TestGroup checks how writes are grouped into calls.
func TestGroup(t *testing.T) {
	t.Parallel()
	options := func(w Write) Write { w.Options.AutoAssign = true; return w }
	lead := func(w Write) Write { w.Object = "Lead"; return w }
	tests := map[string]struct {
		writes []Write
		want   []string // calls, as positions of their writes
	}{
		"one object":     {[]Write{update("a", nil), update("b", nil), update("c", nil)}, []string{"0 1", "2"}},
		"operations":     {[]Write{update("a", nil), upsert("1", nil), create(nil), create(nil), update("b", nil)}, []string{"0 4", "1", "2 3"}},
		"objects":        {[]Write{update("a", nil), lead(update("b", nil)), update("c", nil)}, []string{"0 2", "1"}},
		"options":        {[]Write{update("a", nil), options(update("b", nil)), update("c", nil)}, []string{"0 2", "1"}},
		"one record":     {[]Write{update("a", nil), update("b", nil), update("a", nil)}, []string{"0 1"}},
		"15 and 18":      {[]Write{update("0035g00000AbCdE", nil), update("0035g00000AbCdEAAV", nil)}, []string{"0"}},
		"one key":        {[]Write{upsert("1", nil), upsert("1", nil), upsert("2", nil)}, []string{"0 2"}},
		"one new match":  {[]Write{create(f{"Name": "Acme"}, "Name"), create(f{"Name": "ACME"}, "Name"), create(f{"Name": "Ajax"}, "Name")}, []string{"0 2"}},
		"keys of a kind": {[]Write{upsert("1", nil), lead(upsert("1", nil))}, []string{"0", "1"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var searches []*search
			for n, w := range tt.writes {
				searches = append(searches, newSearch(n, w))
			}
			var got []string
			for _, rows := range group(searches, 2) {
				call := ""
				for _, x := range rows {
					call += fmt.Sprintf(" %d", x.n)
				}
				got = append(got, strings.TrimSpace(call))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

// TestOrder sends two writes to one record, the first of which needs several attempts.
func TestOrder(t *testing.T) {
	t.Parallel()
	o := newOrg()
	o.add("Contact", "c1", nil)
	o.poisons = []poison{{field: "A", value: "bad", code: "STRING_TOO_LONG", named: true}}
	send(t, o.sender(), update("c1", f{"A": "bad", "B": 1}), update("c1", f{"B": 2}))
	if diff := cmp.Diff([]string{"update Contact c1[A B]", "update Contact c1[B]", "update Contact c1[B]"}, o.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if got := o.records["c1"]["B"]; got != 2 {
		t.Errorf("B is %v, want that of the last write", got)
	}
}

// TestSizes has an org that accepts only a few rows per call.
func TestSizes(t *testing.T) {
	t.Parallel()
	o := newOrg()
	o.limit = 10
	now := time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	s := o.sender()
	s.Now = func() time.Time { return now }
	steps := []struct {
		name  string
		later time.Duration
		rows  int
		calls int
	}{
		{"learn", 0, 100, 4 + 2 + 3 + 5 + 9}, // 100, 50, 25 and 12 are rejected, 6 go through
		{"remember", 29 * time.Minute, 60, 10},
		{"grow to twice as many", time.Minute, 20, 2},
		{"grow too far", time.Minute, 12, 3}, // 12 are rejected, 6 go through
		{"remember again", time.Minute, 12, 2},
		{"grow to the end", 5 * time.Hour, 10, 1},
	}
	for _, step := range steps {
		now = now.Add(step.later)
		o.calls = nil
		var writes []Write
		for n := range step.rows {
			writes = append(writes, create(f{"LastName": fmt.Sprint(n)}))
		}
		for n, outcome := range send(t, s, writes...) {
			if done, ok := outcome.(Done); !ok || len(done.Left) > 0 {
				t.Errorf("%s: outcome of row %d is %+v, want it done", step.name, n, outcome)
			}
		}
		if len(o.calls) != step.calls {
			t.Errorf("%s: %d calls %q, want %d", step.name, len(o.calls), o.calls, step.calls)
		}
	}
	o.calls = nil
	if send(t, s, updates(o, 10, -1, "")...); len(o.calls) != 1 {
		t.Errorf("calls of another operation %q, want one", o.calls)
	}
}

// TestCulpritsStayApart: attempts for two culprits are in separate calls, so that neither makes the other's fail.
func TestCulpritsStayApart(t *testing.T) {
	t.Parallel()
	o := newOrg()
	o.poisons = []poison{{field: "LastName", value: "bad", code: "UNHEARD_OF", call: true}}
	writes := append(updates(o, 2, 0, "bad"), updates(o, 2, 1, "bad")[1])
	send(t, o.sender(), writes[0], writes[2])
	calls := []string{
		"update Contact c0[LastName Phone] c1[LastName Phone]", "update Contact c0[LastName Phone]", "update Contact c1[LastName Phone]",
		"update Contact c0[]", "update Contact c1[]", "update Contact c0[LastName]", "update Contact c1[LastName]",
		"update Contact c0[Phone]", "update Contact c1[Phone]",
	}
	if diff := cmp.Diff(calls, o.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// TestCulpritDoesNotLimitSize: a culprit does not affect the number of rows in later calls.
func TestCulpritDoesNotLimitSize(t *testing.T) {
	t.Parallel()
	o := newOrg()
	o.poisons = []poison{{field: "LastName", value: "bad", code: codeTrigger, call: true}}
	s := o.sender()
	send(t, s, updates(o, 16, 0, "bad")...)
	o.calls = nil
	if send(t, s, updates(o, 16, -1, "")...); len(o.calls) != 1 {
		t.Errorf("calls %q, want one", o.calls)
	}
}

// TestRejectedCall has calls that are rejected as a whole.
func TestRejectedCall(t *testing.T) {
	t.Parallel()
	unknown := func(fields ...string) Write {
		return create(pick(f{"LastName": "L", "Email": "e", "New__c": 1, "Phone": "1"}, fields))
	}
	left := Done{Created: true, Left: []Rejection{rejected("INVALID_FIELD", "New__c")}}
	parser := func(call string) error {
		if strings.Contains(call, "LastName") || strings.HasSuffix(call, "rows") {
			return &sfclient.Error{Status: http.StatusBadRequest, Code: "JSON_PARSER_ERROR"}
		}
		return nil
	}
	tests := map[string]struct {
		fields []string
		fails  func(string) error
		writes []Write
		want   []Outcome
		calls  int
	}{
		"unknown field": {
			[]string{"LastName", "Email", "Phone"}, nil,
			[]Write{unknown("LastName", "New__c"), unknown("LastName"), unknown("LastName", "New__c"), unknown("Email", "LastName", "New__c")},
			[]Outcome{left, Done{Created: true}, left, left},
			1 + 3 + 2 + 3, // all, sets of fields, and one field left out at a time in each of two sets
		},
		"value that cannot be read": {
			nil, parser, []Write{create(f{"Email": "e"}), create(f{"Email": "e"}), create(f{"Email": "e", "LastName": "\xff"}), create(f{"Email": "e"})},
			[]Outcome{
				Done{Created: true}, Done{Created: true}, Done{Created: true, Left: []Rejection{rejected("JSON_PARSER_ERROR", "LastName")}}, Done{Created: true},
			},
			1 + 2 + 2 + 2,
		},
		"unknown object": {
			nil, func(string) error { return &sfclient.Error{Status: http.StatusBadRequest, Code: "INVALID_TYPE"} },
			[]Write{unknown("LastName"), unknown("Email")},
			[]Outcome{Rejected{[]Rejection{rejected("INVALID_TYPE")}}, Rejected{[]Rejection{rejected("INVALID_TYPE")}}},
			1,
		},
		"unknown key": {
			nil, func(string) error { return &sfclient.Error{Status: http.StatusNotFound, Code: "NOT_FOUND"} },
			[]Write{upsert("1", f{"A": 1}), upsert("2", f{"B": 1})},
			[]Outcome{Rejected{[]Rejection{rejected("NOT_FOUND")}}, Rejected{[]Rejection{rejected("NOT_FOUND")}}},
			1,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.fields, o.fails = tt.fields, tt.fails
			got := send(t, o.sender(), tt.writes...)
			for n, outcome := range got {
				if done, ok := outcome.(Done); ok {
					done.ID = ""
					got[n] = done
				}
			}
			if diff := cmp.Diff(tt.want, got, equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if len(o.calls) != tt.calls {
				t.Errorf("%d calls, want %d: %q", len(o.calls), tt.calls, o.calls)
			}
		})
	}
}

// TestCreatedThenLost: the outcome names a record that was created before a later answer was lost.
func TestCreatedThenLost(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want Outcome
	}{
		"lost":     {&sfclient.Error{Code: "TIMEOUT"}, Unknown{Err: &sfclient.Error{Code: "TIMEOUT"}, ID: "contact-1"}},
		"rejected": {&sfclient.Error{Status: http.StatusTooManyRequests}, Retry{Err: &sfclient.Error{Status: http.StatusTooManyRequests}, ID: "contact-1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			o.poisons = []poison{{field: "A", value: "bad", code: "UNHEARD_OF"}, {field: "B", value: "bad", code: "UNHEARD_OF"}}
			o.fails = func(call string) error {
				if strings.HasPrefix(call, "update") {
					return tt.err
				}
				return nil
			}
			if diff := cmp.Diff([]Outcome{tt.want}, send(t, o.sender(), create(f{"A": "bad", "B": "bad", "C": 1})), equal); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
		})
	}
}
