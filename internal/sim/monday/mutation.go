package monday

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// mutationRoot is the type Mutation. The boards are unlocked while it is resolved: each mutation locks them.
type mutationRoot struct{}

func (mutationRoot) typeName() string { return "Mutation" }

func (mutationRoot) resolve(x *execution, f *pick) (any, error) {
	s := x.sim
	switch f.name {
	case "archive_item":
		return s.mutateItem(f.args, func(c *change, it *item) error { return c.remove(it, stateArchived) })
	case "change_column_value":
		return s.changeColumn(f.args)
	case "change_multiple_column_values":
		return s.changeColumns(f.args)
	case "change_simple_column_value":
		return s.changeSimple(f.args)
	case "complexity":
		return x.cost.node(), nil
	case "create_item":
		return s.createItem(f.args)
	case "create_webhook":
		return s.createWebhook(f.args)
	case "delete_item":
		return s.mutateItem(f.args, func(c *change, it *item) error { return c.remove(it, stateDeleted) })
	case "delete_webhook":
		return s.deleteWebhook(f.args)
	case "move_item_to_group":
		return s.mutateItem(f.args, func(c *change, it *item) error { return c.move(it, f.args.text("group_id")) })
	case "move_item_to_board":
		return s.moveItemToBoard(f.args)
	}
	return nil, fmt.Errorf("no mutation %s", f.name)
}

// mutateItem changes the item of the argument item_id, which must be on the board of board_id if that is given.
func (s *Sim) mutateItem(a args, f func(*change, *item) error) (any, error) {
	id, err := a.id("item_id")
	if err != nil {
		return nil, err
	}
	var found *item
	err = s.change(tokenUser, func(c *change) error {
		if a["board_id"] != nil {
			b, err := s.board(a)
			if err != nil {
				return err
			}
			if it := s.items[id]; it != nil && it.board != b {
				return &apiError{code: "InvalidBoardIdException", message: "The item is not on this board",
					data: object{"item_id": id, "board_id": b.ID}}
			}
		}
		found = s.items[id]
		if found == nil {
			return notFound(id)
		}
		if err := s.mayWrite(c.user, found.board, notFound(id)); err != nil {
			return err
		}
		return f(c, found)
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

func (s *Sim) changeColumns(a args) (any, error) {
	values, err := a.jsonObject("column_values")
	if err != nil {
		return nil, err
	}
	return s.mutateItem(a, func(c *change, it *item) error {
		return c.setAll(it, values, a.flag("create_labels_if_missing"))
	})
}

// changeColumn rejects connect-boards columns, which only change_multiple_column_values writes.
func (s *Sim) changeColumn(a args) (any, error) {
	value, err := a.jsonValue("value")
	if err != nil {
		return nil, err
	}
	return s.mutateItem(a, func(c *change, it *item) error {
		id := a.text("column_id")
		if col := it.board.byID[id]; col != nil && col.Type == "board_relation" {
			return (&write{column: col}).refuse("", "this column is changed by change_multiple_column_values")
		}
		return c.setAll(it, object{id: value}, a.flag("create_labels_if_missing"))
	})
}

// changeSimple writes a plain string, or null to clear.
func (s *Sim) changeSimple(a args) (any, error) {
	return s.mutateItem(a, func(c *change, it *item) error {
		return c.setAll(it, object{a.text("column_id"): a["value"]}, a.flag("create_labels_if_missing"))
	})
}

func (s *Sim) createItem(a args) (any, error) {
	values, err := a.jsonObject("column_values")
	if err != nil {
		return nil, err
	}
	var made *item
	err = s.change(tokenUser, func(c *change) error {
		b, err := s.board(a)
		if err != nil {
			return err
		}
		if err := s.mayWrite(c.user, b, noBoard(b.ID)); err != nil {
			return err
		}
		made, err = c.create(b, a.text("group_id"), a.text("item_name"), values, a.flag("create_labels_if_missing"))
		return err
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// createWebhook subscribes a URL that answers the challenge.
func (s *Sim) createWebhook(a args) (any, error) {
	target := a.text("url")
	if u, err := url.Parse(target); err != nil || u.Host == "" || len(target) > 255 {
		return nil, invalidArgument("url must be an absolute URL of at most 255 characters")
	}
	config, err := a.jsonObject("config")
	if err != nil {
		return nil, err
	}
	s.mu.RLock()
	b, err := s.board(a)
	s.mu.RUnlock()
	if err != nil {
		return nil, err
	}
	if err := s.challenge(target); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.subscribe(&webhook{board: b, event: a.text("event"), config: config, url: target, owner: tokenUser}), nil
}

// challenge sends a challenge to a URL, which must return it.
func (s *Sim) challenge(target string) error {
	ctx, cancel := context.WithTimeout(s.post.ctx, 10*time.Second)
	defer cancel()
	said := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
	body, err := json.Marshal(object{"challenge": said})
	if err != nil {
		return err
	}
	status, answer, err := s.post.request(ctx, target, "", body)
	var heard struct{ Challenge string }
	switch {
	case err != nil:
		return invalidArgument("the URL could not be reached for the challenge")
	case status != http.StatusOK:
		return invalidArgument(fmt.Sprintf("the URL answered the challenge with status %d", status))
	case json.Unmarshal(answer, &heard) != nil || heard.Challenge != said:
		return invalidArgument("the URL did not answer with the challenge")
	}
	return nil
}

func (s *Sim) deleteWebhook(a args) (any, error) {
	id, err := a.id("id")
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.hooks[id]
	if h == nil {
		return nil, &apiError{code: "ResourceNotFoundException", message: "Webhook not found",
			data: object{"resource_type": "webhook", "resource_id": id}}
	}
	delete(s.hooks, id)
	s.revision.Add(1)
	h.board.unsubscribe(h)
	return h, nil
}
