package migration

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/store"
)

func TestNewCreation(t *testing.T) {
	t.Parallel()
	c := newCreation(contact(1, map[string]column.Value{
		"name": textValue("Ada"), "text_note": noteValue("n"), "email": emailValue("a@x.org"), "status": statusValue(""),
	}))
	same(t, "columns of the first call", []string{"email", "text_note"}, c.columns)
	want := mondayclient.Create{BoardID: contactsBoard, Group: "imported", Name: "Ada", Columns: map[string]any{
		"text_sfid": contactID(1), "email": map[string]any{"email": "a@x.org", "text": "a@x.org"}, "text_note": map[string]any{"text": "n"},
	}}
	same(t, "call", want, c.call(migrationOf(t, contactsBoard)))
	c.reject("email", "text_sfid", rejectedValue("email"))
	delete(want.Columns, "email")
	same(t, "call without the rejected column", want, c.call(migrationOf(t, contactsBoard)))
}

func TestCut(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", documentBytes/3)
	tests := map[string]struct {
		notes []string // of the records
		most  int
		want  []int // records of each document
	}{
		"none":                  {most: 50},
		"one":                   {notes: []string{"a"}, most: 50, want: []int{1}},
		"as many as fit":        {notes: make([]string, 5), most: 2, want: []int{2, 2, 1}},
		"by their size":         {notes: []string{long, long, "a", long, long}, most: 50, want: []int{3, 2}},
		"one that is too large": {notes: []string{strings.Repeat("x", 2*documentBytes), "a"}, most: 50, want: []int{1, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := migrationOf(t, contactsBoard)
			var creations []*creation
			for n, note := range tt.notes {
				creations = append(creations, newCreation(contact(n, map[string]column.Value{"text_note": noteValue(note)})))
			}
			documents, err := cut(m, creations, tt.most, "scope")
			if err != nil {
				t.Fatal(err)
			}
			var sizes []int
			keys, at := map[string]bool{}, 0
			for _, d := range documents {
				sizes = append(sizes, len(d.ids))
				keys[d.key] = true
				for n := range d.ids {
					same(t, "record and call", creations[at].call(m), d.creates[n])
					at++
				}
			}
			same(t, "sizes", tt.want, sizes)
			if len(keys) != len(documents) {
				t.Errorf("%d keys of %d documents", len(keys), len(documents))
			}
		})
	}
}

// TestCutKeys: the same items have the same key within a scope, and different keys in different scopes.
func TestCutKeys(t *testing.T) {
	t.Parallel()
	key := func(scope string) string {
		documents, err := cut(migrationOf(t, contactsBoard), []*creation{newCreation(contact(1, nil))}, 50, scope)
		if err != nil {
			t.Fatal(err)
		}
		return documents[0].key
	}
	first, again, other := key("a"), key("a"), key("b")
	if first != again || first == other {
		t.Errorf("keys %s, %s and %s", first, again, other)
	}
}

func TestMostCreates(t *testing.T) {
	t.Parallel()
	for limit, want := range map[int]int{0: 50, 10_000_000: 50, 1_000_000: 20, 30_000: 1} {
		if got := mostCreates(mondayclient.Budget{ComplexityLimit: limit}); got != want {
			t.Errorf("with %d a minute: %d items to a document, want %d", limit, got, want)
		}
	}
}

