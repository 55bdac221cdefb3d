package mapping

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSettingsByDefault checks the defaults, which equal the behavior from before the keys existed.
func TestSettingsByDefault(t *testing.T) {
	t.Parallel()
	m := mustParse(t, minimal)
	if m.TimeZone != nil || m.Reconcile != "0 3 * * *" || m.Brake != (Brake{20, 5, time.Hour}) || !m.AdoptShown {
		t.Errorf("zone = %v, reconcile = %q, brake = %+v, adopt_shown = %v", m.TimeZone, m.Reconcile, m.Brake, m.AdoptShown)
	}
	r := m.Boards[0].Records[0]
	got := []any{r.Sync, r.Wins, r.OnRecordDelete, r.OnDuplicate, r.Assignment, r.Fields[0].Sync, r.Fields[0].Wins}
	if diff := cmp.Diff([]any{ToSalesforce, Monday, Remake, Refuse, AssignOnCreate, ToSalesforce, Monday}, got); diff != "" {
		t.Errorf("settings of a record (-want +got):\n%s", diff)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	m := mustParse(t, `version: 1
defaults: { time_zone: America/New_York, reconcile: "30 2 * * *", brake: { deletes: 0, within: 30m }, adopt_shown: off }
boards:
  b:
    board: 1
    records:
      r: { object: A, sync: both, wins: salesforce, on_record_delete: archive, on_duplicate: adopt, assignment: never,
        fields: { F: a, G: { from: b, wins: monday }, H: { from: c, sync: to_monday }, I: { from: d, sync: to_salesforce } } }
      s: { object: B, on_record_delete: keep, on_duplicate: allow, assignment: always, fields: { F: a } }
`)
	if m.TimeZone.String() != "America/New_York" || m.Reconcile != "30 2 * * *" || m.Brake != (Brake{0, 5, 30 * time.Minute}) || m.AdoptShown {
		t.Errorf("zone = %v, reconcile = %q, brake = %+v, adopt_shown = "+
			"%v", m.TimeZone, m.Reconcile, m.Brake, m.AdoptShown)
	}
	if next := m.NextReconcile(noon); !next.Equal(time.Date(2026, 3, 2, 2, 30, 0, 0, time.UTC)) {
		t.Errorf("NextReconcile() = %s", next)
	}
	r, s := m.Boards[0].Named("r"), m.Boards[0].Named("s")
	got := []any{r.Sync, r.Wins, r.OnRecordDelete, r.OnDuplicate, r.Assignment, s.OnRecordDelete, s.OnDuplicate, s.Assignment}
	if diff := cmp.Diff([]any{Both, Salesforce, Archive, Adopt, AssignNever, Keep, Allow, AssignAlways}, got); diff != "" {
		t.Errorf("settings of records (-want +got):\n%s", diff)
	}
	var ways []any
	for _, f := range r.Fields {
		ways = append(ways, f.Sync, f.Wins)
	}
	if diff := cmp.Diff([]any{Both, Salesforce, Both, Monday, ToMonday, Salesforce, ToSalesforce, Salesforce}, ways); diff != "" {
		t.Errorf("directions and winners (-want +got):\n%s", diff)
	}
}

func TestDefaultsFaults(t *testing.T) {
	t.Parallel()
	const zone = `is not a time zone of the IANA database, such as America/New_York`
	tests := map[string]struct{ defaults, want string }{
		"zone":               {"time_zone: Europe/Berlin", ""},
		"zone of UTC":        {"time_zone: UTC", ""},
		"no zone":            {`time_zone: ""`, `2:24: "" ` + zone},
		"local zone":         {"time_zone: Local", `2:24: "Local" ` + zone},
		"zone of nowhere":    {"time_zone: Mars/Olympus", `2:24: "Mars/Olympus" ` + zone},
		"zone as people say": {"time_zone: new york", `2:24: "new york" ` + zone + `, did you mean "America/New_York"?`},
		"zone of a region":   {"time_zone: Europe/new_york", `2:24: "Europe/new_york" ` + zone + `, did you mean "America/New_York"?`},
		"zone as a path":     {"time_zone: ../../etc/passwd", `2:24: "../../etc/passwd" ` + zone},
		"zone as a number":   {"time_zone: 2", "2:24: expected text (in quotes), found a number"},
		"reconcile off":      {"reconcile: off", ""},
		"reconcile never":    {"reconcile: never", `2:24: "never" is not a cron expression, such as "0 6 * * 1" for Mondays at 06:00 UTC; "off" for none`},
		"reconcile zone":     {`reconcile: "TZ=UTC 0 3 * * *"`, "2:24: a schedule is always in UTC and cannot name a time zone"},
		"brake":              {"brake: { deletes: 5, percent: 100, within: 168h }", ""},
		"brake as a number":  {"brake: 20", "2:20: expected a mapping, found a number"},
		"brake off":          {"brake: off", "2:20: expected a mapping, found text"},
		"brake unknown":      {"brake: { deletions: 5 }", `2:22: unknown key "deletions", did you mean "deletes"?`},
		"brake bounds":       {"brake: { deletes: -1, percent: 101, within: 59s }", "2:31: -1 is not between 0 and 1000000\n2:44: 101 is not between 0 and 100\n2:57: 59s is not between 1m and 168h"},
		"brake words":        {"brake: { deletes: 2.5, within: hour }", "2:31: expected a whole number, found a number\n2:44: \"hour\" is not a duration, such as 90m or 1h30m"},
		"shown on":           {"adopt_shown: on", ""},
		"shown false":        {"adopt_shown: false", "2:26: expected text (in quotes), found a boolean"},
		"shown no":           {"adopt_shown: no", `2:26: "no" is not a valid value of "adopt_shown" (on, off)`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, strings.Replace(minimal, "\n", "\ndefaults: { "+tt.defaults+" }\n", 1))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSettingsFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ keys, want string }{
		"sync":             {"sync: two_way", `"two_way" is not a valid value of "sync" (to_salesforce, both, to_monday)`},
		"sync to monday":   {"sync: to_mondey", `"to_mondey" is not a valid value of "sync", did you mean "to_monday"? (to_salesforce, both, to_monday)`},
		"wins":             {"sync: both, wins: newest", `"newest" is not a valid value of "wins" (monday, salesforce)`},
		"on_record_delete": {"on_record_delete: delete", `"delete" is not a valid value of "on_record_delete" (remake, keep, archive)`},
		"on_duplicate":     {"on_duplicate: adpot", `"adpot" is not a valid value of "on_duplicate", did you mean "adopt"? (refuse, allow, adopt)`},
		"assignment":       {"assignment: [create]", "expected text, found a list"},
		"unknown":          {"on_duplicates: allow", `unknown key "on_duplicates", did you mean "on_duplicate"?`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := faults(t, "version: 1\nboards:\n  b: { board: 1, records: { r: { object: Lead, "+tt.keys+", fields: { F: a } } } }\n")
			if _, message, _ := strings.Cut(got, " "); message != tt.want || strings.Contains(got, "\n") {
				t.Errorf("faults = %s, want %s", got, tt.want)
			}
		})
	}
}
