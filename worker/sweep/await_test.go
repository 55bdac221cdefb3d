package sweep

import (
	"testing"

	"crmsync/schema/store"
)

func TestPrecedes(t *testing.T) {
	t.Parallel()
	many := make([]int64, itemsAtOnce+1)
	planned := map[int64]string{1: "digest"}
	tests := map[string]struct {
		first, w store.Sweep
		want     bool
	}{
		"whole boards":                     {sweepOf("apply", nil, nil), sweepOf("apply", nil, nil), true},
		"another kind":                     {sweepOf("reconcile", nil, nil), sweepOf("apply", nil, nil), false},
		"items during a run":               {sweepOf("apply", nil, nil), sweepOf("apply", many, nil), false},
		"a run during items":               {sweepOf("apply", many, nil), sweepOf("apply", nil, nil), false},
		"few items after few":              {sweepOf("apply", []int64{1}, nil), sweepOf("apply", []int64{2}, nil), true},
		"few items during many":            {sweepOf("apply", many, nil), sweepOf("apply", []int64{1}, nil), false},
		"few items of a plan, during many": {sweepOf("apply", many, planned), sweepOf("apply", []int64{1}, planned), true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := precedes(tt.first, tt.w); got != tt.want {
				t.Errorf("precedes = %t, want %t", got, tt.want)
			}
		})
	}
}

func sweepOf(kind string, items []int64, planned map[int64]string) store.Sweep {
	return store.Sweep{Kind: kind, Options: store.SweepOptions{Items: items, Planned: planned}}
}