func TestTakeAnswers(t *testing.T) {
	t.Parallel()
	type fate struct {
		match    match
		outcome  outcome
		columns  []string
		rejected []string
		failed   bool
	}
	both := []string{"email", "text_note"}
	tests := map[string]struct {
		answer  answer
		wait    time.Duration
		learned bool
		want    fate
	}{
		"created": {
			answer: answer{ID: 70, Columns: both}, learned: true,
			want: fate{match: created{item: 70, columns: both}, outcome: isCreated, columns: both},
		},
		"has to wait":     {answer: answer{err: busy()}, wait: 3 * time.Second, want: fate{match: unmatched{}, columns: both}},
		"a column":        {answer: answer{err: rejectedValue("email")}, learned: true, want: fate{match: unmatched{}, columns: []string{"text_note"}, rejected: []string{"email"}}},
		"some column":     {answer: answer{err: rejectedValue("")}, learned: true, want: fate{match: unmatched{}}},
		"the Id's column": {answer: answer{err: rejectedValue("text_sfid")}, learned: true, want: fate{match: unmatched{}, outcome: isFailed, columns: both, failed: true}},
		"the item":        {answer: answer{err: noGroup()}, learned: true, want: fate{match: unmatched{}, outcome: isFailed, columns: both, failed: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCreation(contact(1, map[string]column.Value{"email": emailValue("a@x.org"), "text_note": noteValue("n")}))
			other := newCreation(contact(2, nil))
			d := &document{ids: []string{other.record.id, c.record.id}, answer: []answer{{ID: 69}, tt.answer}}
			wait, learned := takeAnswers([]*creation{c, other}, []*document{d}, "text_sfid")
			if wait != tt.wait || !learned { // the other one was created
				t.Errorf("wait %s, learned %t, want %s, true", wait, learned, tt.wait)
			}
			got := fate{c.record.match, c.record.outcome, c.columns, rejectedColumns(c.record.leftOut), c.record.err != nil}
			same(t, "record", tt.want, got, cmp.AllowUnexported(fate{}, created{}), cmpopts.EquateEmpty())
			if other.item() != 69 || other.record.outcome != isCreated {
				t.Errorf("the other record has item %d, want 69", other.item())
			}
			d.ids, d.answer = d.ids[1:], d.answer[1:]
			c.record.match, c.columns = unmatched{}, both
			if _, learned := takeAnswers([]*creation{c}, []*document{d}, "text_sfid"); learned != tt.learned {
				t.Errorf("learned %t from the record alone, want %t", learned, tt.learned)
			}
		})
	}
}

func rejectedColumns(rejected []rejection) (columns []string) {
	for _, r := range rejected {
		columns = append(columns, r.column)
	}
	return columns
}

// TestCreationRejected: a column that Monday names is left out. If it names none, the item is created without columns,
// and the comparison has to write them.
func TestCreationRejected(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		named    []string // by the rejections, one after the other
		columns  []string
		rejected []string
		whole    bool // the item cannot be created
		lacks    bool
	}{
		"accepted at once":              {columns: []string{"email", "text_note"}},
		"names one":                     {named: []string{"email"}, columns: []string{"text_note"}, rejected: []string{"email"}},
		"names all":                     {named: []string{"email", "text_note"}, rejected: []string{"email", "text_note"}},
		"names none":                    {named: []string{""}, lacks: true},
		"names an unknown one":          {named: []string{"other"}, lacks: true},
		"names one, then none":          {named: []string{"email", ""}, rejected: []string{"email"}, lacks: true},
		"rejected even without columns": {named: []string{"", ""}, whole: true, lacks: true},
		"names the id column":           {named: []string{"text_sfid"}, columns: []string{"email", "text_note"}, whole: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCreation(contact(1, map[string]column.Value{"email": emailValue("a@x.org"), "text_note": noteValue("n")}))
			whole := false
			for _, named := range tt.named {
				whole = !c.reject(named, "text_sfid", rejectedValue(named))
			}
			if whole != tt.whole || c.lacks() != tt.lacks {
				t.Errorf("whole item rejected %t, lacks columns %t, want %t, %t", whole, c.lacks(), tt.whole, tt.lacks)
			}
			same(t, "columns", tt.columns, c.columns, cmpopts.EquateEmpty())
			same(t, "rejected", tt.rejected, rejectedColumns(c.record.leftOut), cmpopts.EquateEmpty())
		})
	}
}

