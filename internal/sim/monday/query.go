package monday

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// queryRoot is the type Query. The boards are locked for reading while it is resolved.
type queryRoot struct{}

func (queryRoot) typeName() string { return "Query" }

func (queryRoot) resolve(x *execution, f *pick) (any, error) {
	s := x.sim
	switch f.name {
	case "account":
		return accountNode(), nil
	case "boards":
		return s.queryBoards(f.args)
	case "complexity":
		return x.cost.node(), nil
	case "items":
		return s.queryItems(f.args)
	case "items_page_by_column_values":
		return s.queryByColumns(f.args)
	case "me":
		return userNode{s.users[0]}, nil
	case "platform_api":
		return s.platform(), nil
	case "next_items_page":
		return s.queryNextPage(f.args)
	case "users":
		return s.queryUsers(f.args)
	case "version":
		return versionNode(x.version, "current"), nil
	case "versions":
		return []node{versionNode("2026-04", "maintenance"), versionNode(currentVersion, "current"),
			versionNode("2026-10", "release_candidate")}, nil
	case "webhooks":
		return s.queryWebhooks(f.args)
	}
	return nil, invalidArgument("introspection is not served")
}

// platform answers platform_api: the day's calls.
func (s *Sim) platform() node {
	now := s.cfg.Now()
	day := record{"PlatformApiDailyAnalyticsByDay",
		object{"day": now.UTC().Format(time.DateOnly), "usage": s.limits.today(now)}}
	fields := object{"daily_analytics": record{"DailyAnalytics", object{"by_day": []node{day}}}}
	if s.cfg.DailyLimit > 0 {
		fields["daily_limit"] = record{"DailyLimit", object{"base": s.cfg.DailyLimit, "total": s.cfg.DailyLimit}}
	}
	return record{"PlatformApi", fields}
}

func (s *Sim) queryBoards(a args) (any, error) {
	ids, some, err := a.ids("ids")
	if err != nil {
		return nil, err
	}
	found := []node{}
	for _, id := range s.boardIDs {
		state := cmp.Or(a.text("state"), stateActive)
		active := state == stateActive || state == "all"
		if s.access[id] == Hidden || s.access[id] == Denied {
			continue // a list contains only the visible boards
		}
		if active && (!some || slices.Contains(ids, id)) {
			found = append(found, boardNode{s.boards[id]})
		}
	}
	return page(found, a), nil
}

// queryItems returns items in the order of their ids, whatever the order of the argument. Without ids it returns the
// items of all boards.
func (s *Sim) queryItems(a args) (any, error) {
	ids, some, err := a.ids("ids")
	if err != nil {
		return nil, err
	}
	if len(ids) > 100 || a.number("limit") > 100 {
		return nil, invalidArgument("items: no more than 100 items can be queried at once")
	}
	if !some {
		ids = slices.Collect(maps.Keys(s.items))
	}
	slices.Sort(ids)
	if a.flag("newest_first") {
		slices.Reverse(ids)
	}
	found := []node{}
	for _, id := range slices.Compact(ids) {
		it := s.items[id]
		if it == nil || s.access[it.board.ID] == Hidden {
			continue
		}
		if some && s.access[it.board.ID] == Denied {
			return nil, denied()
		}
		if s.access[it.board.ID] != Denied && (it.state == stateActive || some && !a.flag("exclude_nonactive")) {
			found = append(found, it)
		}
	}
	return page(found, a), nil
}

func (s *Sim) queryUsers(a args) (any, error) {
	ids, some, err := a.ids("ids")
	if err != nil {
		return nil, err
	}
	emails := a.texts("emails")
	found := []node{}
	for _, u := range s.users {
		if a.flag("non_active") || a.text("kind") == "guests" ||
			some && !slices.Contains(ids, u.id) ||
			len(emails) > 0 && !slices.ContainsFunc(emails, func(e string) bool { return strings.EqualFold(e, u.email) }) ||
			!strings.Contains(strings.ToLower(u.name), strings.ToLower(a.text("name"))) {
			continue
		}
		found = append(found, userNode{u})
	}
	if a.flag("newest_first") {
		slices.Reverse(found)
	}
	return page(found, a), nil
}

func (s *Sim) queryWebhooks(a args) (any, error) {
	b, err := s.board(a)
	if err != nil {
		return nil, err
	}
	found := []node{}
	for _, h := range b.hooks {
		if !a.flag("app_webhooks_only") || h.owner == tokenUser {
			found = append(found, h)
		}
	}
	return found, nil
}

// board returns the board of the argument board_id.
func (s *Sim) board(a args) (*board, error) {
	id, err := a.id("board_id")
	if err != nil {
		return nil, err
	}
	b := s.boards[id]
	if b == nil {
		return nil, noBoard(id)
	}
	return b, s.mayRead(b, noBoard(id))
}

func noBoard(id int64) error {
	return &apiError{code: "InvalidBoardIdException",
		message: "This board does not exist, or you do not have access to it", data: object{"board_id": id}}
}

// page applies limit and page.
func page(all []node, a args) []node {
	limit := max(a.number("limit"), 0)
	start := min((max(a.number("page"), 1)-1)*limit, len(all))
	return all[start:min(start+limit, len(all))]
}
