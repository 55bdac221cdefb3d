package sweep

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/worker/engine"
	"crmsync/worker/engine/plan"
)

// Plan is what a comparison of a board would find and do.
type Plan struct {
	Items int // items of the board that were read
	Held  int // items whose records the delete brake holds already
	Found []engine.Found
	Cost  engine.Cost // calls needed for the work, including those for reading

	// Records are the Ids of records that items have only once the plan is carried out, with placeholders for those
	// that it creates. They are those that other items may refer to.
	Records map[ledger.RecordRef]string
}

// Plans determines what a comparison of boards, or of some of their items, would do. It changes nothing. The plans are
// in the order of the boards, and know of each other's records.
func (s *Sweeper) Plans(ctx context.Context, boards []*mapping.Board, only []int64,
	choices plan.Choices) ([]Plan, error) {
	plans := make([]Plan, len(boards))
	assumed := map[ledger.RecordRef]string{}
	before := map[*mapping.Board]int{} // how many records were assumed when a board was planned
	for _, board := range planOrder(boards) {
		if count, planned := before[board]; planned && count == len(assumed) {
			continue
		}
		before[board] = len(assumed)
		p, err := s.plan(ctx, board, only, choices, assumed)
		if err != nil {
			return nil, fmt.Errorf("comparing %s: %w", board.Name, err)
		}
		plans[slices.Index(boards, board)] = p
	}
	return plans, nil
}

// plan plans a board. It takes the assumed records as given, and adds the board's.
func (s *Sweeper) plan(ctx context.Context, board *mapping.Board, only []int64, choices plan.Choices,
	assumed map[ledger.RecordRef]string) (p Plan, err error) {
	for range planRounds {
		if p, err = s.planOnce(ctx, board, only, choices, assumed); !expired(err) {
			break
		}
	}
	maps.Copy(assumed, p.Records)
	return p, err
}

// planRounds is the maximum number of times that a plan starts the board again because Monday no longer knows its
// cursor.
const planRounds = 3

func (s *Sweeper) planOnce(ctx context.Context, board *mapping.Board, only []int64, choices plan.Choices,
	assumed map[ledger.RecordRef]string) (p Plan, err error) {
	p.Records = map[ledger.RecordRef]string{}
	seen := map[int64]bool{}
	for cursor, first := "", true; first || cursor != ""; first = false {
		part, err := s.read(ctx, board, cursor, only)
		if err != nil {
			return p, err
		}
		part.Dry, part.Choices, part.Assumed = true, choices, assumed
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
		if err := s.addRecords(ctx, board, found, p.Records); err != nil {
			return p, err
		}
		p.Items += len(found)
		p.Cost.Monday += part.calls + cost.Monday
		p.Cost.Salesforce += cost.Salesforce
		cursor = part.cursor
	}
	if err := s.planEnded(ctx, board, only, seen, &p); err != nil {
		return p, err
	}
	return p, s.brake(ctx, board, p.Found)
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
	p.Cost.Monday += calls
	if err != nil {
		return err
	}
	found, err := s.foundEnded(ctx, board, ended)
	if err != nil {
		return err
	}
	p.Found = append(p.Found, found...)
	held, err := s.Store.HeldDeletions(ctx, board.ID, only)
	p.Held = len(held)
	return err
}

// foundEnded returns what the end of items means for their records.
func (s *Sweeper) foundEnded(ctx context.Context, board *mapping.Board, ended []int64) ([]engine.Found, error) {
	refs := make([]ledger.Ref, len(ended))
	for n, id := range ended {
		refs[n] = ledger.Ref{BoardID: board.ID, ItemID: id}
	}
	known, err := s.Store.Known(ctx, refs)
	if err != nil {
		return nil, err
	}
	all := make([]engine.Found, len(ended))
	for n, id := range ended {
		all[n].ItemID = id
		for _, rec := range board.Records {
			if known[id] == nil || known[id].Links[rec.Name] == nil || known[id].Links[rec.Name].SalesforceID == "" {
				continue
			}
			link := known[id].Links[rec.Name]
			all[n].Differences = append(all[n].Differences, engine.Difference{
				Record: rec.Name, Object: rec.Object, SalesforceID: link.SalesforceID, Kind: plan.Deleted,
				Sends: engine.Deletes(rec, link),
			})
		}
		if len(all[n].Differences) == 0 {
			all[n].Differences = []engine.Difference{{Kind: plan.Deleted}}
		}
	}
	return all, nil
}

// brake marks the deletions of records, and the archivings of items, that the delete brake would hold.
func (s *Sweeper) brake(ctx context.Context, board *mapping.Board, found []engine.Found) error {
	var wanted []int64
	for _, f := range found {
		if slices.ContainsFunc(f.Differences, isBraked) {
			wanted = append(wanted, f.ItemID)
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	admitted, err := s.Store.WouldAdmit(ctx, board.ID, wanted, store.Brake(s.Mapping.Brake))
	for _, f := range found {
		for n := range f.Differences {
			d := &f.Differences[n]
			d.Held = err == nil && isBraked(*d) && !slices.Contains(admitted, f.ItemID)
		}
	}
	return err
}

// isBraked reports whether a difference is one that the delete brake counts.
func isBraked(d engine.Difference) bool {
	return d.Kind == plan.Deleted && d.Sends || d.Kind == plan.Gone && d.Takes
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