// TestReadDocument: a stored document is read back unchanged, including numbers, and its answer says what was sent with
// each item.
func TestReadDocument(t *testing.T) {
	t.Parallel()
	creates := []mondayclient.Create{{BoardID: contactsBoard, Name: "Ada", Columns: map[string]any{
		"text_sfid": contactID(1), "amount": "1234567890123456789", "connect_account": map[string]any{"item_ids": []int64{9007199254740993}},
	}}}
	text, err := json.Marshal(creates)
	if err != nil {
		t.Fatal(err)
	}
	key, err := mondayclient.CreateKey("scope", creates)
	if err != nil {
		t.Fatal(err)
	}
	d, err := readDocument(store.Document{Key: key, Records: []string{contactID(1)}, Creates: text})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := mondayclient.CreateKey("scope", d.creates); err != nil || again != key {
		t.Errorf("the document that was read has the key %s, want %s (%v)", again, key, err)
	}
	d.take([]mondayclient.Created{{ID: 70}})
	answered, err := json.Marshal(d.answer)
	if err != nil {
		t.Fatal(err)
	}
	d, err = readDocument(store.Document{Key: key, Records: d.ids, Creates: json.RawMessage("[]"), Answer: answered})
	if err != nil {
		t.Fatal(err)
	}
	want := []answer{{ID: 70, Columns: []string{"amount", "connect_account", "text_sfid"}}}
	same(t, "answer", want, d.answer, cmp.AllowUnexported(answer{}))
	for name, broken := range map[string]store.Document{"calls": {Creates: json.RawMessage("{")}, "answer": {Creates: json.RawMessage("[]"), Answer: json.RawMessage("{")}} {
		if _, err := readDocument(broken); err == nil {
			t.Errorf("a document whose %s cannot be read is accepted", name)
		}
	}
}

// TestSettle: a document is dropped once all the items that it created are linked.
func TestSettle(t *testing.T) {
	t.Parallel()
	var b backlog
	add := func(key string, items ...int) {
		d := &document{key: key}
		for _, n := range items {
			d.ids, d.answer = append(d.ids, contactID(n)), append(d.answer, answer{ID: int64(100 + n)})
		}
		b.add(d)
	}
	same(t, "of none", []string(nil), b.settle([]*record{contact(1, nil)}))
	add("one", 1)
	add("two", 2, 3)
	add("empty")
	b.add(&document{key: "rejected", ids: []string{contactID(4)}, answer: []answer{{Code: "X"}}})
	same(t, "item", created{item: 103}, b.items[contactID(3)], cmp.AllowUnexported(created{}))
	same(t, "after the first page", []string{"empty", "one", "rejected"}, b.settle([]*record{contact(1, nil), contact(2, nil), contact(9, nil)}))
	same(t, "after the second", []string{"empty", "one", "rejected", "two"}, b.settle([]*record{contact(3, nil)}))
}

// TestAsCreated: both sides only agree on what was sent with an item.
func TestAsCreated(t *testing.T) {
	t.Parallel()
	values := map[string]column.Value{"email": emailValue("a@x.org"), "text_note": noteValue("n"), "name": textValue("Ada")}
	tests := map[string]struct {
		sent []string
		want map[string]column.Value
	}{
		"all of it":         {sent: []string{"email", "text_note"}, want: map[string]column.Value{"email": values["email"], "text_note": values["text_note"]}},
		"without a column":  {sent: []string{"text_note"}, want: map[string]column.Value{"text_note": values["text_note"]}},
		"without columns":   {sent: []string{}, want: map[string]column.Value{}},
		"an older document": {want: map[string]column.Value{"email": values["email"], "text_note": values["text_note"]}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := contact(1, values)
			r.match = created{item: 70, columns: tt.sent}
			item := resumedCreation(r, created{item: 70, columns: tt.sent}).asCreated()
			same(t, "columns", tt.want, item.Columns)
			if item.ID != 70 || item.Name != "Ada" {
				t.Errorf("item %d, %q, want 70, Ada", item.ID, item.Name)
			}
		})
	}
}

func ExampleBoardError() {
	fmt.Println(&BoardError{Board: "contacts", BoardID: 1002, What: `group "imported"`, For: "where new items go"})
	// Output: board contacts (1002) has no group "imported", where new items go: correct the board or the mapping
}
