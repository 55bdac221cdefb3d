package settle

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine/plan"
)

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// values are what one field has been and is; nil: empty.
type values struct{ base, monday, salesforce any }

// emailOf is an input about the e-mail address of an item and its record.
func emailOf(wins string, v values) (Input, *ledger.Link) {
	link := &ledger.Link{SalesforceID: "003000000000001AAA"}
	link.Agree("Email", v.base)
	link.Hold("Email", ledger.Held{Value: v.base})
	shown := column.Value{Type: column.Email}
	shown.Text, _ = v.monday.(string)
	return Input{
		Record: models()[wins].Boards[0].Records[0], Item: mapping.Item{ID: 7, Name: "F L", Columns: map[string]column.Value{"email": shown}},
		Link: link, Holds: map[string]any{"Email": v.salesforce}, Now: today,
	}, link
}

// email returns the decision about the e-mail address.
func email(in Input) Decision {
	for _, d := range Columns(in) {
		if d.Field.Name == "Email" {
			return d
		}
	}
	panic("no decision")
}

func draw(t *rapid.T, label string) any {
	return rapid.SampledFrom([]any{nil, "a@x.org", "b@x.org", "c@x.org"}).Draw(t, label)
}

// TestSymmetry swaps the sides and the winner: the decision is the mirror image. A conflict is what changed on both sides
// to different values, and the winner's value then stands on both.
func TestSymmetry(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values{draw(t, "base"), draw(t, "monday"), draw(t, "salesforce")}
		there, link := emailOf("monday", v)
		back, _ := emailOf("salesforce", values{v.base, v.salesforce, v.monday})
		a, b := email(there), email(back)
		if a.Sends != b.Takes || a.Takes != b.Sends || (a.Lost == nil) != (b.Lost == nil) {
			t.Fatalf("%+v: %+v, mirrored %+v", v, a, b)
		}
		isConflict := v.monday != v.base && v.salesforce != v.base && v.monday != v.salesforce
		if (a.Lost != nil) != isConflict {
			t.Fatalf("%+v: conflict %+v, want one: %v", v, a.Lost, isConflict)
		}
		if isConflict && (a.Lost.Base != v.base || a.Lost.Monday != v.monday || a.Lost.Salesforce != v.salesforce) {
			t.Fatalf("%+v: conflict %+v", v, a.Lost)
		}
		if a.Sends != (v.monday != v.base && v.monday != v.salesforce) || a.Takes != (v.monday == v.base && v.salesforce != v.base) {
			t.Fatalf("%+v: %+v", v, a)
		}
		a.Record(link, 1, today)
		if a.Takes && (!link.Holds("Email", v.salesforce) || a.Value.Text != text(v.salesforce)) {
			t.Fatalf("%+v: takes %q, agreed on %+v", v, a.Value.Text, link.Written)
		}
	})
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// TestUnknownIsNotEmpty hides a part of what is known: neither side may be emptied because of that.
func TestUnknownIsNotEmpty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values{draw(t, "base"), draw(t, "monday"), draw(t, "salesforce")}
		in, link := emailOf(rapid.SampledFrom([]string{"monday", "salesforce"}).Draw(t, "wins"), v)
		gone := rapid.SampledFrom([]string{"salesforce", "held", "written", "both", "sure"}).Draw(t, "unknown")
		switch gone {
		case "salesforce":
			delete(in.Holds, "Email")
		case "held":
			link.Held = nil
		case "written":
			link.Written = nil
		case "both":
			link.Held, link.Written = nil, nil
		case "sure":
			link.Doubt("Email")
		}
		d := email(in)
		empties := d.Sends && v.monday == nil && v.salesforce != nil
		if empties && (gone == "salesforce" || gone == "both" || gone == "held") {
			t.Fatalf("%+v without %s: the record is emptied", v, gone)
		}
		if d.Takes && d.Value.Empty() && (gone == "salesforce" || gone == "held" || gone == "both") {
			t.Fatalf("%+v without %s: the column is emptied", v, gone)
		}
		if gone == "salesforce" && (d.Sends || d.Takes) {
			t.Fatalf("%+v: something is written unseen: %+v", v, d)
		}
	})
}

