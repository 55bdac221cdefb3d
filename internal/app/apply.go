package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker"
)

// soon is how long Apply waits for a follow-up job that is due later.
const soon = 30 * time.Second

// Apply queues sweeps and works on their queue itself, with or without other workers, until all are over or ctx ends.
// Then it works on the jobs that they have queued for single items, and returns how many of them are left. It calls
// show with the progress of the sweeps from time to time.
func (s *Service) Apply(ctx context.Context, db *pgxpool.Pool, sweeps []store.Sweep, by store.By,
	show func([]store.Sweep)) (found []store.Sweep, left queue.FollowUps, err error) {
	if len(sweeps) == 0 {
		return nil, left, nil
	}
	pool, err := s.migrationsPool(db)
	if err != nil {
		return nil, left, err
	}
	kept := store.New(db)
	ids, err := addSweeps(ctx, kept, pool, s.ordered(sweeps), by)
	if err != nil {
		return nil, left, err
	}
	if err := pool.Start(ctx); err != nil {
		return nil, left, err
	}
	found = watchSweeps(ctx, kept, ids, show)
	left, err = followUp(ctx, pool, worker.Queue(db), found)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.Config.ShutdownGrace+10*time.Second)
	defer cancel()
	return found, left, errors.Join(err, pool.Stop(stopping))
}

// followUp works on the jobs that sweeps have queued for single items, until none is due soon or ctx ends.
func followUp(ctx context.Context, pool *worker.Pool, q *queue.Queue, sweeps []store.Sweep) (left queue.FollowUps,
	err error) {
	if len(sweeps) == 0 {
		return left, nil
	}
	since := slices.MinFunc(sweeps, func(a, b store.Sweep) int { return a.StartedAt.Compare(b.StartedAt) }).StartedAt
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for takes := false; ; {
		left, err = q.FollowUps(context.WithoutCancel(ctx), since, soon)
		if err != nil || left.Open == 0 || ctx.Err() != nil {
			return left, err
		}
		if !takes {
			takes = true
			if err := pool.TakeEvents(); err != nil {
				return left, err
			}
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// ordered returns sweeps in the order of their boards: a sweep waits only for those that were added before it begins.
func (s *Service) ordered(sweeps []store.Sweep) []store.Sweep {
	return slices.SortedStableFunc(slices.Values(sweeps), func(a, b store.Sweep) int {
		return cmp.Compare(s.Mapping.Board(a.BoardID).Stage, s.Mapping.Board(b.BoardID).Stage)
	})
}

// addSweeps queues sweeps, or joins the same ones that are running, and returns their ids.
func addSweeps(ctx context.Context, kept *store.Store, pool *worker.Pool, sweeps []store.Sweep,
	by store.By) (ids []int64, err error) {
	for _, w := range sweeps {
		id, err := kept.AddSweep(ctx, w, func(ctx context.Context, tx pgx.Tx, w store.Sweep) error {
			if err := pool.QueueSweep(ctx, tx, w); err != nil {
				return err
			}
			return store.RecordOperation(ctx, tx, applied(w, by))
		})
		if errors.Is(err, store.ErrSweeping) {
			id, err = joined(ctx, kept, w)
		}
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// applied returns the operation of a person who applies a board's differences.
func applied(w store.Sweep, by store.By) store.Operation {
	o := store.Operation{By: by, Act: store.ActApply, Subject: "board " + w.Board, Items: w.Options.Items}
	if len(w.Options.Items) > 0 {
		o.Subject += ", " + store.Subject("item", w.Options.Items)
	}
	for _, option := range []struct {
		name   string
		chosen bool
	}{{"adopt " + string(w.Options.Adopt), w.Options.Adopt != ""}, {"enforce", w.Options.Enforce},
		{"accept deletes", w.Options.AcceptDeletes}} {
		if option.chosen {
			o.Subject += ", " + option.name
		}
	}
	return o
}

// joined returns the board's running sweep if it does what the command asks for: an earlier command was interrupted.
func joined(ctx context.Context, s *store.Store, w store.Sweep) (id int64, err error) {
	running, err := s.RunningSweeps(ctx, w.BoardID)
	if err != nil {
		return 0, err
	}
	named := len(w.Options.Items) > 0
	running = slices.DeleteFunc(running, func(other store.Sweep) bool { return (len(other.Options.Items) > 0) != named })
	for _, other := range running {
		if other.Kind == w.Kind && maps.Equal(other.Mapped, w.Mapped) && reflect.DeepEqual(other.Options, w.Options) {
			return other.ID, nil
		}
	}
	if len(running) == 0 {
		return 0, fmt.Errorf("another comparison of %s has just ended; run the command again", w.Board)
	}
	return 0, fmt.Errorf("another comparison of %s is running (%s, run %d): wait for it, or stop it with crmsync apply "+
		"--stop %s", w.Board, running[0].Kind, running[0].ID, w.Board)
}

// watchSweeps watches the sweeps until all are over or ctx ends.
func watchSweeps(ctx context.Context, s *store.Store, ids []int64, show func([]store.Sweep)) (sweeps []store.Sweep) {
	tick := time.NewTicker(LookEvery)
	defer tick.Stop()
	for {
		if found, err := s.Sweeps(context.WithoutCancel(ctx), ids); err == nil {
			sweeps = found
			show(sweeps)
		}
		over := 0
		for _, w := range sweeps {
			if w.State != "running" {
				over++
			}
		}
		if over == len(ids) {
			return sweeps
		}
		select {
		case <-ctx.Done():
			return sweeps
		case <-tick.C:
		}
	}
}
