package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

// unplanned returns the ways back of a mapping that are not in force: they are new on a board that was synced before,
// and no plan was made with them, so nobody has seen what they would write to Monday. If that cannot be found out, none
// is in force.
func unplanned(ctx context.Context, st *store.Store, m *mapping.Mapping) ([]mapping.Way, error) {
	ways := m.Ways()
	if len(ways) == 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	known, err := st.BoardMappings(ctx)
	if err != nil {
		return ways, err
	}
	var inForce, unsure []string
	for _, way := range ways {
		mapped, isKnown := known[way.Board().ID]
		if !isKnown || mapped[way.Name()] == way.Board().Made()[way.Name()] {
			inForce = append(inForce, way.Fingerprint())
		} else {
			unsure = append(unsure, way.Fingerprint())
		}
	}
	if err := st.AddInForce(ctx, inForce); err != nil {
		return ways, err
	}
	missing, err := st.Unplanned(ctx, unsure)
	if err != nil {
		return ways, err
	}
	return others(ways, func(w mapping.Way) bool { return !slices.Contains(missing, w.Fingerprint()) }), nil
}

// others returns the ways without some of them.
func others(ways []mapping.Way, without func(mapping.Way) bool) []mapping.Way {
	return slices.DeleteFunc(slices.Clone(ways), without)
}

// RefuseUnplanned fails if a comparison of boards would write to Monday by ways back that nobody has planned. Those of
// other boards are not in force for the service.
func (s *Service) RefuseUnplanned(ctx context.Context, st *store.Store, boards []*mapping.Board) error {
	ways, err := unplanned(ctx, st, s.Mapping)
	if err != nil {
		return err
	}
	var refused []error
	for _, b := range boards {
		if names := namesOf(others(ways, func(w mapping.Way) bool { return w.Board() != b })); names != nil {
			refused = append(refused, fmt.Errorf("changes in Salesforce would be written to Monday, but that was never "+
				"planned (%s); see what would change: crmsync plan %s", strings.Join(names, ", "), b.Name))
		}
	}
	if len(refused) == 0 {
		return nil
	}
	return UsageError{errors.Join(refused...)}
}

// namesOf returns the names of ways for people, such as contacts.contact.Phone.
func namesOf(ways []mapping.Way) (names []string) {
	for _, w := range ways {
		names = append(names, w.Board().Name+"."+w.Name())
	}
	return names
}

// putInForce returns the mapping without the ways back that are not in force, and reports those.
func (s *Service) putInForce(ctx context.Context, m *mapping.Mapping) *mapping.Mapping {
	ways, err := unplanned(ctx, s.presence.store, m)
	if err != nil {
		s.Log.Warn("could not find out which ways back were planned; until then nothing is synced to Monday", "error", err)
	}
	s.unplanned = ways
	names := namesOf(ways)
	if len(ways) > 0 && err == nil {
		s.Log.Warn("fields are not synced to Monday, because no plan was made with that: see what would change, and put it "+
			"in force, by crmsync plan", "fields", names)
	}
	s.presence.change(func(p *store.Process) { p.Unplanned = names })
	m = m.Without(ways)
	s.inForce.Store(m)
	return m
}

// takePlanned restarts the workers if a plan has put ways back in force.
func (s *Service) takePlanned(ctx context.Context) {
	if len(s.unplanned) == 0 {
		return
	}
	now, err := unplanned(ctx, s.presence.store, s.mapping())
	if err != nil || len(now) == len(s.unplanned) {
		return
	}
	s.Log.Info("a plan was made: syncing more fields to Monday")
	s.restart(ctx, s.mapping())
}