// TestBounded: two automations rewrite a field as soon as they see the other's value. The field rests after a number of
// rounds, and goes on an hour later.
func TestBounded(t *testing.T) {
	t.Parallel()
	in, link := emailOf("monday", values{"x@x.org", "x@x.org", "x@x.org"})
	taken, rested := 0, 0
	for n := range 100 {
		in.Holds["Email"] = []any{"y@x.org", "z@x.org"}[n%2]
		d := email(in)
		d.Record(link, 1, in.Now)
		switch {
		case d.Takes:
			taken++
			in.Item = in.Item.With("email", d.Value)
		case d.Rests != 0:
			rested++
		}
	}
	if taken != ledger.MaxTurns || rested == 0 {
		t.Errorf("taken %d times, rested %d times", taken, rested)
	}
	in.Now = in.Now.Add(time.Hour)
	in.Holds["Email"] = "w@x.org"
	if d := email(in); !d.Takes {
		t.Errorf("an hour later: %+v", d)
	}
}

// TestMeeting covers the first comparison of a record.
func TestMeeting(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		monday, salesforce any
		touched            bool
		adopt              mapping.Side
		want               Decision
	}{
		"the same":                   {monday: "a@x.org", salesforce: "A@x.org"},
		"empty in Monday":            {salesforce: "a@x.org", want: Decision{Takes: true, Kind: plan.SalesforceChanged}},
		"empty in Salesforce":        {monday: "a@x.org", want: Decision{Sends: true, Kind: plan.MondayChanged}},
		"both":                       {monday: "a@x.org", salesforce: "b@x.org", want: Decision{Kind: plan.FirstMeeting}},
		"both, adopted":              {monday: "a@x.org", salesforce: "b@x.org", adopt: mapping.Monday, want: Decision{Sends: true, Kind: plan.FirstMeeting}},
		"both, adopted the other":    {monday: "a@x.org", salesforce: "b@x.org", adopt: mapping.Salesforce, want: Decision{Takes: true, Kind: plan.FirstMeeting}},
		"both, a person just now":    {monday: "a@x.org", salesforce: "b@x.org", touched: true, want: Decision{Sends: true, Kind: plan.BothChanged, Lost: &Lost{Monday: "a@x.org", Salesforce: "b@x.org", Rule: RuleEvent}}},
		"a person just emptied it":   {salesforce: "b@x.org", touched: true, want: Decision{Sends: true, Kind: plan.BothChanged, Lost: &Lost{Salesforce: "b@x.org", Rule: RuleEvent}}},
		"empty on both, and touched": {touched: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, link := emailOf("monday", values{nil, tt.monday, tt.salesforce})
			link.Written, link.Held = nil, nil
			in.Choices.Adopt = tt.adopt
			if tt.touched {
				in.Touched = map[string]bool{"email": true}
			}
			d := email(in)
			if d.Sends != tt.want.Sends || d.Takes != tt.want.Takes || d.Kind != tt.want.Kind || (d.Lost == nil) != (tt.want.Lost == nil) || d.Lost != nil && *d.Lost != *tt.want.Lost {
				t.Errorf("got %+v, want %+v", d, tt.want)
			}
			d.Record(link, 1, today)
			if again := email(in); tt.want.Kind == plan.FirstMeeting && tt.adopt == "" && (again.Kind != plan.FirstMeeting || again.Sends || again.Takes) {
				t.Errorf("the next comparison: %+v", again)
			}
			in.Choices.Adopt = mapping.Salesforce
			if later := email(in); tt.want.Kind == plan.FirstMeeting && tt.adopt == "" && !later.Takes {
				t.Errorf("adopted later: %+v", later)
			}
		})
	}
}

