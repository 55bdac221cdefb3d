package migration

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"crmsync/internal/retry"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

const (
	// documentBytes limits the size of the column values of a document.
	documentBytes = 256 << 10

	// createCost is the assumed complexity of creating an item.
	createCost = 10_000

	// writeSize is the maximum number of mutations in a document.
	writeSize = 50
)

// creation is a record for which an item is created.
type creation struct {
	record  *record
	columns []string     // columns in the call that creates the item; nil: all, stored by an older version
	claimed *ledger.Item // leased, once it exists
	link    *ledger.Link
}

// newCreation prepares the creation of a record's item, with all values in the call that creates it.
func newCreation(r *record) *creation { return &creation{record: r, columns: r.filled()} }

// resumedCreation returns the creation of an item that an earlier session created.
func resumedCreation(r *record, c created) *creation {
	r.outcome = isCreated
	return &creation{record: r, columns: c.columns}
}

// reject records that Monday rejected the item, because of the column that it names or, if it names none, because of
// any of them. Then the item is created without columns, and the comparison writes those one by one. It returns false
// if the item cannot be created in another way.
func (c *creation) reject(named, idColumn string, err error) bool {
	switch {
	case named == idColumn, len(c.columns) == 0:
		return false
	case slices.Contains(c.columns, named):
		c.record.leftOut = append(c.record.leftOut, rejection{named, err})
		c.columns = slices.DeleteFunc(slices.Clone(c.columns), func(id string) bool { return id == named })
	default:
		c.columns = []string{}
	}
	return true
}

// lacks reports whether the item was created without a column that the record has a value for, and that Monday did not
// reject.
func (c *creation) lacks() bool {
	return c.columns != nil && slices.ContainsFunc(c.record.filled(), func(id string) bool {
		return !slices.Contains(c.columns, id) &&
			!slices.ContainsFunc(c.record.leftOut, func(r rejection) bool { return r.column == id })
	})
}

// asCreated returns the item as it was created.
func (c *creation) asCreated() mapping.Item {
	item := mapping.Item{ID: c.item(), Name: c.record.name(), Columns: map[string]column.Value{}}
	for id, v := range c.record.values {
		if id != ledger.NameColumn && (v.Written() == nil || c.columns == nil || slices.Contains(c.columns, id)) {
			item.Columns[id] = v
		}
	}
	return item
}

// item returns the id of the item, or 0 if it does not exist yet.
func (c *creation) item() int64 { return c.record.match.itemID() }

// isOpen reports whether the item is still to be created.
func (c *creation) isOpen() bool { return c.record.isUnmatched() }

// call returns the part of a document that creates the item.
func (c *creation) call(m *mapping.Migration) mondayclient.Create {
	one := mondayclient.Create{
		BoardID: m.Board.ID, Group: m.Group, Name: c.record.name(),
		Columns: map[string]any{m.Record.IDColumn: c.record.id},
	}
	for _, id := range c.columns {
		one.Columns[id] = c.record.values[id].Written()
	}
	return one
}

// document is a call that creates items. Its exact text is stored before it is sent, so that it can be sent again under
// the same key whatever stops the process: if Monday has seen it, it answers from memory.
type document struct {
	key     string
	ids     []string // Salesforce Ids
	creates []mondayclient.Create
	sentAt  time.Time
	answer  []answer        // by position; nil: unknown
	open    map[string]bool // Ids of created items that are not linked yet
}

// answer is the result for one of the items.
type answer struct {
	ID      int64    `json:"id,omitempty"`
	Code    string   `json:"code,omitempty"`
	Columns []string `json:"columns,omitempty"` // those sent with it
	err     error
}

// cut distributes items to documents, as many in each as its size and most allow. The scope distinguishes documents of
// equal content.
func cut(m *mapping.Migration, creations []*creation, most int, scope string) ([]*document, error) {
	var documents []*document
	size := 0
	for _, c := range creations {
		one := c.call(m)
		text, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("encoding the values of %s: %w", c.record.id, err)
		}
		if len(documents) == 0 || size+len(text) > documentBytes || len(documents[len(documents)-1].ids) == most {
			documents, size = append(documents, &document{sentAt: time.Now()}), 0
		}
		d := documents[len(documents)-1]
		d.ids, d.creates = append(d.ids, c.record.id), append(d.creates, one)
		size += len(text)
	}
	for _, d := range documents {
		var err error
		if d.key, err = mondayclient.CreateKey(scope, d.creates); err != nil {
			return nil, err
		}
	}
	return documents, nil
}

