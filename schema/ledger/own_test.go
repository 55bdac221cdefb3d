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

// TestMergeReadBefore: an event whose value a comparison has read before changes nothing, but is not stale either,
// whatever the time of the reading. A value of ours is not a person's.
func TestMergeReadBefore(t *testing.T) {
	t.Parallel()
	email := column.Value{Type: column.Email, Text: "a@x.org"}
	other := column.Value{Type: column.Email, Text: "b@x.org"}
	now := time.UnixMicro(10_000_000)
	tests := map[string]struct {
		event column.Value
		sure  bool
		own   bool
		want  ledger.Merge
	}{
		"the same":                  {event: email, sure: true, want: ledger.Same},
		"the same, delivered again": {event: email, want: ledger.Same},
		"another":                   {event: other, sure: true, want: ledger.Stale},
		"unreadable":                {event: column.Value{}, want: ledger.Stale},
		"the same, written by us":   {event: email, sure: true, own: true, want: ledger.Stale},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := ledger.Item{Known: true, Columns: map[string]ledger.Column{"email": {Value: email, At: 5_000_000, Own: tt.own}}}
			if got := it.MergeColumn("email", ledger.Column{Value: tt.event, At: 4_000_000}, tt.sure, now); got != tt.want {
				t.Errorf("MergeColumn = %v, want %v", got, tt.want)
			}
		})
	}
	it := ledger.Item{Name: "Ada", NameAt: time.UnixMicro(5_000_000)}
	if got := it.MergeName("Ada", time.UnixMicro(4_000_000), false, now); got != ledger.Same {
		t.Errorf("MergeName = %v, want %v", got, ledger.Same)
	}
}

