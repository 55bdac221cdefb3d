package console

import (
	"net/http"
	"time"

	"crmsync/schema/store"
)

// lettersShown is how many dead letters of a cause a page shows.
const lettersShown = 50

// errors lists the open causes.
func (s *Console) errors(r *http.Request) (view, error) {
	if _, err := s.Store.AssignCauses(r.Context()); err != nil {
		return view{}, err
	}
	causes, err := s.Store.Causes(r.Context())
	return view{page: "errors", title: "Errors", data: causes}, err
}

// causeData is a cause with its open dead letters.
type causeData struct {
	Cause       store.Cause
	Level       string
	DeadLetters []store.DeadLetter
	Names       map[int64]string // of their items
	More        int
}

func (s *Console) cause(r *http.Request) (view, error) {
	cause, err := s.knownCause(r)
	if err != nil {
		return view{}, err
	}
	d := causeData{Cause: cause, Level: "good"}
	switch {
	case cause.Open > 0, cause.Away != nil:
		d.Level = "bad"
	case cause.UnderWay > 0:
		d.Level = "moving"
	}
	d.DeadLetters, err = s.Store.FindDeadLetters(r.Context(), store.DeadLetterFilter{Cause: cause.ID}, lettersShown)
	if err != nil {
		return view{}, err
	}
	var items []int64
	for _, l := range d.DeadLetters {
		if l.ItemID != nil {
			items = append(items, *l.ItemID)
		}
	}
	d.More = cause.Open - len(d.DeadLetters)
	d.Names, err = s.Store.ItemNames(r.Context(), items)
	return view{page: "cause", title: cause.String(), data: &d}, err
}

// knownCause returns the cause that a path names.
func (s *Console) knownCause(r *http.Request) (store.Cause, error) {
	cause, known, err := s.Store.Cause(r.Context(), r.PathValue("cause"))
	if err == nil && !known {
		err = notFound("There is no such cause.")
	}
	return cause, err
}

// conflictsShown is how many conflicts a page shows.
const conflictsShown = 50

// conflictsData is the latest conflicts.
type conflictsData struct {
	Conflicts []store.Conflict
	Names     map[int64]string // of their items
}

func (s *Console) conflicts(r *http.Request) (view, error) {
	var d conflictsData
	var err error
	if d.Conflicts, err = s.Store.Conflicts(r.Context(), 0, 0, conflictsShown); err != nil {
		return view{}, err
	}
	items := make([]int64, len(d.Conflicts))
	for n, c := range d.Conflicts {
		items[n] = c.ItemID
	}
	d.Names, err = s.Store.ItemNames(r.Context(), items)
	return view{page: "conflicts", title: "Conflicts", data: &d}, err
}

// heldShown is how many held items of a board a page shows.
const heldShown = 50

// heldBoard is what the delete brake holds of a board.
type heldBoard struct {
	BoardID int64
	Board   string
	Since   time.Time
	Count   int // of all items
	Deletes int // those whose records would be deleted
	Archive int // those that would be archived
	Items   []store.FoundItem
}

func (s *Console) held(r *http.Request) (view, error) {
	holds, err := s.Store.Holds(r.Context())
	if err != nil {
		return view{}, err
	}
	var boards []heldBoard
	for _, h := range holds {
		b := heldBoard{BoardID: h.BoardID, Board: s.boardName(h.BoardID), Since: h.Since.UTC(), Count: len(h.Items),
			Deletes: len(h.Items) - len(h.Archives), Archive: len(h.Archives)}
		shown := h.Items[:min(len(h.Items), heldShown)]
		if b.Items, err = s.Store.SearchItems(r.Context(), store.Search{Items: shown}, heldShown); err != nil {
			return view{}, err
		}
		boards = append(boards, b)
	}
	return view{page: "held", title: "Held deletions", data: boards}, nil
}

// boardName returns a board's name in the mapping, or "".
func (s *Console) boardName(id int64) string {
	if b := s.Mapping.Board(id); b != nil {
		return b.Name
	}
	return ""
}
