package monday

import (
	"slices"
	"sync"
)

// Board is the structure of a board.
type Board struct {
	ID      int64
	Name    string
	Columns []Column // without the name column, which every board has
	Groups  []Group  // empty: one group "topics"
}

// Column is a column of a board.
type Column struct {
	ID    string
	Title string

	// Type is Monday's ColumnType. A type that Example does not contain is served as an UnsupportedValue, which cannot
	// be written.
	Type string

	// Labels are the labels of a status or a dropdown column, in order.
	Labels []string

	// LinkedBoard is the board that a board_relation column connects to.
	LinkedBoard int64

	// Through and Shows define a mirror: the board_relation column of this board, and the column of the linked items
	// that it shows.
	Through, Shows string
}

// Group is a group of a board's items.
type Group struct {
	ID, Title, Color string
}

// Example returns the boards of the example mapping: 1001 accounts, 1002 contacts, 1003 leads.
func Example() []Board {
	groups := []Group{{"topics", "Active", "#579bfc"}, {"imported", "Imported", "#a25ddc"}}
	text := func(id, title string) Column { return Column{ID: id, Title: title, Type: "text"} }
	typed := func(kind, id, title string) Column { return Column{ID: id, Title: title, Type: kind} }
	return []Board{
		{ID: 1001, Name: "Accounts", Groups: groups, Columns: []Column{
			typed("phone", "phone", "Phone"),
			typed("link", "website", "Website"),
			typed("country", "country", "Country"),
			typed("long_text", "text_note", "Note"),
			text("text_sfid", "Salesforce Id"),
		}},
		{ID: 1002, Name: "Contacts", Groups: groups, Columns: []Column{
			typed("email", "email", "Email"),
			typed("phone", "phone", "Phone"),
			{ID: "connect_account", Title: "Account", Type: "board_relation", LinkedBoard: 1001},
			{ID: "mirror_phone", Title: "Account phone", Type: "mirror", Through: "connect_account", Shows: "phone"},
			text("text_sfid", "Salesforce Id"),
		}},
		{ID: 1003, Name: "Leads", Groups: groups, Columns: []Column{
			{ID: "status", Title: "Status", Type: "status", Labels: []string{"New", "Qualified", "Follow-up", "Quote", "MOU", "Lost"}},
			text("company", "Company"),
			typed("email", "email", "Email"),
			typed("phone", "phone", "Phone"),
			typed("numbers", "amount", "Amount"),
			typed("date", "close_date", "Close date"),
			typed("people", "owner", "Owner"),
			typed("country", "country", "Country"),
			typed("checkbox", "newsletter", "Newsletter"),
			{ID: "interests", Title: "Interests", Type: "dropdown", Labels: []string{"Training", "Mentoring", "Events", "Other"}},
			{ID: "source", Title: "Source", Type: "dropdown", Labels: []string{"Website", "Referral", "Event"}},
			typed("long_text", "text_note", "Note"),
			text("text_sfid", "Salesforce Id"),
			text("text_oppid", "Opportunity Id"),
		}},
	}
}

// board is a board with its items.
type board struct {
	Board
	columns []*column
	byID    map[string]*column
	items   []*item // in the order of ids, in all states
	gone    []*item // moved to other boards, while pages or the index may still show them here
	hooks   []*webhook

	indexMu sync.Mutex
	index   map[string]map[string]map[*item]struct{} // column, text, items; for columns that have been searched
}

// column is a column and its position in an item's values.
type column struct {
	Column
	kind   kind
	pos    int
	labels []label
}

// label is an option of a status (by index) or a dropdown (by id).
type label struct {
	id   int64
	text string
}

// emptyStatus is the index of the grey label of an empty status.
const emptyStatus = 5

func newBoard(def Board) *board {
	b := &board{Board: def, byID: map[string]*column{}, index: map[string]map[string]map[*item]struct{}{}}
	if len(b.Groups) == 0 {
		b.Groups = []Group{{"topics", "Group", "#579bfc"}}
	}
	for i, def := range def.Columns {
		c := &column{Column: def, kind: kindOf(def.Type), pos: i}
		for _, text := range def.Labels {
			c.add(text)
		}
		b.columns = append(b.columns, c)
		b.byID[def.ID] = c
	}
	return b
}

// add adds a label: to a status at the lowest free index other than the empty label's, to a dropdown with the next id.
func (c *column) add(text string) label {
	l := label{id: int64(len(c.labels)), text: text}
	if c.Type == "dropdown" || l.id >= emptyStatus {
		l.id++
	}
	c.labels = append(slices.Clip(c.labels), l)
	return l
}

// group returns the named group, or the top one for an empty name.
func (b *board) group(id string) (Group, bool) {
	if id == "" {
		return b.Groups[0], true
	}
	for _, g := range b.Groups {
		if g.ID == id {
			return g, true
		}
	}
	return Group{}, false
}

// found returns the items whose column has the given text now. The name counts as a column.
func (b *board) found(columnID, text string) map[*item]struct{} {
	b.indexMu.Lock()
	defer b.indexMu.Unlock()
	byText, ok := b.index[columnID]
	if !ok {
		byText = map[string]map[*item]struct{}{}
		b.index[columnID] = byText
		for _, it := range b.items {
			put(byText, it.textOf(columnID), it)
		}
	}
	return byText[text]
}

// reindex updates the index while f changes a column of an item.
func (b *board) reindex(it *item, columnID string, f func()) {
	byText, ok := b.index[columnID]
	if !ok {
		f()
		return
	}
	drop(byText, it.textOf(columnID), it)
	f()
	put(byText, it.textOf(columnID), it)
}

func drop(byText map[string]map[*item]struct{}, text string, it *item) {
	delete(byText[text], it)
	if len(byText[text]) == 0 {
		delete(byText, text)
	}
}

func put(byText map[string]map[*item]struct{}, text string, it *item) {
	if byText[text] == nil {
		byText[text] = map[*item]struct{}{}
	}
	byText[text][it] = struct{}{}
}
