package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"crmsync/schema/mapping"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
)

// Plan is what a comparison of a board would find and do.
type Plan struct {
	Items int // items of the board that were read
	Held  int // items whose records the delete brake holds
	Found []engine.Found
	Cost  engine.Cost // calls needed for the work, including those for reading
}

// Plan determines what a comparison of a board, or of some of its items, would do. It changes nothing.
func (s *Sweeper) Plan(ctx context.Context, board *mapping.Board, only []int64,
	choices plan.Choices) (p Plan, err error) {
	for range planRounds {
		if p, err = s.planOnce(ctx, board, only, choices); !expired(err) {
			break
		}
	}
	return p, err
}

// planRounds is how often a plan begins the board again at most because Monday no longer knows its cursor.
const planRounds = 3

func (s *Sweeper) planOnce(ctx context.Context, board *mapping.Board, only []int64,
	choices plan.Choices) (p Plan, err error) {
	seen := map[int64]bool{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		part, err := s.read(ctx, board, cursor, only)
		if err != nil {
			return p, err
		}
		part.Dry, part.Choices = true, choices
		found, cost, err := s.Engine.Compare(ctx, part.Page)
		if err != nil {
			return p, err
		}
		for _, f := range found {
			if seen[f.ItemID] = true; f.Err != nil {
				return p, f.Err
			}
			if len(f.Differences) > 0 {
				p.Found = append(p.Found, f)
			}
		}
		p.Items += len(found)
		p.Cost.Monday += part.calls + cost.Monday
		p.Cost.Salesforce += cost.Salesforce
		cursor = part.cursor
	}
	return p, s.planEnded(ctx, board, only, seen, &p)
}

// planEnded adds the items that have ended.
func (s *Sweeper) planEnded(ctx context.Context, board *mapping.Board, only []int64, seen map[int64]bool,
	p *Plan) error {
	known, err := s.Store.AliveItems(ctx, board.ID, only)
	if err != nil {
		return err
	}
	var candidates []int64
	for _, id := range known {
		if !seen[id] {
			candidates = append(candidates, id)
		}
	}
	ended, _, calls, err := s.ended(ctx, board.ID, candidates)
	for _, id := range ended {
		p.Found = append(p.Found, engine.Found{ItemID: id,
			Differences: []engine.Difference{{Kind: plan.Deleted, Sends: true}}})
	}
	p.Cost.Monday += calls
	if err != nil {
		return err
	}
	held, err := s.Store.HeldDeletions(ctx, board.ID, only)
	p.Held = len(held)
	return err
}

// Digest identifies what was found for an item, including values: an item with another digest is not what was
// planned.
func Digest(f engine.Found) string {
	text, err := json.Marshal(f.Differences)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}
