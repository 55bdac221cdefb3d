package monday

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// cursor says where the next page begins, and what query it belongs to. It is valid for Config.CursorLife.
type cursor struct {
	Board   int64     `json:"b"`
	After   int64     `json:"a"` // last item of the previous page
	Updated time.Time `json:"u"` // when that item was changed, if the newest come first
	Made    time.Time `json:"t"` // time of the first page
	Query   object    `json:"q,omitempty"`
	Columns []any     `json:"c,omitempty"`
}

// queryPage answers items_page of a board.
func (s *Sim) queryPage(b *board, a args) (any, error) {
	if a["cursor"] != nil {
		return s.queryNextPage(a)
	}
	query, _ := a["query_params"].(object)
	return s.page(cursor{Board: b.ID, Made: s.cfg.Now(), Query: query}, a.number("limit"))
}

func (s *Sim) queryNextPage(a args) (any, error) {
	text, err := base64.RawURLEncoding.DecodeString(a.text("cursor"))
	var at cursor
	if err != nil || json.Unmarshal(text, &at) != nil || s.boards[at.Board] == nil {
		return nil, &apiError{code: "CursorException", message: "The cursor provided for pagination is invalid"}
	}
	if s.cfg.Now().Sub(at.Made) > s.cfg.CursorLife || !at.Made.After(s.expired) {
		return nil, &apiError{code: "CursorException",
			message: "The cursor provided for pagination has expired. Please refresh your query and obtain a new cursor"}
	}
	if err := s.mayRead(s.boards[at.Board], noBoard(at.Board)); err != nil {
		return nil, err
	}
	return s.page(at, a.number("limit"))
}

// ExpireCursors makes all cursors invalid that were given out so far.
func (s *Sim) ExpireCursors() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expired = s.cfg.Now()
}

// queryByColumns answers items_page_by_column_values: values of one column are joined by OR, columns by AND.
func (s *Sim) queryByColumns(a args) (any, error) {
	if a["cursor"] != nil {
		return s.queryNextPage(a)
	}
	b, err := s.board(a)
	if err != nil {
		return nil, err
	}
	columns := a.list("columns")
	if len(columns) == 0 {
		return nil, invalidArgument("columns or a cursor must be given")
	}
	for _, raw := range columns {
		id := args(raw.(object)).text("column_id")
		c := b.byID[id]
		switch {
		case id == "name":
		case c == nil:
			return nil, &apiError{code: "InvalidColumnIdException", message: "This column ID doesn't exist for the board",
				data: object{"column_id": id}}
		case c.Type == "board_relation" || c.kind.plain == nil:
			return nil, invalidArgument("items cannot be searched by a column of type " + c.Type)
		}
	}
	return s.page(cursor{Board: b.ID, Made: s.cfg.Now(), Columns: columns}, a.number("limit"))
}

// page returns the items after a cursor, lowest id first unless the query asks for the newest, and the cursor of the
// next page if there is one.
func (s *Sim) page(at cursor, limit int) (any, error) {
	if limit < 1 || limit > 500 {
		return nil, invalidArgument("limit must be between 1 and 500")
	}
	if s.cfg.PageSize > 0 {
		limit = min(limit, s.cfg.PageSize)
	}
	b := s.boards[at.Board]
	var candidates []*item
	if at.Columns != nil {
		candidates = s.search(b, at.Columns)
	} else {
		candidates = s.paged(b)
	}
	isNewest, err := newestFirst(at.Query)
	if err != nil {
		return nil, err
	}
	order := func(it *item, _ int64) int { return cmp.Compare(it.id, at.After) }
	if isNewest {
		candidates = slices.SortedFunc(slices.Values(candidates),
			func(a, b *item) int { return cmp.Or(b.changed.Compare(a.changed), cmp.Compare(b.id, a.id)) })
		order = func(it *item, _ int64) int {
			return cmp.Or(at.Updated.Compare(it.changed), cmp.Compare(at.After, it.id))
		}
	}
	start := 0
	if at.After != 0 {
		found := false
		if start, found = slices.BinarySearchFunc(candidates, at.After, order); found {
			start++
		}
	}
	items := []node{}
	for _, it := range candidates[start:] {
		if it.state != stateActive || !it.matches(at.Query) {
			continue
		}
		if len(items) == limit {
			at.After, at.Updated = items[limit-1].(*item).id, items[limit-1].(*item).changed
			text, err := json.Marshal(at)
			return record{"ItemsResponse", object{"items": items, "cursor": base64.RawURLEncoding.EncodeToString(text)}}, err
		}
		items = append(items, it)
	}
	return record{"ItemsResponse", object{"items": items}}, nil
}

