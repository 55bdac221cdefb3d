package migration

import (
	"errors"
	"strings"
	"testing"

	"crmsync/mondayclient/column"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

func TestCount(t *testing.T) {
	t.Parallel()
	lacks := []rejection{{column: "email"}}
	tests := map[string]struct {
		record record
		lap    int
		want   store.Counts
	}{
		"unchanged":              {record{}, 0, store.Counts{Read: 1, Unchanged: 1}},
		"unchanged, later lap":   {record{}, 1, store.Counts{}},
		"created":                {record{outcome: isCreated}, 0, store.Counts{Read: 1, Created: 1}},
		"created, later lap":     {record{outcome: isCreated}, 2, store.Counts{Read: 1, Created: 1}},
		"updated":                {record{outcome: isUpdated}, 0, store.Counts{Read: 1, Updated: 1}},
		"conflict":               {record{outcome: isConflict}, 0, store.Counts{Read: 1, Conflicts: 1}},
		"failed":                 {record{outcome: isFailed}, 0, store.Counts{Read: 1, Failed: 1}},
		"created, lacks columns": {record{outcome: isCreated, leftOut: lacks}, 0, store.Counts{Read: 1, Created: 1, LeftOut: 1}},
		"failed, lacks columns":  {record{outcome: isFailed, leftOut: lacks}, 0, store.Counts{Read: 1, Failed: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got store.Counts
			tt.record.count(&got, tt.lap)
			same(t, "counts", tt.want, got)
		})
	}
}

// TestFailedWhole: a page fails as a whole if every record that needed something failed for one reason.
func TestFailedWhole(t *testing.T) {
	t.Parallel()
	failed := func(err error) *record { return &record{outcome: isFailed, err: err} }
	before := func(err error) *record { return &record{outcome: isFailed, err: err, known: true} }
	tests := map[string]struct {
		records []*record
		want    int // records of the error; 0: there is none
	}{
		"none":                           {},
		"all unchanged":                  {records: []*record{{}, {}}},
		"all failed":                     {records: []*record{failed(noGroup()), failed(noGroup())}, want: 2},
		"one alone":                      {records: []*record{failed(noGroup())}},
		"for two reasons":                {records: []*record{failed(noGroup()), failed(rejectedValue("text_sfid"))}},
		"one was created":                {records: []*record{failed(noGroup()), failed(noGroup()), {outcome: isCreated}}},
		"one was updated":                {records: []*record{failed(noGroup()), failed(noGroup()), {outcome: isUpdated}}},
		"beside unchanged ones":          {records: []*record{failed(noGroup()), {}, failed(noGroup())}, want: 2},
		"all failed again":               {records: []*record{before(noGroup()), before(noGroup())}, want: 2},
		"failed again, beside unchanged": {records: []*record{before(noGroup()), {}, before(noGroup())}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := failedWhole(tt.records)
			if got := sizeOf(err); got != tt.want {
				t.Errorf("failedWhole() = %v, want an error of %d records", err, tt.want)
			}
			if err != nil && (!err.Permanent() || !strings.Contains(err.Error(), "ResourceNotFoundException")) {
				t.Errorf("error %q, permanent %t", err, err.Permanent())
			}
		})
	}
}

func sizeOf(err *PageError) int {
	if err == nil {
		return 0
	}
	return err.Records
}

func TestName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Ada King": "Ada King", "": contactID(1), strings.Repeat("ö", 300): strings.Repeat("ö", 255)} {
		if got := contact(1, map[string]column.Value{"name": textValue(name)}).name(); got != want {
			t.Errorf("name of %q: %q, want %q", name, got, want)
		}
	}
}

func TestKey(t *testing.T) {
	t.Parallel()
	for text, want := range map[any]int64{"70": 70, "": 0, nil: 0, "x": 0, "-3": 0, 70.0: 0} {
		r := &record{fields: sfclient.Record{keyField: text}}
		if got := r.key(keyField); got != want {
			t.Errorf("key of %v: %d, want %d", text, got, want)
		}
	}
}

// TestFail: the first reason counts.
func TestFail(t *testing.T) {
	t.Parallel()
	r := contact(1, nil)
	first := noGroup()
	r.fail(first)
	r.fail(errNotCreated)
	if !errors.Is(r.err, first) || r.outcome != isFailed || r.isUnmatched() {
		t.Errorf("record failed by %v", r.err)
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	for want, err := range map[string]error{
		"ColumnValueException": rejectedValue("email"), "REFUSED": errNotCreated,
		"ENTITY_IS_LOCKED": &recordError{object: "Contact", code: "ENTITY_IS_LOCKED"},
	} {
		if got := codeOf(err); got != want {
			t.Errorf("codeOf(%v) = %q, want %q", err, got, want)
		}
	}
}