// TestContradicts: a page, which may lag, is not trusted if it contradicts what is known of the same second, or what we
// have written.
func TestContradicts(t *testing.T) {
	t.Parallel()
	const second = 1_000_000
	tests := map[string]struct {
		known   int64
		own     bool
		updated int64
		floor   int64 // the earliest time of the page
		shown   string
		want    bool
	}{
		"the page may be from before a read of the second": {known: 5 * second, floor: 5*second + 7, shown: "b", want: true},
		"it is not":                                {known: 5 * second, floor: 6*second + 7, shown: "b"},
		"the known value is an event's":            {known: 5*second + 3, floor: 5*second + 7, shown: "b"},
		"its time is too far ahead to be believed": {known: 20 * second, updated: 999 * second, floor: 20*second + 7, shown: "b"},
		"the same value":                           {known: 5*second + 7, updated: 5 * second, shown: "a"},
		"the same second":                          {known: 5*second + 7, updated: 5 * second, shown: "b", want: true},
		"the same time":                            {known: 5 * second, updated: 5 * second, shown: "b", want: true},
		"later":                                    {known: 5*second + 7, updated: 6 * second, shown: "b"},
		"earlier":                                  {known: 5*second + 7, updated: 4 * second, shown: "b"},
		"ours, and the page may lag":               {known: 5*second + 7, own: true, updated: 9 * second, shown: "b", want: true},
		"ours, and shown":                          {known: 5*second + 7, own: true, updated: 9 * second, shown: "a"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			it := ledger.Item{Known: true, Columns: map[string]ledger.Column{"c": {Value: column.Value{Text: "a"}, At: tt.known, Own: tt.own}}}
			r := ledger.Reading{UpdatedAt: time.UnixMicro(tt.updated), Columns: map[string]column.Value{"c": {Text: tt.shown}}}
			if got := it.Contradicts(r, []string{"c"}, ledger.Floor{All: tt.floor}, time.UnixMicro(20*second)); got != tt.want {
				t.Errorf("Contradicts = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestMergeReadSecond: the time of a read has whole seconds, so the value that was read may be newer than another one
// that an event of the same second carries. Only Monday knows.
func TestMergeReadSecond(t *testing.T) {
	t.Parallel()
	const second = 1_000_000
	now := time.UnixMicro(20 * second)
	tests := map[string]struct {
		known, at int64
		value     string
		want      ledger.Merge
	}{
		"another value, in the second of the read": {5 * second, 5*second + 999_999, "b", ledger.Doubtful},
		"the value that was read":                  {5 * second, 5*second + 999_999, "a", ledger.Taken},
		"another value, after the second":          {5 * second, 6 * second, "b", ledger.Taken},
		"another value, before the second":         {5 * second, 5*second - 1, "b", ledger.Stale},
		"another value, and both are events'":      {5*second + 1, 5*second + 2, "b", ledger.Taken},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := column.Value{Type: column.Text, Text: "a"}, column.Value{Type: column.Text, Text: tt.value}
			it := ledger.Item{Known: true, Name: "a", NameAt: time.UnixMicro(tt.known), Columns: map[string]ledger.Column{"c": {Value: a, At: tt.known}}}
			if got := it.MergeColumn("c", ledger.Column{Value: b, At: tt.at}, true, now); got != tt.want {
				t.Errorf("MergeColumn = %v, want %v", got, tt.want)
			}
			if got := it.MergeName(tt.value, time.UnixMicro(tt.at), true, now); got != tt.want {
				t.Errorf("MergeName = %v, want %v", got, tt.want)
			}
		})
	}
}

// TestOverwrote: an event shows that our write has overwritten a value if nothing that we knew explains it.
func TestOverwrote(t *testing.T) {
	t.Parallel()
	now := time.UnixMicro(10_000_000)
	value := func(s string) column.Value { return column.Value{Type: column.Text, Text: s} }
	labels := func(l ...string) column.Value { return column.Value{Type: column.Dropdown, Labels: l} }
	write := func(id string, before, ours column.Value) *ledger.Item {
		i := &ledger.Item{Known: true, Name: before.Text, NameAt: time.UnixMicro(5)}
		if id != ledger.NameColumn {
			i.SetColumn(id, ledger.Column{Value: before, At: 5})
		}
		i.WriteColumn(id, ours)
		return i
	}
	tests := map[string]struct {
		item  *ledger.Item
		id    string
		value column.Value
		at    int64
		want  bool
	}{
		"a person's text":              {write("c", value("a"), value("b")), "c", value("x"), 7, true},
		"ours":                         {write("c", value("a"), value("b")), "c", value("b"), 7, false},
		"the one before ours":          {write("c", value("a"), value("b")), "c", value("a"), 7, false},
		"an older one":                 {write("c", value("a"), value("b")), "c", value("x"), 5, false},
		"a person's name":              {write(ledger.NameColumn, value("a"), value("b")), ledger.NameColumn, value("x"), 7, true},
		"our name":                     {write(ledger.NameColumn, value("a"), value("b")), ledger.NameColumn, value("b"), 7, false},
		"the name before ours":         {write(ledger.NameColumn, value("a"), value("b")), ledger.NameColumn, value("a"), 7, false},
		"a person's labels":            {write("c", labels("a"), labels("b", "c")), "c", labels("a", "b"), 7, true},
		"ours, in another order":       {write("c", labels("a"), labels("b", "c")), "c", labels("c", "b"), 7, false},
		"those before, in another one": {write("c", labels("a", "b"), labels("c")), "c", labels("b", "a"), 7, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := tt.item.Overwrote(tt.id, tt.value, tt.at); got != tt.want {
				t.Errorf("Overwrote = %v, want %v", got, tt.want)
			}
		})
	}
	i := write("c", value("a"), value("b"))
	i.MergeColumn("c", ledger.Column{Value: value("b"), At: 7}, true, now) // our own event
	if !i.Overwrote("c", value("x"), 7) {
		t.Error("a person's edit of the same time is not noticed")
	}
	i = write("c", labels("a"), labels("b", "c"))
	if got := i.MergeColumn("c", ledger.Column{Value: labels("c", "b"), At: 7}, true, now); got != ledger.Echo {
		t.Errorf("our labels in another order: %v, want %v", got, ledger.Echo)
	}
	for at, want := range map[int64]bool{6: true, 7: true, 8: false} { // our write is from 7
		i := write(ledger.NameColumn, value("a"), value("b"))
		i.MergeName("b", time.UnixMicro(7), true, now)
		if got := i.Overwrote(ledger.NameColumn, value("x"), at); got != want {
			t.Errorf("a person's name of %d, after the event of ours: Overwrote = %v, want %v", at, got, want)
		}
	}
}
