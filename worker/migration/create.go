package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"crmsync/mondayclient"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

const (
	// documentBytes bounds the column values of a document.
	documentBytes = 256 << 10

	// createCost is what making an item is taken to cost of Monday's complexity.
	createCost = 10_000

	// remembered is how long after it was sent a document is sent again under its key. Monday remembers a key for 30 minutes.
	remembered = 25 * time.Minute

	// signSize is the most records of a call to Salesforce, and signsAtOnce as many calls as a page takes: they are no
	// business of Monday's budget.
	signSize    = 200
	signsAtOnce = pageSize / signSize
)

// document is a call that makes items. It is kept before it is sent, to the letter, so that whatever stops the process it is
// sent again under the same key: Monday answers it from its memory, where it has been there already.
type document struct {
	key     string
	ids     []string // Salesforce Ids
	creates []mondayclient.Create
	sentAt  time.Time
	answer  []answer        // by position; nil: not known
	open    map[string]bool // Ids that are not linked yet
}

// answer is what became of one of the items.
type answer struct {
	ID   int64  `json:"id,omitempty"`
	Code string `json:"code,omitempty"`
	err  error
}

func (d *document) item(id string) int64 { return d.answer[slices.Index(d.ids, id)].ID }

// create makes the items that nothing is known of.
func (p *page) create() error {
	for n := range tries {
		some := p.which((*subject).open)
		if len(some) == 0 {
			return nil
		}
		documents, err := p.cut(some, n)
		if err != nil {
			return err
		}
		var calls errgroup.Group
		for _, d := range documents {
			calls.Go(func() error { return p.send(d) })
		}
		if err := calls.Wait(); err != nil {
			return err
		}
		p.documents = append(p.documents, documents...)
		if wait := p.takeAnswers(some, documents); wait > 0 && !p.pause(wait) {
			return &HoldError{Wait: wait}
		}
	}
	for _, x := range p.which((*subject).open) {
		p.fail(x, "", errNotMade)
	}
	return nil
}

var errNotMade = errors.New("monday did not make the item, however often it was asked")

