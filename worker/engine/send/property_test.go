package send

import (
	"fmt"
	"maps"
	"math/bits"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"crmsync/sfclient"
)

// pattern is an org that rejects writes, and the expected outcomes.
type pattern struct {
	org      *org
	writes   []Write
	want     []verdict
	culprits int
}

// verdict is the expected outcome of a write.
type verdict struct {
	End    string   // done, rejected or gone
	Left   []string // fields that are rejected, each once
	Fields map[string]any
}

// rejections are the ways in which an org rejects a value.
var rejections = []poison{
	{code: "STRING_TOO_LONG", named: true},
	{code: "FIELD_CUSTOM_VALIDATION_EXCEPTION", named: true},
	{code: "FIELD_CUSTOM_VALIDATION_EXCEPTION"},
	{code: codeValue},
	{code: "INACTIVE_OWNER_OR_USER"},
	{code: "INVALID_CROSS_REFERENCE_KEY"},
	{code: "UNHEARD_OF"},
	{code: codeTrigger, call: true},
	{code: codeFlow, call: true},
	{code: "UNHEARD_OF_TOO", call: true},
}

// draw draws an org that rejects values of some rows, whole records, and calls with too many rows.
func draw(t *rapid.T) pattern {
	p := pattern{org: newOrg()}
	p.org.required = []string{"F0"}
	if rapid.Bool().Draw(t, "limited") {
		p.org.limit = rapid.IntRange(1, 50).Draw(t, "limit")
	}
	for n, r := range rejections {
		for field := range 9 {
			r.field, r.value = fmt.Sprint("F", field), fmt.Sprint("bad", n)
			p.org.poisons = append(p.org.poisons, r)
		}
	}
	odd := rapid.IntRange(0, 100).Draw(t, "percentage of rows with a fault")
	for n := range rapid.IntRange(1, 250).Draw(t, "rows") {
		p.draw(t, n, rapid.IntRange(0, 99).Draw(t, "row") < odd)
	}
	return p
}

// draw adds a write.
func (p *pattern) draw(t *rapid.T, n int, odd bool) {
	fields, bad := f{"F0": n}, []string{}
	for i := range rapid.IntRange(0, 8).Draw(t, "fields") {
		fields[fmt.Sprint("F", i+1)] = n
	}
	if odd {
		for _, field := range rapid.SliceOfNDistinct(rapid.SampledFrom(names(fields)), 0, min(3, len(fields)), rapid.ID[string]).Draw(t, "bad") {
			fields[field] = fmt.Sprint("bad", rapid.IntRange(0, len(rejections)-1).Draw(t, "rejection"))
			bad = append(bad, field)
		}
	}
	slices.Sort(bad)
	healthy := omit(fields, bad)
	want := verdict{"done", bad, healthy}
	p.culprits += len(bad)
	id := fmt.Sprint("c", n)
	switch op := rapid.SampledFrom([]Op{Update, Update, Upsert, Create}).Draw(t, "op"); op {
	case Update:
		p.org.add("Contact", id, f{"F0": "before"})
		p.writes = append(p.writes, update(id, fields))
		if len(healthy) == 0 {
			want.End = "rejected"
		}
		want.Fields = f{"F0": "before"}
		maps.Copy(want.Fields, healthy)
		if odd && rapid.IntRange(0, 9).Draw(t, "record") == 0 {
			p.culprits++
			want = verdict{"rejected", nil, f{"F0": "before"}}
			if rapid.Bool().Draw(t, "gone") {
				want.End = "gone"
				p.org.fates[id] = sfclient.Fate{State: sfclient.Deleted}
			} else {
				p.org.locked = append(p.org.locked, id)
			}
		}
	case Upsert:
		p.writes = append(p.writes, upsert(id, fields))
		want.Fields["Key__c"] = id
	default:
		p.writes = append(p.writes, create(fields))
	}
	if p.writes[n].Op != Update && slices.Contains(bad, "F0") { // it is required
		want = verdict{"rejected", bad, nil}
	}
	p.writes[n].References = map[string]string{"F1": "Account", "F2": "Account"}
	p.want = append(p.want, want)
}

// got is the actual outcome of a write.
func (p *pattern) got(n int, o Outcome) verdict {
	w, v := p.writes[n], verdict{}
	var rejections []Rejection
	id := w.ID
	switch o := o.(type) {
	case Done:
		v.End, rejections, id = "done", o.Left, o.ID
	case Rejected:
		v.End, rejections = "rejected", o.Rejections
	case Gone:
		v.End = "gone"
	default:
		v.End = fmt.Sprintf("%+v", o)
	}
	for _, r := range rejections {
		v.Left = append(v.Left, r.Fields...)
	}
	slices.Sort(v.Left)
	v.Fields = p.org.records[id]
	return v
}

// constant is the number of calls that a culprit may cost in addition to isolating it and leaving fields out: to learn
// whether the record accepts any change, to create it with few fields, and to attempt a rejected field again.
const constant = 4

// mostCalls returns the maximum number of calls: those that an org without culprits needs, and for each culprit those
// that isolate it from other rows and leave out one field at a time.
func (p *pattern) mostCalls() int {
	parting := 2 * bits.Len(uint(min(len(p.writes), maxRows)))
	calls := 3*((len(p.writes)+maxRows-1)/maxRows) + 2 // by operation, and to ask what became of records and references
	if p.org.limit > 0 {
		calls += 3*parting + 3*(2*len(p.writes)/p.org.limit+1)
	}
	return calls + p.culprits*(parting+9+constant)
}

// TestAnyRejection: whatever an org rejects, everything else is written, each culprit is reported once, and few calls
// are needed to find one.
func TestAnyRejection(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := draw(t)
		outcomes := p.org.sender().Send(t.Context(), p.writes)
		for n, o := range outcomes {
			want, got := p.want[n], p.got(n, o)
			if want.End == "rejected" && p.writes[n].Op != Update { // other culprits need not be looked for
				if got.End != "rejected" || slices.ContainsFunc(got.Left, func(field string) bool { return !slices.Contains(want.Left, field) }) {
					t.Fatalf("outcome of %+v is %+v, want it rejected", p.writes[n], o)
				}
				continue
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%+v: %+v (-want +got):\n%s", p.writes[n], o, diff)
			}
		}
		if most := p.mostCalls(); len(p.org.calls) > most {
			t.Fatalf("%d calls for %d rows and %d culprits, want at most %d: %q", len(p.org.calls), len(p.writes), p.culprits, most, p.org.calls)
		}
	})
}