// TestUnshown: a value that Monday rejected for the column is a difference in every comparison until both sides agree.
func TestUnshown(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		values
		unmet, adopted bool
	}{
		"changed in Salesforce":   {values: values{"a@x.org", "a@x.org", "b@x.org"}},
		"changed in both":         {values: values{"a@x.org", "c@x.org", "b@x.org"}},
		"empty in Monday":         {values: values{nil, nil, "b@x.org"}},
		"never compared":          {values: values{nil, nil, "b@x.org"}, unmet: true},
		"a first meeting adopted": {values: values{nil, "a@x.org", "b@x.org"}, unmet: true, adopted: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, link := emailOf("salesforce", tt.values)
			link.Reject(Shows+"email", ledger.Rejection{Value: "b@x.org"})
			if tt.unmet {
				link.Written, link.Held = nil, nil
			}
			if tt.adopted {
				in.Choices.Adopt = mapping.Salesforce
			}
			for range 3 {
				d := email(in)
				if d.Kind != plan.CannotBeShown || d.Sends || d.Takes {
					t.Fatalf("got %+v", d)
				}
				d.Record(link, 1, today)
			}
			in.Holds["Email"] = tt.monday
			for range 2 {
				d := email(in)
				if d.Kind != "" || d.Sends || d.Takes {
					t.Errorf("both sides agree: %+v", d)
				}
				d.Record(link, 1, today)
			}
		})
	}
}

// TestMeetingToMonday covers the first comparison of a field from which nothing goes to Salesforce: it is a first
// meeting only if both sides have a value.
func TestMeetingToMonday(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		monday string
		holds  any
		adopt  mapping.Side
		kind   plan.Kind
		takes  bool
	}{
		"both":                         {monday: "a", holds: "b", kind: plan.FirstMeeting},
		"both, adopted":                {monday: "a", holds: "b", adopt: mapping.Salesforce, kind: plan.FirstMeeting, takes: true},
		"empty in Monday":              {holds: "b", kind: plan.SalesforceChanged, takes: true},
		"empty in Salesforce":          {monday: "a", kind: plan.Missing},
		"empty in Salesforce, adopted": {monday: "a", adopt: mapping.Salesforce, kind: plan.Missing, takes: true},
		"empty in both":                {},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, link := emailOf("monday", values{})
			in.Item = in.Item.With("note", column.Value{Type: column.LongText, Text: tt.monday})
			in.Holds["Note"], in.Choices.Adopt = tt.holds, tt.adopt
			for range 2 { // the next comparison finds the same
				n := slices.IndexFunc(in.Record.Back(), func(f *mapping.Field) bool { return f.Name == "Note" })
				d := Columns(in)[n]
				if d.Kind != tt.kind || d.Takes != tt.takes || d.Sends {
					t.Fatalf("got %+v, want %+v", d, tt)
				}
				if !d.Takes {
					d.Record(link, 1, today)
				}
			}
		})
	}
}

// TestMeetUnmapped: a label that the mapping did not know was never sent. Once the mapping knows it, that is Monday's
// change.
func TestMeetUnmapped(t *testing.T) {
	t.Parallel()
	for holds, want := range map[string]Decision{
		"one": {Kind: plan.MondayChanged, Sends: true}, "other": {Kind: plan.FirstMeeting},
	} {
		in, link := emailOf("monday", values{})
		in.Item = in.Item.With("status", column.Value{Type: column.Status, Text: "B"})
		in.Holds["Title"] = holds
		n := slices.IndexFunc(in.Record.Back(), func(f *mapping.Field) bool { return f.Name == "Title" })
		link.Agree("Title", "one")
		link.Hold("Title", ledger.Held{Value: "one"})
		link.Outdate("Title")
		link.Reject("Title", ledger.Rejection{Value: in.Record.Back()[n].Unmapped(in.Item)[0].Error()})
		if d := Columns(in)[n]; d.Kind != want.Kind || d.Sends != want.Sends || d.Takes || d.Lost != nil {
			t.Errorf("Salesforce holds %s: %+v", holds, d)
		}
	}
}
