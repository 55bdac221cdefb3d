package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"time"

	"github.com/google/uuid"

	"crmsync/internal/panics"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
)

const (
	// unsureLease is how long a match value stays leased where the answer to a create was lost: Salesforce may
	// still be at it, and looking the record up too early would make a second one.
	unsureLease = 10 * time.Second

	// readSize is the most items that Monday gives in one call.
	readSize = 100
)

// pass is one batch on its way through the stages.
type pass struct {
	*Engine
	ctx    context.Context
	holder uuid.UUID // of its leases
	tasks  []*task   // in the order of the events
	works  []*work   // by item id
	refs   references
	keys   []string // leased
	unsure []string // of these, the ones that a record may just be made for
}

// run takes a batch of events through the stages. Every event has an answer, by position. A panic is one event's: the
// others are run without it.
func (e *Engine) run(ctx context.Context, events []Event) (answers []answer) {
	p := &pass{Engine: e, holder: uuid.New()}
	for _, ev := range events {
		p.tasks = append(p.tasks, &task{Event: ev})
	}
	defer func() {
		if v := recover(); v != nil {
			if len(events) == 1 {
				p.release()
				panic(v) // the batcher answers it
			}
			e.Log.Error("batch panicked", "events", len(events), "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			p.release()
			for _, ev := range events {
				answers = append(answers, e.alone(ctx, ev))
			}
		}
	}()
	p.through(ctx)
	return p.answers()
}

// alone runs one event of a batch that panicked.
func (e *Engine) alone(ctx context.Context, ev Event) (a answer) {
	err := panics.Catch(func() error {
		a = e.run(ctx, []Event{ev})[0]
		return nil
	})
	if err != nil {
		return answer{outcome: Failed, err: err}
	}
	return a
}

// through takes the batch through the stages, within the time that a try may take.
func (p *pass) through(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	p.ctx = ctx
	if err := p.claim(); err != nil {
		p.failAll(err)
		return
	}
	p.size.Observe(float64(len(p.works)))
	for _, w := range p.works {
		for _, t := range w.tasks {
			w.merge(t)
		}
	}
	p.read()
	p.prepare()
	p.delete()
	for n := range p.Mapping.Stages() {
		p.stage(n)
	}
	p.writeBack()
	p.commit()
}

// release gives the batch's leases back without a change.
func (p *pass) release() {
	ids := make([]int64, len(p.works))
	for n, w := range p.works {
		ids[n] = w.item.ID
	}
	err := p.persist(func(ctx context.Context) error {
		return errors.Join(p.Store.Release(ctx, p.holder, ids), p.Store.Free(ctx, p.holder, p.keys))
	})
	if err != nil {
		p.Log.Error("leases not given back", "items", len(ids), "error", err)
	}
}

// claim leases the items of the batch. Events of an item that another worker has are answered at once: come back.
func (p *pass) claim() error {
	byItem := map[int64]*work{}
	var wanted []ledger.Ref
	for _, t := range p.tasks {
		board := p.Mapping.Board(t.BoardID)
		if board == nil {
			t.reason = "the board is not mapped"
			continue
		}
		w := byItem[t.ItemID]
		if w == nil {
			w = &work{board: board}
			byItem[t.ItemID] = w
			wanted = append(wanted, ledger.Ref{BoardID: t.BoardID, ItemID: t.ItemID})
		}
		w.tasks = append(w.tasks, t)
	}
	if len(wanted) == 0 {
		return nil
	}
	claimed, err := p.Store.Claim(p.ctx, p.holder, wanted, p.Timeout+ledger.LeaseMargin)
	if err != nil {
		// The answer may be lost after the claim was made.
		ids := slices.Collect(maps.Keys(byItem))
		return errors.Join(err, p.persist(func(ctx context.Context) error { return p.Store.Release(ctx, p.holder, ids) }))
	}
	for _, id := range slices.Sorted(maps.Keys(byItem)) {
		w := byItem[id]
		if w.item = claimed[id]; w.item == nil {
			for _, t := range w.tasks {
				t.err = &BusyError{What: "the item"}
			}
			continue
		}
		if w.item.Abandoned {
			w.read = true // what the holder before had heard of the item went with it, though not what it wrote
			p.doubt(w, w.board.Records...)
		}
		slices.SortStableFunc(w.tasks, func(a, b *task) int { return int(a.JobID - b.JobID) })
		p.works = append(p.works, w)
	}
	return nil
}

// read asks Monday about the items that the payloads do not say enough of.
func (p *pass) read() {
	var wanted []*work
	for _, w := range p.works {
		if w.read {
			wanted = append(wanted, w)
		}
	}
	for some := range slices.Chunk(wanted, readSize) {
		ids := make([]int64, len(some))
		columns := map[string]bool{}
		for n, w := range some {
			ids[n] = w.item.ID
			for _, id := range w.board.Columns {
				columns[id] = true
			}
		}
		items, err := p.Monday.Items(p.ctx, ids, slices.Sorted(maps.Keys(columns)))
		found := make(map[int64]*mondayclient.Item, len(items))
		for n := range items {
			found[items[n].ID] = &items[n]
		}
		for _, w := range some {
			if item := found[w.item.ID]; item != nil || err == nil {
				w.mergeRead(item)
			} else {
				w.retry(err) // an item that is not in a partial answer may be there all the same
			}
		}
	}
}

// prepare looks up what the plans of the batch refer to.
func (p *pass) prepare() {
	p.refs = references{works: map[int64]*work{}, owner: p.Mapping.Owner, leased: p.leased}
	for _, w := range p.works {
		if w.err != nil {
			continue
		}
		w.settleExistence()
		w.look()
		p.refs.works[w.item.ID] = w
	}
	for _, look := range []func() error{p.lookDoubtful, p.lookLinks, p.lookShown, p.lookUsers} {
		if err := look(); err != nil {
			for _, w := range p.works {
				w.retry(err)
			}
			return
		}
	}
}

// persist runs a statement until Postgres has taken it, for as long as the leases last: giving up earlier would
// leave the items leased to nobody.
func (p *pass) persist(statement func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), ledger.LeaseMargin)
	defer cancel()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		err := statement(ctx)
		if err == nil || !waits(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (p *pass) failAll(err error) {
	for _, t := range p.tasks {
		if t.err == nil || !permanent(t.err) {
			t.err = err
		}
	}
}

func (p *pass) answers() []answer {
	answers := make([]answer, len(p.tasks))
	for n, t := range p.tasks {
		answers[n] = answer{outcome: t.outcome(), err: t.err}
	}
	return answers
}

// retry keeps the first reason for which the whole item is to be tried again.
func (w *work) retry(err error) {
	if w.err == nil {
		w.err = err
	}
}
