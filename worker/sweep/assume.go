package sweep

import (
	"context"
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/worker/engine"
)

// planOrder returns the indexes of boards in the order in which they are planned: boards that others refer to come
// first. A board whose references lead back to it cannot come before itself, and is planned again at the end.
func planOrder(boards []*mapping.Board) (order []int) {
	const (
		open = iota + 1
		done
	)
	state := make([]int, len(boards))
	var again []int
	var visit func(n int)
	visit = func(n int) {
		state[n] = open
		circular := false
		for _, target := range References(boards[n]) {
			to := slices.Index(boards, target.Board)
			switch {
			case to < 0 || state[to] == done:
			case state[to] == open:
				circular = true
			default:
				visit(to)
			}
		}
		state[n] = done
		order = append(order, n)
		if circular {
			again = append(again, n)
		}
	}
	for n := range boards {
		if state[n] == 0 {
			visit(n)
		}
	}
	return append(order, again...)
}

// References returns the records, also of other boards, that the records of a board's items refer to.
func References(board *mapping.Board) (targets []*mapping.Record) {
	for _, rec := range board.Records {
		for _, field := range rec.Fields {
			if target := field.Link(); target != nil && !slices.Contains(targets, target) {
				targets = append(targets, target)
			}
		}
	}
	return targets
}

// addRecords adds the records that the items of a page do not have yet, and that items of any board may refer to.
func (s *Sweeper) addRecords(ctx context.Context, board *mapping.Board, found []engine.Found,
	records map[ledger.RecordRef]string) error {
	referred := map[string]bool{}
	for _, other := range s.Mapping.Boards {
		for _, target := range References(other) {
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
