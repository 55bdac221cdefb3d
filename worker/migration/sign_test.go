package migration

import (
	"testing"

	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

// carrying is a record with the id of an item in its key field.
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

func TestTakeResults(t *testing.T) {
	t.Parallel()
	row := func(code string) sfclient.Result { return sfclient.Result{Errors: []sfclient.RowError{{Code: code}}} }
	open := make([]*signature, 5)
	for n := range open {
		open[n] = &signature{record: contact(n, nil), item: int64(n), err: errNotCreated}
	}
	again := takeResults("Contact", open, []sfclient.Result{{Success: true}, row("UNABLE_TO_LOCK_ROW"), row("ENTITY_IS_LOCKED"), row("ENTITY_IS_DELETED"), {}})
	var left []int64
	for _, g := range again {
		left = append(left, g.item)
	}
	same(t, "to be attempted again", []int64{1, 4}, left)
	var errs []string
	for _, g := range open {
		text := ""
		if g.err != nil {
			text = g.err.Error()
		}
		errs = append(errs, text)
	}
	same(t, "errors", []string{"", "Contact: UNABLE_TO_LOCK_ROW", "Contact: ENTITY_IS_LOCKED", "Contact: ENTITY_IS_DELETED", "Contact: UNKNOWN_EXCEPTION"}, errs)
	if !open[0].record.signed || open[1].record.signed {
		t.Error("which records are signed is not what the results say")
	}
}
