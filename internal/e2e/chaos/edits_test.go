package chaos_test

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// edit is what a person entered on one side: a value that is used once.
type edit struct {
	token    string
	field    field
	item     int64
	inMonday bool
	at       time.Time

	seen    bool      // a person who saw it replaced it
	replace time.Time // when the program replaced it on its side; zero: it did not
}

// slot is a field on one side.
type slot struct {
	item     int64
	column   string
	inMonday bool
}

// edits keeps all edits. It often looks at what both sides show, to find out when the program replaced an edit.
type edits struct {
	c       *chaos
	people  []*person
	done    chan struct{}
	watcher sync.WaitGroup

	mu    sync.Mutex
	all   []*edit
	shown map[slot]*edit // the last edit on that side, while it stands there
}

func newEdits(c *chaos) *edits {
	return &edits{c: c, done: make(chan struct{}), shown: map[slot]*edit{}}
}

// enter performs an edit. The person who edits has seen what the side shows at that time.
func (e *edits) enter(p *person, f field, inMonday bool, value string, do func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	shown := token(e.value(p, f, inMonday))
	for _, other := range e.all {
		if other.item == p.item && other.token == shown {
			other.seen = true
		}
	}
	do()
	made := &edit{token: token(value), field: f, item: p.item, inMonday: inMonday, at: time.Now()}
	e.all = append(e.all, made)
	e.shown[slot{p.item, f.column, inMonday}] = made
}

// value returns what one side shows.
func (e *edits) value(p *person, f field, inMonday bool) string {
	if inMonday {
		item, _ := e.c.Monday.Item(p.item)
		return item.Text[f.column]
	}
	value, _ := e.c.Salesforce.Get("Contact", p.record)[f.name].(string)
	return value
}

// token returns a value in a form that is the same on both sides.
func token(value string) string {
	if digits := strings.TrimPrefix(value, "+"); strings.HasPrefix(digits, "1212") {
		return digits
	}
	return strings.ToLower(strings.TrimSpace(value))
}

// watch looks at both sides until stop.
func (e *edits) watch(people []*person) {
	e.people = people
	e.watcher.Go(func() {
		for {
			select {
			case <-e.done:
				return
			case <-time.After(10 * time.Millisecond):
				e.look()
			}
		}
	})
	e.c.t.Cleanup(e.stop)
}

func (e *edits) stop() {
	select {
	case <-e.done:
	default:
		close(e.done)
	}
	e.watcher.Wait()
}

func (e *edits) look() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.people {
		for _, f := range bothFields {
			for _, inMonday := range []bool{true, false} {
				at := slot{p.item, f.column, inMonday}
				if made := e.shown[at]; made != nil && token(e.value(p, f, inMonday)) != made.token {
					made.replace = time.Now()
					delete(e.shown, at)
				}
			}
		}
	}
}

// window is how long the program may take from reading a value to writing over it: an edit in between cannot be seen.
const window = 4 * time.Second

// judge compares the final state with the edits.
func (b *both) judge() {
	var problems []problem
	wrong := func(item int64, format string, args ...any) {
		problems = append(problems, problem{item, fmt.Sprintf(format, args...)})
	}
	if n := b.Salesforce.InFlightViolations(); n > 0 {
		wrong(0, "%d rows were written while another write of the record was in flight", n)
	}
	ends := map[int64]map[string]bool{} // item -> tokens that both sides show
	for _, p := range b.people {
		ends[p.item] = map[string]bool{}
		for _, f := range bothFields {
			monday, salesforce := b.edits.value(p, f, true), b.edits.value(p, f, false)
			if token(monday) != token(salesforce) {
				wrong(p.item, "%s: Monday shows %q, Salesforce holds %q", f.name, monday, salesforce)
			}
			ends[p.item][token(salesforce)] = true
		}
	}
	kept := b.conflicts()
	var end, seen, conflicts, missed, inMonday int
	for _, e := range b.edits.all {
		switch {
		case ends[e.item][e.token]:
			end++
		case e.seen:
			seen++
		case slices.Contains(kept[e.item], e.token):
			conflicts++
		case !e.replace.IsZero() && e.replace.Sub(e.at) < window:
			if missed++; e.inMonday {
				inMonday++
			}
		default:
			side := map[bool]string{true: "Monday", false: "Salesforce"}[e.inMonday]
			wrong(e.item, "%s of %s, entered in %s at %s, replaced there at %s, is lost", e.token, e.field.name, side,
				e.at.UTC().Format("15:04:05.000"), e.replace.UTC().Format("15:04:05.000"))
		}
	}
	edits := len(b.edits.all)
	b.t.Logf("%d edits: %d stand, %d were replaced by people who saw them, %d are in the ledger, %d fell between a read and a write, %d of them in Monday",
		edits, end, seen, conflicts, missed, inMonday)
	if missed > edits/20 {
		wrong(0, "%d of %d edits fell between a read and a write", missed, edits)
	}
	for _, e := range b.events() {
		if e.DeadLetter {
			wrong(e.Item, "job %d (%s %s) is a dead letter of %s", e.Job, e.Kind, e.Told, e.Code)
		}
	}
	if n := len(b.unseen); n > 0 {
		wrong(0, "%d writes of records that were not read before, such as %s", n, b.unseen[0])
	}
	problems = append(problems, b.costs(edits)...)
	if len(problems) > 0 {
		b.report(problems)
	}
}

// conflicts returns the tokens in the conflict ledger, by item.
func (b *both) conflicts() map[int64][]string {
	rows, err := b.DB.Query(b.ctx, "SELECT item_id, coalesce(monday #>> '{}', ''), coalesce(salesforce #>> '{}', '') FROM conflicts")
	if err != nil {
		b.t.Fatal(err)
	}
	kept := map[int64][]string{}
	var item int64
	var monday, salesforce string
	_, err = pgx.ForEachRow(rows, []any{&item, &monday, &salesforce}, func() error {
		kept[item] = append(kept[item], token(monday), token(salesforce))
		return nil
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return kept
}

// oneWayCalls is how many calls TestChaos takes for a change, where values go to Salesforce only.
const oneWayCalls = 1.25

// costs checks what the edits have cost: at most two writes each, and twice the calls of a change that goes one way. Polls
// are apart: their number depends on the time alone.
func (b *both) costs(edits int) (problems []problem) {
	writes := int(b.written.Load())
	polls := b.Salesforce.Calls()["composite"] - b.polls
	salesforce, monday := b.Salesforce.TotalCalls()-b.before[0]-polls, b.Monday.TotalCalls()-b.before[1]
	b.t.Logf("%d writes, %d calls to Salesforce and %d polls, %d calls to Monday; %d deliveries lost", writes, salesforce, polls, monday, b.gate.losses())
	if most := 2 * oneWayCalls * float64(edits); float64(salesforce+monday) > most {
		problems = append(problems, problem{0, fmt.Sprintf("%d calls for %d edits, more than %.0f", salesforce+monday, edits, most)})
	}
	if writes > 2*edits {
		problems = append(problems, problem{0, fmt.Sprintf("%d writes of %d edits", writes, edits)})
	}
	return problems
}

// command runs the program until it ends.
func (c *chaos) command(args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(c.ctx, c.size.patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, c.program, args...)
	cmd.Env = c.Environ()
	return cmd.CombinedOutput()
}
