package sweep

import (
	"context"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
)

// planOrder returns the boards in the order in which they are planned. A board whose references lead back to it cannot
// come before itself, and is planned again at the end.
func planOrder(boards []*mapping.Board) []*mapping.Board {
	order := mapping.Ordered(boards)
	for _, b := range order {
		if b.IsCircular() {
			order = append(order, b)
		}
	}
	return order
}

// addRecords adds the records that the items of a page do not have yet, and that items of any board may refer to.
func (s *Sweeper) addRecords(ctx context.Context, board *mapping.Board, found []engine.Found,
	records map[ledger.RecordRef]string) error {
	referred := map[string]bool{}
	for _, other := range s.Mapping.Boards {
		for _, target := range other.Links() {
			if target.Board.ID == board.ID {
				referred[target.Name] = true
			}
		}
	}
	var refs []ledger.RecordRef
	ids := map[ledger.RecordRef]string{}
	for _, f := range found {
		for name, id := range f.Records {
			if ref := (ledger.RecordRef{ItemID: f.ItemID, Record: name}); referred[name] {
				refs, ids[ref] = append(refs, ref), id
			}
		}
	}
	if len(refs) == 0 {
		return nil
	}
	known, err := s.Store.LinkedIDs(ctx, refs)
	if err != nil {
		return err
	}
	for ref, id := range ids {
		if known[ref] != id {
			records[ref] = id
		}
	}
	return nil
}
