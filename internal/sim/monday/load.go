package monday

import (
	"cmp"
	"net/http"
	"slices"
)

// Load fills a new simulator, which serves nothing yet, with saved content. After an error, which names the place, the
// simulator must not be used.
func (s *Sim) Load(saved Saved) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(saved.Users) == 0 || len(saved.Boards) == 0 {
		return badSaved("there are no users or no boards")
	}
	s.users = nil
	for _, u := range saved.Users {
		s.users = append(s.users, user{u.ID, u.Name, u.Email})
	}
	s.nextItem, s.nextHook = saved.NextItem, saved.NextHook
	for _, b := range saved.Boards {
		if err := s.loadBoard(b); err != nil {
			return err
		}
	}
	for _, h := range saved.Hooks {
		if err := s.loadHook(h); err != nil {
			return err
		}
	}
	s.replays.load(saved.Answers)
	return nil
}

func (s *Sim) loadBoard(saved savedBoard) error {
	b := s.boards[saved.ID]
	if b == nil {
		return badSaved("there is no board %d", saved.ID)
	}
	for id, labels := range saved.Labels {
		c := b.byID[id]
		if c == nil || c.Type != "status" && c.Type != "dropdown" {
			return badSaved("board %d: there is no column %q that has labels", b.ID, id)
		}
		c.labels = nil
		for _, l := range labels {
			c.labels = append(c.labels, label{l.ID, l.Text})
		}
	}
	for _, saved := range saved.Items {
		if err := s.loadItem(b, saved); err != nil {
			return err
		}
	}
	slices.SortFunc(b.items, func(x, y *item) int { return cmp.Compare(x.id, y.id) })
	return nil
}

func (s *Sim) loadItem(b *board, saved savedItem) error {
	it := &item{
		id: saved.ID, board: b, name: saved.Name, renamed: saved.Renamed, group: saved.Group, state: saved.State,
		creator: saved.Creator, slots: make([]slot, len(b.columns)), created: saved.Created, changed: saved.Changed,
	}
	_, isGroup := b.group(saved.Group)
	switch {
	case s.items[it.id] != nil || it.id >= s.nextItem:
		return badSaved("item %d: another item has, or will get, the same id", it.id)
	case !isGroup || saved.Group == "":
		return badSaved("item %d: board %d has no group %q", it.id, b.ID, saved.Group)
	case !slices.Contains([]string{stateActive, stateArchived, stateDeleted}, saved.State):
		return badSaved("item %d: an item cannot be %q", it.id, saved.State)
	case it.created.IsZero() || it.changed.Before(it.created):
		return badSaved("item %d: it was created after its last change, or never", it.id)
	}
	for id, sl := range saved.Columns {
		c := b.byID[id]
		if c == nil {
			return badSaved("item %d: board %d has no column %q", it.id, b.ID, id)
		}
		value, err := decodeObject([]byte(`{"value":` + string(sl.Value) + `}`)) // numbers as in column_values
		if err != nil {
			return badSaved("item %d, column %q: %w", it.id, id, err)
		}
		content, err := (&write{sim: s, column: c, loading: true}).read(value["value"])
		if err != nil || content == nil && value["value"] != nil {
			return badSaved("item %d, column %q: the value does not have the form of a %s column", it.id, id, c.Type)
		}
		it.slots[c.pos] = slot{content, sl.At}
	}
	b.items = append(b.items, it)
	s.items[it.id] = it
	return nil
}

func (s *Sim) loadHook(saved savedHook) error {
	h := &webhook{id: saved.ID, board: s.boards[saved.Board], event: saved.Event, url: saved.URL, owner: saved.Owner}
	switch {
	case h.board == nil:
		return badSaved("webhook %d: there is no board %d", h.id, saved.Board)
	case s.schema.Types["WebhookEventType"].EnumValues.ForName(h.event) == nil:
		return badSaved("webhook %d: there is no event %q", h.id, h.event)
	case s.hooks[h.id] != nil || h.id >= s.nextHook:
		return badSaved("webhook %d: another webhook has, or will get, the same id", h.id)
	}
	if saved.Config != nil {
		config, err := decodeObject(saved.Config)
		if err != nil {
			return badSaved("webhook %d: its configuration is not an object", h.id)
		}
		h.config = config
	}
	s.hooks[h.id] = h
	h.board.hooks = append(h.board.hooks, h)
	return nil
}

// load keeps answers, which are only kept for calls that succeeded.
func (r *replays) load(saved map[string]savedAnswer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.byKey = map[string]*replay{}
	for key, known := range saved {
		r.byKey[key] = &replay{answer: answer{status: http.StatusOK, body: known.Body}, at: known.At, done: true}
	}
}
