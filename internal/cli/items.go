package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// knowItems fails for items that neither Monday nor the ledger knows, and for those that are not on the boards.
func knowItems(ctx context.Context, monday *mondayclient.Client, kept *store.Store, m *mapping.Mapping,
	boards []*mapping.Board, items []int64) (unknown error) {
	if len(items) == 0 {
		return nil
	}
	shown, err := monday.Existences(ctx, items)
	if err != nil {
		return fmt.Errorf("--item: %w", err)
	}
	known, err := kept.ItemBoards(ctx, items)
	if err != nil && !errors.Is(err, store.ErrOldSchema) { // before the first migration of the schema, no item is known
		return fmt.Errorf("--item: %w", err)
	}
	isAmong := func(id int64) bool {
		return slices.ContainsFunc(boards, func(b *mapping.Board) bool { return b.ID == id })
	}
	for _, id := range items {
		e, isShown := shown[id]
		board, isKnown := known[id]
		switch {
		case !isShown && !isKnown:
			unknown = errors.Join(unknown, fmt.Errorf("--item: neither Monday nor crmsync knows the item %d", id))
		case isAmong(e.BoardID), isAmong(board), isShown && e.BoardID == 0 && !isKnown:
		default:
			unknown = errors.Join(unknown, fmt.Errorf("--item: the item %d is on %s, which is not compared", id,
				boardWords(m, max(e.BoardID, board))))
		}
	}
	return unknown
}

// boardWords names a board.
func boardWords(m *mapping.Mapping, id int64) string {
	if b := m.Board(id); b != nil {
		return fmt.Sprintf("board %s (%d)", b.Name, id)
	}
	return fmt.Sprintf("board %d", id)
}