// cut puts items into documents, as many to one as its size and Monday's budget allow.
func (p *page) cut(subjects []*subject, try int) ([]*document, error) {
	most := p.most()
	var all []*document
	size := 0
	for _, x := range subjects {
		one := p.createOf(x)
		text, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("writing the values of %s: %w", x.id, err)
		}
		if len(all) == 0 || size+len(text) > documentBytes || len(all[len(all)-1].ids) == most {
			all, size = append(all, &document{sentAt: time.Now(), open: map[string]bool{}}), 0
		}
		d := all[len(all)-1]
		d.ids, d.creates = append(d.ids, x.id), append(d.creates, one)
		d.open[x.id] = true
		size += len(text)
	}
	for _, d := range all {
		var err error
		if d.key, err = mondayclient.CreateKey(fmt.Sprint(p.holder, try), d.creates); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// most is how many items one document makes: what is allowed at once is shared by the documents that are under way.
func (s *slice) most() int {
	b := s.Monday.Budget()
	if b.ComplexityLimit == 0 {
		return writeSize
	}
	allowed := b.ComplexityLimit - b.ComplexityLimit/keptComplexity
	return min(max(allowed/concurrency/createCost, 1), writeSize)
}

func (p *page) createOf(x *subject) mondayclient.Create {
	one := mondayclient.Create{
		BoardID: p.job.BoardID, Group: p.migration.Group, Name: x.name(),
		Columns: map[string]any{p.migration.Record.IDColumn: x.id},
	}
	for id, v := range x.values {
		if written := v.Written(); id != nameColumn && written != nil {
			one.Columns[id] = written
		}
	}
	return one
}

// send keeps a document, sends it until it is answered, and keeps the answer.
func (s *slice) send(d *document) error {
	done, err := s.turn()
	if err != nil {
		return err
	}
	defer done()
	text, err := json.Marshal(d.creates)
	if err != nil {
		return fmt.Errorf("writing a document: %w", err)
	}
	kept := store.Document{Key: d.key, BoardID: s.job.BoardID, Records: d.ids, Creates: text}
	if err := s.Store.AddDocument(s.ctx, kept); err != nil {
		return err
	}
	return s.deliver(d)
}

// deliver sends a document that is kept, for the first time or again.
func (s *slice) deliver(d *document) error {
	made, err := again(s, "making items", func() ([]mondayclient.Created, error) { return s.Monday.Create(s.ctx, d.creates, d.key) })
	if err != nil {
		return err
	}
	d.answer = make([]answer, len(made))
	for n, m := range made {
		d.answer[n] = answer{ID: m.ID, err: m.Err}
		if m.Err != nil {
			d.answer[n].Code = codeOf(m.Err)
		}
	}
	text, err := json.Marshal(d.answer)
	if err != nil {
		return fmt.Errorf("writing an answer: %w", err)
	}
	if err := s.Store.AnswerDocument(s.ctx, d.key, text); err != nil {
		return err
	}
	s.moved.Store(true)
	return nil
}

// takeAnswers gives the records their items. A record that Monday refuses fails alone; one that has to wait is sent in another
// document, under another key: an answer that is remembered does not get better.
func (p *page) takeAnswers(subjects []*subject, documents []*document) (wait time.Duration) {
	byID := map[string]*subject{}
	for _, x := range subjects {
		byID[x.id] = x
	}
	for _, d := range documents {
		for n, a := range d.answer {
			x := byID[d.ids[n]]
			switch {
			case a.ID > 0:
				x.item, x.outcome, x.key = a.ID, created, true
			case retryAfter(a.err) > 0:
				wait = max(wait, retryAfter(a.err))
			default:
				p.fail(x, "", a.err)
			}
		}
	}
	return wait
}

// settleDocuments finds out what became of the documents that an earlier slice left behind.
func (s *slice) settleDocuments() error {
	s.documents, s.made = map[string]*document{}, map[string]*document{}
	left, err := s.Store.Documents(s.ctx, s.job.BoardID)
	if err != nil {
		return err
	}
	for _, kept := range left {
		d := &document{key: kept.Key, ids: kept.Records, sentAt: kept.SentAt, open: map[string]bool{}}
		decode := json.NewDecoder(strings.NewReader(string(kept.Creates)))
		decode.UseNumber() // to the letter
		if err := decode.Decode(&d.creates); err != nil {
			return fmt.Errorf("reading a document: %w", err)
		}
		if err := s.settleDocument(d, kept.Answer); err != nil {
			return err
		}
		s.documents[d.key] = d
		for n, a := range d.answer {
			if a.ID > 0 {
				d.open[d.ids[n]] = true
				s.made[d.ids[n]] = d
			}
		}
	}
	return nil
}

// settleDocument takes the answer that is kept, or sends the document again. One that is too old for Monday to remember has
// long come into the index by which items are found; that is waited for where the values were erased.
func (s *slice) settleDocument(d *document, kept json.RawMessage) error {
	switch {
	case kept != nil:
		if err := json.Unmarshal(kept, &d.answer); err != nil {
			return fmt.Errorf("reading an answer: %w", err)
		}
		return nil
	case time.Since(d.sentAt) >= remembered:
	case len(d.creates) == 0:
		return &ErasedError{Wait: time.Until(d.sentAt.Add(remembered))}
	default:
		return s.deliver(d)
	}
	shown, err := s.shown(d.ids)
	if err != nil {
		return err
	}
	d.answer = make([]answer, len(d.ids))
	for n, id := range d.ids {
		d.answer[n].ID = shown[id]
	}
	return nil
}

// settled are the documents of which every item is linked with this page.
func (p *page) settled() (keys []string) {
	for _, d := range p.documents {
		keys = append(keys, d.key)
	}
	for _, x := range p.subjects {
		if d := p.made[x.id]; d != nil {
			delete(d.open, x.id)
		}
	}
	for key, d := range p.slice.documents {
		if len(d.open) == 0 {
			keys = append(keys, key)
		}
	}
	return keys
}

// sign gives the records the ids of their new items.
func (p *page) sign() error {
	some := p.which(func(x *subject) bool {
		key, _ := x.record[p.Mapping.Key].(string)
		x.signed = key == itemText(x.item)
		return x.item > 0 && x.key && !x.signed && x.outcome != failed
	})
	if len(some) == 0 {
		return nil
	}
	if err := p.announce(); err != nil {
		return err
	}
	var calls errgroup.Group
	calls.SetLimit(signsAtOnce)
	for part := range slices.Chunk(some, signSize) {
		calls.Go(func() error { return p.signSome(part) })
	}
	if err := calls.Wait(); err != nil {
		return err
	}
	for _, x := range some {
		if x.err != nil {
			p.fail(x, "", fmt.Errorf("writing %s: %w", p.Mapping.Key, x.err))
			continue
		}
		if x.link != nil {
			x.link.Agree(p.Mapping.Key, itemText(x.item))
		}
	}
	return nil
}

// announce keeps, before it happens, that this lap changes records. That moves them behind the lap's end: if the process dies
// before the page is kept, only a further lap finds them.
func (s *slice) announce() error {
	if s.run.Cursor.Wrote {
		return nil
	}
	c := s.run.Cursor
	c.Wrote = true
	if err := s.Store.MoveRun(s.ctx, s.run.ID, s.holder, c, s.run.Total); err != nil {
		return err
	}
	s.run.Cursor = c
	return nil
}

func (p *page) signSome(some []*subject) error {
	for n := 0; len(some) > 0; n++ {
		records := make([]sfclient.Record, len(some))
		for n, x := range some {
			records[n] = sfclient.Record{"Id": x.id, p.Mapping.Key: itemText(x.item)}
		}
		results, err := again(p.slice, "writing key fields", func() ([]sfclient.Result, error) {
			return p.Salesforce.Update(p.ctx, p.migration.Record.Object, records, sfclient.WriteOptions{})
		})
		if err != nil {
			return err
		}
		var rest []*subject
		for i, x := range some {
			if x.signed = results[i].Success; x.signed {
				x.err = nil
				p.moved.Store(true)
				continue
			}
			x.err = &RowError{Object: p.migration.Record.Object, Code: "UNKNOWN_EXCEPTION"}
			if len(results[i].Errors) > 0 {
				refused := results[i].Errors[0]
				x.err = &RowError{Object: p.migration.Record.Object, Code: refused.Code}
				if class := refused.Class(); class != sfclient.Permanent && class != sfclient.Gone && class != sfclient.Duplicate {
					rest = append(rest, x)
				}
			}
		}
		if some = rest; len(some) > 0 && (n == tries || !p.pause(firstWait<<min(n, 4))) {
			return some[0].err
		}
	}
	return nil
}

// made says whether the item was made in this run, or in one that was stopped.
func (x *subject) made() bool { return x.key && x.read == nil }

// release gives back what the page holds.
func (p *page) release() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 5*time.Second)
	defer cancel()
	return errors.Join(p.Store.Release(ctx, p.holder, p.claims), p.Store.Free(ctx, p.holder, p.keys))
}

func joinRelease(err error, p *page) error { return errors.Join(err, p.release()) }

func itemText(id int64) string { return strconv.FormatInt(id, 10) }
