package migration

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestTakeFates(t *testing.T) {
	t.Parallel()
	passing := errors.New("odd answer")
	tests := map[string]struct {
		fate    error
		enough  bool
		pending [][]string
		again   error
		failed  bool
	}{
		"taken":                {},
		"names a column":       {fate: rejectedValue("email"), pending: [][]string{{"text_sfid"}}},
		"names none":           {fate: rejectedValue(""), pending: [][]string{{"email"}, {"text_sfid"}}},
		"names the Id":         {fate: rejectedValue("text_sfid"), pending: [][]string{{"email", "text_sfid"}}, failed: true},
		"the item is rejected": {fate: noGroup(), pending: [][]string{{"email", "text_sfid"}}, failed: true},
		"may pass":             {fate: passing, pending: [][]string{{"email", "text_sfid"}}, again: passing},
		"may pass, but not yet another time": {
			fate: passing, enough: true, pending: [][]string{{"email", "text_sfid"}}, failed: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWrite(70, map[string]any{"text_sfid": contactID(1), "email": "x"}, "text_sfid")
			learned, again := takeFates([]*write{w}, []error{tt.fate}, tt.enough)
			if !errors.Is(again, tt.again) || learned != (tt.again == nil) {
				t.Errorf("again %v, learned %t, want %v", again, learned, tt.again)
			}
			same(t, "pending", tt.pending, w.trial.pending, cmpopts.EquateEmpty())
			if (w.err != nil) != tt.failed {
				t.Errorf("failed by %v, want a failure: %t", w.err, tt.failed)
			}
		})
	}
	if newWrite(70, nil, "text_sfid") != nil {
		t.Error("a write without values")
	}
}