// newestFirst reports whether a query asks for the items that were changed last. No other order is supported.
func newestFirst(query object) (bool, error) {
	orders := args(query).list("order_by")
	if len(orders) == 0 {
		return false, nil
	}
	order := args(orders[0].(object))
	if len(orders) > 1 || order.text("column_id") != "__last_updated__" || order.text("direction") != "desc" {
		return false, invalidArgument("the simulator orders by __last_updated__ desc only")
	}
	return true, nil
}

// search finds the items that have one of the wanted texts in each column, according to the index.
func (s *Sim) search(b *board, columns []any) []*item {
	var found []*item
	for i, raw := range columns {
		want := args(raw.(object))
		column := want.text("column_id")
		hits := map[*item]struct{}{}
		for _, text := range want.texts("column_values") {
			for it := range b.found(column, text) {
				if s.indexed(it, column) {
					hits[it] = struct{}{}
				}
			}
			for _, it := range s.changed(b) {
				if s.had(it, b, column, text) {
					hits[it] = struct{}{}
				}
			}
		}
		if i == 0 {
			for it := range hits {
				found = append(found, it)
			}
			continue
		}
		found = slices.DeleteFunc(found, func(it *item) bool { _, ok := hits[it]; return !ok })
	}
	slices.SortFunc(found, func(a, b *item) int { return cmp.Compare(a.id, b.id) })
	return found
}

// indexed reports whether the index has caught up with the last write of a column.
func (s *Sim) indexed(it *item, columnID string) bool {
	at := it.renamed
	if c := it.board.byID[columnID]; c != nil {
		at = it.slots[c.pos].at
	}
	if s.cfg.IndexLag == 0 {
		return true
	}
	since := s.cfg.Now().Add(-s.cfg.IndexLag)
	was := it.before(since)
	return !at.After(since) && was != nil && was.board == it.board
}

// matches reports whether an item matches an ItemsQuery.
func (it *item) matches(query object) bool {
	if query == nil {
		return true
	}
	if ids, some, err := args(query).ids("ids"); some && (err != nil || !slices.Contains(ids, it.id)) {
		return false
	}
	rules := args(query).list("rules")
	if len(rules) == 0 {
		return true
	}
	hold := func(raw any) bool { return it.obeys(args(raw.(object))) }
	if args(query).text("operator") == "or" {
		return slices.ContainsFunc(rules, hold)
	}
	return !slices.ContainsFunc(rules, func(raw any) bool { return !hold(raw) })
}

func (it *item) obeys(rule args) bool {
	column := fmt.Sprint(rule["column_id"])
	text := it.textOf(column)
	hit := slices.ContainsFunc(rule.list("compare_value"), func(want any) bool { return it.is(column, fmt.Sprint(want)) })
	switch cmp.Or(rule.text("operator"), "any_of") {
	case "not_any_of":
		return !hit
	case "is_empty":
		return text == ""
	case "is_not_empty":
		return text != ""
	case "contains_text":
		return slices.ContainsFunc(rule.list("compare_value"), func(want any) bool {
			return strings.Contains(strings.ToLower(text), strings.ToLower(fmt.Sprint(want)))
		})
	}
	return hit
}

// is compares an item with a rule's value: a status by its index, a dropdown by ids, the group by its id, everything
// else by text.
func (it *item) is(columnID, want string) bool {
	if columnID == "group" {
		return it.group == want
	}
	if c := it.board.byID[columnID]; c != nil {
		switch content := it.slots[c.pos].content.(type) {
		case status:
			return idText(content.id) == want
		case choices:
			return slices.ContainsFunc(content, func(l label) bool { return idText(l.id) == want })
		}
	}
	return it.textOf(columnID) == want
}
