package ledger_test

import (
	"testing"
	"time"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
)

// TestOwn: an event with the same value confirms a value that we wrote; any other newer event puts it in doubt.
func TestOwn(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(seconds int) int64 { return now.Add(time.Duration(seconds) * time.Second).UnixMicro() }
	text := func(s string) column.Value { return column.Value{Type: column.Phone, Text: s} }
	item := func() *ledger.Item {
		i := &ledger.Item{Known: true, Name: "Ada", NameAt: now}
		i.SetColumn("phone", ledger.Column{Value: text("1"), At: at(0)})
		i.WriteColumn("phone", text("2"))
		i.WriteColumn(ledger.NameColumn, column.Value{Type: column.Text, Text: "Grace"})
		return i
	}
	tests := map[string]struct {
		value string
		code  string // of the phone's country, which Monday adds
		at    int
		sure  bool
		want  ledger.Merge
		own   bool // afterwards
	}{
		"the same":                 {value: "2", at: 5, sure: true, want: ledger.Echo},
		"the same, with a country": {value: "2", code: "US", at: 5, sure: true, want: ledger.Echo},
		"another one":              {value: "1", at: 5, sure: true, want: ledger.Doubtful, own: true},
		"not sure":                 {value: "2", at: 5, want: ledger.Doubtful, own: true},
		"from before":              {value: "0", at: -5, sure: true, want: ledger.Stale, own: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := item()
			value := text(tt.value)
			value.Code = tt.code
			if got := i.MergeColumn("phone", ledger.Column{Value: value, At: at(tt.at)}, tt.sure, now); got != tt.want {
				t.Errorf("MergeColumn() = %v, want %v", got, tt.want)
			}
			if c := i.Columns["phone"]; c.Own != tt.own || c.Text != "2" {
				t.Errorf("afterwards %+v", c)
			}
		})
	}
	i := item()
	if got := i.MergeName("Ada", now.Add(time.Second), true, now); got != ledger.Doubtful || !i.NameOwn {
		t.Errorf("an earlier name: %v, own %v", got, i.NameOwn)
	}
	if got := i.MergeName("Grace", now.Add(time.Second), true, now); got != ledger.Echo || i.NameOwn {
		t.Errorf("our name: %v, own %v", got, i.NameOwn)
	}
	read := ledger.Reading{Name: "Grace", UpdatedAt: now.Add(time.Second), Columns: map[string]column.Value{"phone": text("2")}}
	i.MergeReading(read, []string{"phone"}, ledger.Floor{}, now)
	if !i.Columns["phone"].Own {
		t.Error("a reading of our value ends the doubt about late events")
	}
	read.Columns["phone"] = text("3")
	i.MergeReading(read, []string{"phone"}, ledger.Floor{}, now)
	if c := i.Columns["phone"]; c.Own || c.Text != "3" {
		t.Errorf("a reading of another value: %+v", c)
	}
}
