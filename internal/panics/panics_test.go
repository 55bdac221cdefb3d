package panics_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"crmsync/internal/panics"
)

var errPlain = errors.New("plain")

func TestCatch(t *testing.T) {
	t.Parallel()
	var none []int
	tests := map[string]struct {
		f    func() error
		want string // empty: no error
	}{
		"nothing":       {f: func() error { return nil }},
		"error":         {f: func() error { return errPlain }, want: "plain"},
		"value":         {f: func() error { panic("Jane Doe") }, want: "panic: string"},
		"runtime error": {f: func() error { none[0]++; return nil }, want: "panic: runtime error: index out of range [0] with length 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := panics.Catch(tt.f)
			if got := text(err); got != tt.want {
				t.Errorf("Catch() = %q, want %q", got, tt.want)
			}
			if e, ok := errors.AsType[*panics.Error](err); ok && !strings.Contains(string(e.Stack), "panics_test.go") {
				t.Errorf("the stack does not contain the panic:\n%s", e.Stack)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestGroup checks that a panic in one function is the group's error, and that the others continue.
func TestGroup(t *testing.T) {
	t.Parallel()
	var group panics.Group
	var done atomic.Int32
	group.SetLimit(2)
	for n := range 10 {
		group.Go(func() error {
			if n == 3 {
				panic(n)
			}
			done.Add(1)
			return nil
		})
	}
	var panicked *panics.Error
	if err := group.Wait(); !errors.As(err, &panicked) || panicked.Value != 3 {
		t.Errorf("Wait() = %v, want the panic of the fourth", err)
	}
	if got := done.Load(); got != 9 {
		t.Errorf("%d functions returned, want the other 9", got)
	}
}
