package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/google/uuid"

	"crmsync/internal/panics"
	"crmsync/schema/ledger"
)

// run takes a batch of events through the stages and returns an answer for each, by position. If a batch panics, its
// events are run one by one, so that only the one at fault fails.
func (e *Engine) run(ctx context.Context, events []*Event) (answers []answer) {
	p := e.newPass(events)
	defer func() {
		if v := recover(); v != nil {
			if len(events) == 1 {
				p.release(ctx)
				panic(v) // the batcher answers it
			}
			e.Log.Error("batch panicked", "events", len(events), "panic", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
			p.release(ctx)
			for _, ev := range events {
				answers = append(answers, e.alone(ctx, ev))
			}
		}
	}()
	p.through(ctx)
	return p.answers()
}

func (e *Engine) newPass(events []*Event) *pass {
	p := &pass{tools: &e.tools, holder: uuid.New(), byItem: map[int64]*work{}, holds: map[string]map[string]any{},
		followed: map[string]bool{}, kept: map[*ledger.Link]map[string]ledger.Doubt{}}
	tasks := make([]task, len(events))
	p.tasks = make([]*task, len(events))
	for n, ev := range events {
		tasks[n].Event, p.tasks[n] = ev, &tasks[n]
	}
	return p
}

// alone runs one event of a batch that panicked.
func (e *Engine) alone(ctx context.Context, ev *Event) (a answer) {
	err := panics.Catch(func() error {
		a = e.run(ctx, []*Event{ev})[0]
		return nil
	})
	if err != nil {
		return answer{outcome: Failed, err: err}
	}
	return a
}

// through takes the batch through all stages, within the time limit of one attempt.
func (p *pass) through(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	if err := p.claim(ctx); err != nil {
		failAll(p.tasks, err)
		return
	}
	p.size.Observe(float64(len(p.works)))
	p.merge()
	p.read(ctx)
	p.forgetDeletions(ctx)
	p.takeAssigned(ctx)
	p.lookUp(ctx)
	p.remove(ctx)
	p.lookBack(ctx)
	p.settle(ctx)
	for stage := range p.Mapping.Stages() {
		for plans := p.plan(stage); len(plans) > 0; {
			writes := p.resolve(ctx, plans)
			outcomes := p.send(ctx, writes)
			plans = append(p.record(ctx, writes, outcomes), p.settleUnread(ctx)...)
		}
	}
	p.archive(ctx)
	p.writeBack(ctx)
	p.commit(ctx)
}

func (p *pass) merge() {
	for _, w := range p.works {
		for _, t := range w.tasks {
			w.merge(t)
		}
		if p.bulk != nil && p.bulk.readings[w.item.ID] == nil {
			w.unread, w.rereads = true, true
		}
	}
}

// release ends the batch's leases without a change.
func (p *pass) release(ctx context.Context) {
	ids := make([]int64, len(p.works))
	for n, w := range p.works {
		ids[n] = w.item.ID
	}
	for _, item := range p.suppressed {
		ids = append(ids, item.ID)
	}
	err := p.persist(ctx, func(ctx context.Context) error {
		return errors.Join(p.Store.Release(ctx, p.holder, ids), p.Store.Free(ctx, p.holder, p.leases.keys))
	})
	if err != nil {
		p.Log.Error("could not release leases", "items", len(ids), "error", err)
	}
}

func (p *pass) answers() []answer {
	answers := make([]answer, len(p.tasks))
	for n, t := range p.tasks {
		answers[n] = answer{outcome: t.outcome(), err: t.err}
		if t.err == nil && t.Done != nil {
			t.Done(answers[n].outcome)
		}
	}
	return answers
}
