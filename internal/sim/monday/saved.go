package monday

import (
	"encoding/json"
	"fmt"
	"time"
)

// Saved is the content of an account, to be stored as JSON: users, labels, items in all states, subscriptions, the
// numbers given out, and the answers to idempotency keys. What configures the simulator (faults, lags, access, limits)
// is not part of it, nor are cursors, and webhooks that are not delivered yet.
type Saved struct {
	NextItem int64                  `json:"next_item"`
	NextHook int64                  `json:"next_webhook"`
	Users    []savedUser            `json:"users"`
	Boards   []savedBoard           `json:"boards"`
	Hooks    []savedHook            `json:"webhooks"`
	Answers  map[string]savedAnswer `json:"idempotent_answers,omitempty"`
}

type savedUser struct {
	ID    int64  `json:"id"`
	Name  string `json:"name"`
	Email string `json:"email"`
}

type savedBoard struct {
	ID     int64                   `json:"id"`
	Labels map[string][]savedLabel `json:"labels"` // by column
	Items  []savedItem             `json:"items"`
}

type savedLabel struct {
	ID   int64  `json:"id"`
	Text string `json:"text"`
}

type savedItem struct {
	ID      int64                `json:"id"`
	Name    string               `json:"name"`
	Renamed time.Time            `json:"renamed"`
	Group   string               `json:"group"`
	State   string               `json:"state"`
	Creator int64                `json:"creator"`
	Created time.Time            `json:"created"`
	Changed time.Time            `json:"changed"`
	Columns map[string]savedSlot `json:"columns"` // those that were ever written
}

// savedSlot holds a value in the form of column_values; null if it was cleared.
type savedSlot struct {
	Value json.RawMessage `json:"value"`
	At    time.Time       `json:"at"`
}

type savedHook struct {
	ID     int64           `json:"id"`
	Board  int64           `json:"board"`
	Event  string          `json:"event"`
	Config json.RawMessage `json:"config,omitempty"`
	URL    string          `json:"url"`
	Owner  int64           `json:"owner"`
}

type savedAnswer struct {
	At   time.Time       `json:"at"`
	Body json.RawMessage `json:"body"`
}

// Revision returns a number that grows with every change of what Save returns.
func (s *Sim) Revision() int64 { return s.revision.Load() }

// Save returns the content of the account.
func (s *Sim) Save() Saved {
	out := Saved{Answers: s.replays.save()}
	s.mu.RLock()
	defer s.mu.RUnlock()
	out.NextItem, out.NextHook = s.nextItem, s.nextHook
	for _, u := range s.users {
		out.Users = append(out.Users, savedUser{u.id, u.name, u.email})
	}
	for _, id := range s.boardIDs {
		b := s.boards[id]
		out.Boards = append(out.Boards, b.save())
		for _, h := range b.hooks {
			out.Hooks = append(out.Hooks, h.save())
		}
	}
	return out
}

func (b *board) save() savedBoard {
	out := savedBoard{ID: b.ID, Labels: map[string][]savedLabel{}, Items: []savedItem{}}
	for _, c := range b.columns {
		for _, l := range c.labels {
			out.Labels[c.ID] = append(out.Labels[c.ID], savedLabel{l.id, l.text})
		}
	}
	for _, it := range b.items {
		saved := savedItem{
			ID: it.id, Name: it.name, Renamed: it.renamed, Group: it.group, State: it.state, Creator: it.creator,
			Created: it.created, Changed: it.changed, Columns: map[string]savedSlot{},
		}
		for _, c := range b.columns {
			if sl := it.slots[c.pos]; !sl.at.IsZero() {
				saved.Columns[c.ID] = savedSlot{encoded(written(sl.content)), sl.at}
			}
		}
		out.Items = append(out.Items, saved)
	}
	return out
}

// written returns a content in the form of column_values, which parse reads: that of the API's value field without what
// only Monday writes, except for the two types whose forms differ.
func written(c content) any {
	switch c := c.(type) {
	case nil:
		return nil
	case checked:
		return object{"checked": "true"}
	case relation:
		return object{"item_ids": []int64(c)}
	}
	stored := c.stored("")
	if fields, ok := stored.(object); ok {
		delete(fields, "changed_at")
		delete(fields, "icon")
		delete(fields, "post_id")
	}
	return stored
}

func encoded(value any) json.RawMessage {
	text, err := json.Marshal(value)
	if err != nil {
		panic("mondaysim: encoding what is saved: " + err.Error())
	}
	return text
}

func (h *webhook) save() savedHook {
	out := savedHook{ID: h.id, Board: h.board.ID, Event: h.event, URL: h.url, Owner: h.owner}
	if h.config != nil {
		out.Config = encoded(h.config)
	}
	return out
}

func (r *replays) save() map[string]savedAnswer {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string]savedAnswer{}
	for key, known := range r.byKey {
		if known.done {
			out[key] = savedAnswer{known.at, known.answer.body}
		}
	}
	return out
}

// badSaved returns the error of a place in Saved.
func badSaved(format string, args ...any) error { return fmt.Errorf("monday: "+format, args...) }
