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

// TestTogether: calls of one kind go out together once it is known how long one takes. Whatever happens to one of them
// happens to it alone.
func TestTogether(t *testing.T) {
	t.Parallel()
	thrown := poison{field: "LastName", value: "bad", code: codeTrigger, call: true}
	together := func(rows ...int) string {
		var parts []string
		for _, n := range rows {
			parts = append(parts, fmt.Sprintf("update Contact %d rows", n))
		}
		return strings.Join(parts, ", ")
	}
	slow := func(o *org, each time.Duration) *Sender {
		s, now := o.sender(), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { now = now.Add(each); return now }
		return s
	}
	tests := map[string]struct {
		org   func(o *org) (*Sender, []Write)
		want  []Outcome
		calls []string
	}{
		"updates": {
			func(o *org) (*Sender, []Write) { return o.sender(), updates(o, 1500, -1, "") },
			passed(1500, false, contact, nil),
			[]string{"update Contact 200 rows", together(200, 200, 200, 200, 200), together(200, 100)},
		},
		"upserts": {
			func(o *org) (*Sender, []Write) { return o.sender(), creations(500, -1, "") },
			passed(500, true, func(n int) string { return fmt.Sprintf("contact-%d", n+1) }, nil),
			[]string{"upsert Contact 200 rows", "upsert Contact 200 rows, upsert Contact 100 rows"},
		},
		"of several kinds": {
			func(o *org) (*Sender, []Write) {
				return o.sender(), append(creations(400, -1, ""), updates(o, 40, -1, "")...)
			},
			append(passed(400, true, func(n int) string { return fmt.Sprintf("contact-%d", n+1) }, nil), passed(40, false, contact, nil)...),
			[]string{"upsert Contact 200 rows", "upsert Contact 200 rows, update Contact 40 rows"},
		},
		"slow org": {
			func(o *org) (*Sender, []Write) { return slow(o, time.Second), updates(o, 600, -1, "") },
			passed(600, false, contact, nil),
			[]string{"update Contact 200 rows", together(200, 200)},
		},
		"very slow org": {
			func(o *org) (*Sender, []Write) { return slow(o, 9*time.Second), updates(o, 600, -1, "") },
			passed(600, false, contact, nil),
			[]string{"update Contact 200 rows", "update Contact 200 rows", "update Contact 200 rows"},
		},
		"a text that looks like a reference": {
			func(o *org) (*Sender, []Write) { return o.sender(), updates(o, 600, 450, "@{q0.id}") },
			passed(600, false, contact, nil),
			[]string{"update Contact 200 rows", "update Contact 200 rows", "update Contact 200 rows"},
		},
		"lost answer": {
			func(o *org) (*Sender, []Write) {
				o.fails = func(call string) error {
					if call == together(200, 200) {
						return &sfclient.Error{Status: http.StatusGatewayTimeout}
					}
					return nil
				}
				return o.sender(), updates(o, 600, -1, "")
			},
			append(passed(200, false, contact, nil), lostAll(400)...),
			[]string{"update Contact 200 rows", together(200, 200)},
		},
		"culprit": {
			func(o *org) (*Sender, []Write) {
				o.poisons = []poison{thrown}
				return o.sender(), updates(o, 402, 401, "bad")
			},
			passed(402, false, contact, map[int]Outcome{401: Done{ID: "c401", Left: []Rejection{rejected(codeTrigger, "LastName")}}}),
			[]string{
				"update Contact 200 rows", together(200, 2), "update Contact c400[LastName Phone]", "update Contact c401[LastName Phone]",
				"update Contact c401[]", "update Contact c401[LastName]", "update Contact c401[Phone]", "update Contact c401[LastName]",
			},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := newOrg()
			s, writes := tt.org(o)
			if diff := cmp.Diff(tt.want, send(t, s, writes...), equal); diff != "" {
				t.Errorf("outcomes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.calls, o.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func lostAll(n int) (outcomes []Outcome) {
	for range n {
		outcomes = append(outcomes, Unknown{Err: &sfclient.Error{Status: http.StatusGatewayTimeout}})
	}
	return outcomes
}
