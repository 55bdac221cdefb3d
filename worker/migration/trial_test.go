package migration

import (
	"math/bits"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// answered is one call of a trial: the columns that were sent, and the column that the rejection named.
type answered struct {
	sent     []string
	rejected bool
	named    string
}

func TestTrial(t *testing.T) {
	t.Parallel()
	all := []string{"a", "b", "c", "d"}
	tests := map[string]struct {
		creating bool
		calls    []answered
		sent     []string
		rejected []string
		whole    bool // the item as a whole is rejected
	}{
		"taken at once":   {calls: []answered{{sent: all}}, sent: all},
		"names the one":   {creating: true, calls: []answered{{all, true, "b"}, {sent: []string{"a", "c", "d"}}}, sent: []string{"a", "c", "d"}, rejected: []string{"b"}},
		"names two":       {calls: []answered{{all, true, "b"}, {[]string{"a", "c", "d"}, true, "a"}, {sent: []string{"c", "d"}}}, sent: []string{"c", "d"}, rejected: []string{"b", "a"}},
		"names required":  {calls: []answered{{all, true, "id"}}, whole: true},
		"names none":      {calls: []answered{{all, true, ""}, {sent: []string{"a", "b"}}, {[]string{"c", "d"}, true, ""}, {sent: []string{"c"}}, {sent: []string{"d"}, rejected: true}}, sent: []string{"a", "b", "c"}, rejected: []string{"d"}},
		"names a strange": {calls: []answered{{all, true, "z"}, {sent: []string{"a", "b"}}, {sent: []string{"c", "d"}}}, sent: all},
		"created bare": {
			creating: true, calls: []answered{{all, true, ""}, {}, {sent: []string{"a", "b"}}, {sent: []string{"c", "d"}}}, sent: all,
		},
		"not even bare": {creating: true, calls: []answered{{all, true, ""}, {rejected: true}}, whole: true},
		"all of them named": {
			creating: true,
			calls:    []answered{{all, true, "a"}, {[]string{"b", "c", "d"}, true, "b"}, {[]string{"c", "d"}, true, "c"}, {[]string{"d"}, true, "d"}, {}},
			rejected: all,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trial := trial{pending: [][]string{all}, creating: tt.creating, required: "id"}
			whole := false
			for n, call := range tt.calls {
				if trial.isOver() || whole {
					t.Fatalf("over after %d of %d calls", n, len(tt.calls))
				}
				same(t, "sent", call.sent, trial.next(), cmpopts.EquateEmpty())
				if call.rejected {
					whole = !trial.reject(call.named, rejectedValue(call.named))
				} else {
					trial.accept()
				}
			}
			if whole != tt.whole || !whole && !trial.isOver() {
				t.Errorf("whole rejected %t, want %t; still pending: %v", whole, tt.whole, trial.pending)
			}
			if tt.whole {
				return
			}
			same(t, "taken", tt.sent, trial.sent, cmpopts.EquateEmpty())
			same(t, "rejected", tt.rejected, rejectedColumns(trial.rejected), cmpopts.EquateEmpty())
		})
	}
}

func rejectedColumns(rejected []rejection) (columns []string) {
	for _, r := range rejected {
		columns = append(columns, r.column)
	}
	return columns
}

// TestTrialFinds: whatever Monday rejects, and whether it names it or not, every other column is accepted, and few
// calls are needed.
func TestTrialFinds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z]{1,3}`), 1, 30, rapid.ID).Draw(t, "columns")
		bad := map[string]bool{}
		for _, id := range rapid.SliceOfN(rapid.SampledFrom(all), 0, 4).Draw(t, "bad") {
			bad[id] = true
		}
		named := rapid.Bool().Draw(t, "named")
		trial := trial{pending: [][]string{all}, creating: rapid.Bool().Draw(t, "creating"), required: "the id"}
		calls := 0
		for ; !trial.isOver(); calls++ {
			at := slices.IndexFunc(trial.next(), func(id string) bool { return bad[id] })
			if at < 0 {
				trial.accept()
				continue
			}
			name := ""
			if named {
				name = trial.next()[at]
			}
			if !trial.reject(name, rejectedValue(name)) {
				t.Fatalf("the item is rejected for %q", name)
			}
		}
		var good, culprits []string
		for _, id := range all {
			if bad[id] {
				culprits = append(culprits, id)
			} else {
				good = append(good, id)
			}
		}
		sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
		if diff := cmp.Diff(good, trial.sent, sorted, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("taken (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(culprits, rejectedColumns(trial.rejected), sorted, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("rejected (-want +got):\n%s", diff)
		}
		if most := 2 + len(culprits)*2*bits.Len(uint(len(all))); calls > most {
			t.Fatalf("%d calls for %d culprits of %d columns, want at most %d", calls, len(culprits), len(all), most)
		}
	})
}
