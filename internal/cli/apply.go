package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
	"crmsync/internal/progress"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

type applyCommand struct {
	Boards        []string `arg:"" optional:"" name:"board" help:"Boards by their names in the mapping, or by id. Default: all."`
	Item          itemList `help:"Only these items, separated by commas." placeholder:"ID,..."`
	Plan          string   `help:"Apply only what this file of plan --out contains. Whatever has changed since is left alone and reported." placeholder:"FILE"`
	Adopt         string   `help:"Resolve first meetings with the value of this side." enum:",monday,salesforce" default:"" placeholder:"monday|salesforce"`
	Enforce       bool     `help:"Overwrite drift with Monday's values."`
	AcceptDeletes bool     `help:"Override the delete brake for the items that Monday has deleted or archived, and release those that it holds already."`
	Stop          bool     `help:"Stop the running comparison or backfill of the boards. What it has written stays."`
	Yes           bool     `help:"Do not ask. Without a terminal, apply never asks."`
	JSON          bool     `help:"Print JSON."`
	acting
}

// Run compares boards with Salesforce and writes the differences. It queues the work and works on the queue itself,
// with or without workers.
func (c applyCommand) Run(ctx context.Context, p *program) error {
	s, boards, err := p.compared(c.Boards)
	if err != nil {
		return err
	}
	sweeps, err := c.sweeps(s.Mapping, boards)
	if err != nil {
		return app.UsageError{Err: err}
	}
	db, err := p.connect(ctx, s)
	if err != nil {
		return err
	}
	defer db.Close()
	if c.Stop {
		return c.stop(ctx, p, db, boards)
	}
	if err := c.know(ctx, s, db, boards); err != nil {
		return err
	}
	if err := c.ask(p, sweeps); err != nil {
		return err
	}
	bars := progress.New(p.stderr)
	s.Log, s.Waiting = app.NewCommandLog(bars, s.Config), tellWaiting(bars, s.Mapping)
	sizes, err := sizesOf(ctx, store.New(db), sweeps)
	if err != nil {
		return err
	}
	done, left, err := s.Apply(ctx, db, sweeps, c.by(), func(all []store.Sweep) {
		for _, w := range all {
			bars.Add(w.ID, w.Board)
		}
		bars.UpdateSweeps(all, sizes)
	})
	bars.End()
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		fmt.Fprintln(p.stderr, "Stopped. The comparison continues when a worker is started.")
	}
	return errors.Join(c.summary(ctx, p, store.New(db), done), failures(done), unfinished(left))
}

// know fails for items that neither Monday nor the ledger knows. A plan knew its items when it was written.
func (c applyCommand) know(ctx context.Context, s *app.Service, db *pgxpool.Pool, boards []*mapping.Board) error {
	if c.Plan != "" || len(c.Item) == 0 {
		return nil
	}
	l, err := app.NewLive(s.Config)
	if err != nil {
		return app.UsageError{Err: err}
	}
	return knowItems(ctx, l.Monday, store.New(db), s.Mapping, boards, numbers(c.Item))
}

// stop stops the running sweeps of boards.
func (c applyCommand) stop(ctx context.Context, p *program, db *pgxpool.Pool, boards []*mapping.Board) error {
	var ids []int64
	for _, b := range boards {
		ids = append(ids, b.ID)
	}
	stopped, err := store.New(db).StopSweeps(ctx, ids, c.by())
	if err != nil {
		return err
	}
	if len(stopped) == 0 && !c.JSON {
		fmt.Fprintln(p.stdout, "No comparison is running.")
		return nil
	}
	return c.summary(ctx, p, store.New(db), stopped)
}

// sweeps returns the sweeps that the command asks for.
func (c applyCommand) sweeps(m *mapping.Mapping, boards []*mapping.Board) (sweeps []store.Sweep, err error) {
	items := numbers(c.Item)
	options := store.SweepOptions{Adopt: mapping.Side(c.Adopt), Enforce: c.Enforce, AcceptDeletes: c.AcceptDeletes,
		Items: items}
	var file *planFile
	if c.Plan != "" {
		if c.Adopt != "" || c.Enforce {
			return nil, errors.New("--plan: the file contains --adopt and --enforce; leave them out")
		}
		if file, err = readPlan(c.Plan, m); err != nil {
			return nil, err
		}
		if missing := file.lacks(items); len(missing) > 0 {
			return nil, fmt.Errorf("--item: %s plans nothing for %s", c.Plan, joined(missing))
		}
		options.Adopt, options.Enforce = file.Choices.Adopt, file.Choices.Enforce
	}
	for _, b := range boards {
		w := store.Sweep{BoardID: b.ID, Board: b.Name, Kind: "apply", Mapped: b.Made(), Options: options}
		if file != nil {
			if w.Options.Planned = file.digests(b.ID, items); len(w.Options.Planned) == 0 {
				continue
			}
			w.Options.Items = slices.Sorted(maps.Keys(w.Options.Planned))
			w.Options.Assumed = file.assumed(b)
		}
		sweeps = append(sweeps, w)
	}
	return sweeps, nil
}

// ask asks a person at a terminal.
func (c applyCommand) ask(p *program, sweeps []store.Sweep) error {
	if c.Yes || len(sweeps) == 0 || !progress.OnTerminal(p.stdout) {
		return nil
	}
	names := make([]string, len(sweeps))
	for n, w := range sweeps {
		names[n] = w.Board
	}
	fmt.Fprintf(p.stdout, "Compare %s with Salesforce, and write what differs? crmsync plan shows it first. [y/N] ",
		strings.Join(names, ", "))
	answer, err := bufio.NewReader(p.stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("reading the answer: %w", err)
	}
	if !strings.EqualFold(strings.TrimSpace(answer), "y") {
		return errors.New("nothing was done")
	}
	return nil
}

// sizesOf returns how many items the sweeps will process, as far as known.
func sizesOf(ctx context.Context, kept *store.Store, sweeps []store.Sweep) (map[int64]int, error) {
	sizes := map[int64]int{}
	for _, w := range sweeps {
		known, err := kept.AliveItems(ctx, w.BoardID, w.Options.Items)
		if err != nil {
			return nil, err
		}
		sizes[w.BoardID] = max(len(known), len(w.Options.Items))
	}
	return sizes, nil
}

// summary prints the results of sweeps, and lists what they did not write.
func (c applyCommand) summary(ctx context.Context, p *program, kept *store.Store, sweeps []store.Sweep) error {
	most := mostShown + 1
	if c.JSON {
		most = mostListed
	}
	listed, err := listSweeps(context.WithoutCancel(ctx), kept, sweeps, most)
	if err != nil {
		return err
	}
	if c.JSON {
		return p.printJSON(listed)
	}
	if len(listed) == 0 {
		fmt.Fprintln(p.stdout, "Nothing is planned.")
		return nil
	}
	table := newTable(p.stdout)
	fmt.Fprintln(table, "RUN\tBOARD\tSTATE\tITEMS\tFIELDS\tDIFFERING\tWRITTEN\tREJECTED\tENDED\tLATER\tCHANGED SINCE "+
		"THE PLAN")
	for _, s := range listed {
		fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\n",
			s.ID, s.Board, s.State, s.Items, s.Fields, s.Differing, s.Written, s.Rejected, s.Ended, s.Later, s.Changed)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range listed {
		if err := s.printNotWritten(p.stdout); err != nil {
			return err
		}
	}
	return nil
}
