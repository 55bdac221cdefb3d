package migration

import (
	"testing"

	"crmsync/worker/engine/send"
)

// carrying returns a record with the id of an item in its key field.
func carrying(n int, key any, m match) *record {
	r := contact(n, nil)
	r.fields[keyField], r.match = key, m
	return r
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	failed := carrying(7, nil, created{item: 77})
	failed.outcome = isFailed
	p := newPage(nil)
	p.creations = []*creation{{record: carrying(1, nil, created{item: 71})}, {record: carrying(2, "72", created{item: 72})}, {record: failed}, {record: carrying(8, nil, unmatched{})}}
	got := map[string]int64{}
	for _, g := range signatures(p, keyField) {
		got[g.record.id] = g.item
	}
	want := map[string]int64{contactID(1): 71}
	same(t, "to be signed", want, got)
	if !p.creations[1].record.signed {
		t.Error("a record that carries its item's id counts as not signed")
	}
}

func TestTakeOutcomes(t *testing.T) {
	t.Parallel()
	rejected := []send.Rejection{{Code: "ENTITY_IS_LOCKED"}}
	outcomes := []send.Outcome{
		send.Done{}, send.Done{Left: rejected}, send.Rejected{Rejections: rejected}, send.Rejected{}, send.Gone{Code: "ENTITY_IS_DELETED"},
		send.Retry{Err: busy()}, send.Unknown{Err: errNotCreated},
	}
	open := make([]*signature, len(outcomes))
	for n := range open {
		open[n] = &signature{record: contact(n, nil), item: int64(n), err: noGroup()}
	}
	var again []int64
	for _, g := range takeOutcomes("Contact", open, outcomes) {
		again = append(again, g.item)
	}
	same(t, "to be attempted again", []int64{5, 6}, again)
	var errs []string
	for _, g := range open {
		text := ""
		if g.err != nil {
			text = g.err.Error()
		}
		errs = append(errs, text)
	}
	want := []string{
		"", "Contact: ENTITY_IS_LOCKED", "Contact: ENTITY_IS_LOCKED", "Contact: REFUSED", "Contact: ENTITY_IS_DELETED", busy().Error(), errNotCreated.Error(),
	}
	same(t, "errors", want, errs)
	for n, g := range open {
		if g.record.signed != (n == 0) {
			t.Errorf("record %d is signed: %t", n, g.record.signed)
		}
	}
}
