package audit_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/audit"
	"crmsync/schema/mapping"
)

// TestTimeZone checks that a date with a time needs a time zone if only its day is sent.
func TestTimeZone(t *testing.T) {
	t.Parallel()
	const seen = `warning Monday: column "date" holds dates with a time, and Lead.Day gets the day in UTC; set "time_zone" in "defaults" to get the local day`
	tests := map[string]struct {
		field, zone string
		timed       []string
		want        string
	}{
		"zone":          {"Day: date", "Europe/Oslo", []string{"date"}, ""},
		"UTC on demand": {"Day: date", "UTC", []string{"date"}, ""},
		"no time yet":   {"Day: date", "", nil, `7:1 note Monday: if column "date" also holds a time, Lead.Day gets the day in UTC; set "time_zone" in "defaults" to get the local day`},
		"times":         {"Day: date", "", []string{"date"}, "7:1 " + seen},
		"times, from":   {"Day: { from: date }", "", []string{"date"}, "7:8 " + seen},
		"datetime":      {"Moment: { from: date, as: datetime }", "", []string{"date"}, ""},
		"text":          {"Text: date", "", []string{"date"}, ""},
		"labels":        {"Text: { from: date, labels: { 2026-01-01: x }, default: y }", "", []string{"date"}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := live()
			world.Timed = map[int64][]string{1: tt.timed}
			src := head + tt.field + " } }\n"
			if tt.zone != "" {
				src += "defaults: { time_zone: " + tt.zone + " }\n"
			}
			if diff := cmp.Diff(tt.want, found(t, src, world)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUsers checks that users named by the mapping must exist and be active.
func TestUsers(t *testing.T) {
	t.Parallel()
	src := head + "OwnerId: { from: people, as: user, default: '005000000000002' }, Text: { value: 005000000000003AAA }, Mail: { value: a@example.org } } }\n" +
		"defaults: { owner: '005000000000001' }\n"
	m, err := mapping.Parse("m", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	all := []string{"005000000000001AAA", "005000000000002AAA", "005000000000003AAA"}
	if diff := cmp.Diff(all, audit.UserIDs(m)); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	tests := map[string]struct {
		users map[string]bool
		want  string
	}{
		"not asked":  {nil, ""},
		"all active": {map[string]bool{all[0]: true, all[1]: true, all[2]: true}, ""},
		"inactive": {map[string]bool{all[0]: false, all[1]: false, all[2]: true},
			"7:36 error Salesforce: user 005000000000002AAA is inactive: Salesforce does not accept it as the owner " +
				"of a record\n" +
				"8:20 error Salesforce: the default owner 005000000000001AAA is inactive: Salesforce does not " +
				"accept it as the owner of a record"},
		"missing": {map[string]bool{all[1]: true},
			"7:74 error Salesforce: user 005000000000003AAA does not exist or is not visible to the run-as user\n" +
				"8:20 error Salesforce: the default owner 005000000000001AAA does not exist or is not visible to " +
				"the run-as user"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			world := live()
			world.Users = tt.users
			if diff := cmp.Diff(tt.want, found(t, src, world)); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestManyLabels checks that a message about an unknown word lists the known ones, up to a limit.
func TestManyLabels(t *testing.T) {
	t.Parallel()
	world := live()
	board := world.Boards[1]
	for n := range 25 {
		board.Columns[1].Labels = append(board.Columns[1].Labels, fmt.Sprintf("L%02d", n))
	}
	got := found(t, head+"Text: { from: dropdown, labels: { L99: x }, default: y } } }\n", world)
	if !strings.HasPrefix(got, `7:35 error Monday: column "dropdown" has no label "L99" (there are "A", "B", "L00", `) || !strings.HasSuffix(got, `"L17" and 7 more), did you mean "L09"?`) {
		t.Errorf("finding = %s", got)
	}
}
