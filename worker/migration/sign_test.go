package migration

import (
	"testing"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
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
	there := &mondayclient.Item{}
	p := newPage(nil)
	p.creations = []*creation{{record: carrying(1, nil, created{item: 71})}, {record: carrying(2, "72", created{item: 72})}, {record: failed}, {record: carrying(8, nil, unmatched{})}}
	p.updates = []*update{
		{record: carrying(3, "1", found{item: 73}), item: 73, read: there, adopts: true, link: &ledger.Link{}},
		{record: carrying(4, nil, leftAlone{itemDeleted}), item: 74, adopts: true},
		{record: carrying(5, "75", linked{item: 75}), item: 75, read: there},
	}
	p.records = []*record{carrying(6, nil, linked{item: 76}), carrying(9, "1", linked{item: 79})}
	for _, c := range p.creations {
		p.records = append(p.records, c.record)
	}
	for _, u := range p.updates {
		p.records = append(p.records, u.record)
	}
	got := map[string]int64{}
	for _, g := range signatures(p, keyField) {
		got[g.record.id] = g.item
	}
	want := map[string]int64{contactID(1): 71, contactID(3): 73, contactID(6): 76}
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