// keptComplexity is the share (one in) of a minute's complexity that creating documents leave, whatever the reserve.
const keptComplexity = 5

// mostCreates returns how many items one document creates: the concurrent documents share the limit.
func mostCreates(b mondayclient.Budget) int {
	if !b.KnowsComplexity() {
		return writeSize
	}
	allowed := b.ComplexityLimit - b.ComplexityLimit/keptComplexity
	return min(max(allowed/concurrency/createCost, 1), writeSize)
}

// take records Monday's answers.
func (d *document) take(answers []mondayclient.Created) {
	d.answer = make([]answer, len(answers))
	for n, a := range answers {
		d.answer[n] = answer{ID: a.ID, err: a.Err, Columns: d.columns(n)}
		if a.Err != nil {
			d.answer[n].Code = codeOf(a.Err)
		}
	}
}

// columns returns the columns that are sent with an item.
func (d *document) columns(n int) []string {
	if n >= len(d.creates) {
		return nil // erased
	}
	return slices.Sorted(maps.Keys(d.creates[n].Columns))
}

// readDocument decodes a document that an earlier session left unfinished.
func readDocument(stored store.Document) (*document, error) {
	d := &document{key: stored.Key, ids: stored.Records, sentAt: stored.SentAt}
	decoder := json.NewDecoder(strings.NewReader(string(stored.Creates)))
	decoder.UseNumber() // keeps the exact text
	if err := decoder.Decode(&d.creates); err != nil {
		return nil, fmt.Errorf("reading a document: %w", err)
	}
	if stored.Answer == nil {
		return d, nil
	}
	if err := json.Unmarshal(stored.Answer, &d.answer); err != nil {
		return nil, fmt.Errorf("reading an answer: %w", err)
	}
	return d, nil
}

// takeAnswers assigns the created items to the records. A record that Monday rejects fails alone. If Monday rejects a
// column, the record goes into another document without that column. A record that has to wait also goes into another
// document, because Monday would repeat the answer it remembers. takeAnswers returns how long Monday asks to wait, and
// whether anything was learned.
func takeAnswers(creations []*creation, documents []*document, idColumn string) (wait time.Duration, learned bool) {
	byID := map[string]*creation{}
	for _, c := range creations {
		byID[c.record.id] = c
	}
	for _, d := range documents {
		for n, a := range d.answer {
			c := byID[d.ids[n]]
			switch after := retry.After(a.err); {
			case a.ID > 0:
				c.record.match, c.record.outcome, learned = created{item: a.ID, columns: a.Columns}, isCreated, true
			case after > 0:
				wait = max(wait, after)
			default:
				learned = true
				if named, rejects := columnOf(a.err); !rejects || !c.reject(named, idColumn, a.err) {
					c.record.fail(a.err)
				}
			}
		}
	}
	return wait, learned
}

// backlog holds the documents that earlier sessions left unfinished, and the items that they created.
type backlog struct {
	documents map[string]*document // by key
	items     map[string]created   // by Salesforce Id
	in        map[string]*document // by Salesforce Id
}

// add adds a document whose answer is known.
func (b *backlog) add(d *document) {
	if b.documents == nil {
		b.documents, b.items, b.in = map[string]*document{}, map[string]created{}, map[string]*document{}
	}
	d.open = map[string]bool{}
	b.documents[d.key] = d
	for n, a := range d.answer {
		if a.ID > 0 {
			d.open[d.ids[n]] = true
			b.items[d.ids[n]], b.in[d.ids[n]] = created{item: a.ID, columns: a.Columns}, d
		}
	}
}

// settle returns the keys of the documents all of whose items are linked once these records are committed.
func (b *backlog) settle(records []*record) (keys []string) {
	for _, r := range records {
		if d := b.in[r.id]; d != nil {
			delete(d.open, r.id)
		}
	}
	for key, d := range b.documents {
		if len(d.open) == 0 {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}
