package fault_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"crmsync/internal/sim/fault"
)

// failing returns the numbers of the calls, of 200, that fail.
func failing(k *fault.Knobs[int], draw func(*rand.Rand) *fault.Fault) (calls []int) {
	for n := range 200 {
		if k.Fault(n, draw).Fails() {
			calls = append(calls, n)
		}
	}
	return calls
}

func cut(*rand.Rand) *fault.Fault { return &fault.Fault{Cut: true} }

func TestFault(t *testing.T) {
	t.Parallel()
	hooked := fault.New[int](0, 0, 1)
	hooked.OnCall(func(n int) *fault.Fault {
		if n%2 == 0 {
			return nil
		}
		return &fault.Fault{Status: 503}
	})
	turned := fault.New[int](1, 0, 1)
	turned.SetFaults(0)
	tests := map[string]struct {
		knobs *fault.Knobs[int]
		draw  func(*rand.Rand) *fault.Fault
		want  int
	}{
		"never":                    {fault.New[int](0, 0, 1), cut, 0},
		"always":                   {fault.New[int](1, 0, 1), cut, 200},
		"no fault possible":        {fault.New[int](1, 0, 1), nil, 0},
		"turned off":               {turned, cut, 0},
		"on demand":                {hooked, nil, 100},
		"a delay is not a failure": {fault.New[int](1, 0, 1), func(*rand.Rand) *fault.Fault { return &fault.Fault{Delay: time.Second} }, 0},
	}
	for name, tt := range tests {
		if got := len(failing(tt.knobs, tt.draw)); got != tt.want {
			t.Errorf("%s: %d of 200 calls failed, want %d", name, got, tt.want)
		}
	}
}

func TestFaultsAreReproducible(t *testing.T) {
	t.Parallel()
	first, second := failing(fault.New[int](0.3, 0, 7), cut), failing(fault.New[int](0.3, 0, 7), cut)
	other := failing(fault.New[int](0.3, 0, 8), cut)
	if len(first) < 30 || len(first) > 90 {
		t.Errorf("%d of 200 calls failed, want about 60", len(first))
	}
	if !slices.Equal(first, second) || slices.Equal(first, other) {
		t.Errorf("calls failed, by seed (1, 1, 2):\n%v\n%v\n%v", first, second, other)
	}
}
