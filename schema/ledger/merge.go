package ledger

import (
	"time"

	"crmsync/mondayclient/column"
)

// Merge is what became of something that an event says of an item.
type Merge uint8

const (
	Stale    Merge = iota // something newer is known
	Same                  // it is what is known
	Taken                 // it is new, and known from now on
	Doubtful              // it cannot be believed as it is: Monday has to be asked
)

// ahead is how far Monday's clock may be ahead of ours. A time further in the future is not believed: it would keep every
// later value out.
const ahead = 5 * time.Minute

// Believable reports whether something may have happened at a time.
func Believable(at, now time.Time) bool { return !at.After(now.Add(ahead)) }

func believable(micros int64, now time.Time) bool { return micros <= now.Add(ahead).UnixMicro() }

// MergeColumn brings in a value that an event carries. The newer time wins, so events may come in any order and any number of
// times. sure is false where the event does not say the value, or its time, for certain.
func (i *Item) MergeColumn(id string, c Column, sure bool, now time.Time) Merge {
	known, ok := i.Columns[id]
	switch {
	case !believable(c.At, now), ok && !believable(known.At, now):
		return Doubtful
	case ok && c.At < known.At:
		return Stale
	case ok && c.At == known.At && (!sure || c.Value.Equal(known.Value)):
		return Same
	case ok && c.At == known.At, !sure: // of two values of one time only Monday knows which is the later
		return Doubtful
	}
	i.SetColumn(id, c)
	return Taken
}

// MergeName brings in a name that an event carries.
func (i *Item) MergeName(name string, at time.Time, sure bool, now time.Time) Merge {
	switch {
	case !Believable(at, now), !Believable(i.NameAt, now):
		return Doubtful
	case at.Before(i.NameAt):
		return Stale
	case at.Equal(i.NameAt) && (!sure || i.Name == name):
		return Same
	case at.Equal(i.NameAt), !sure:
		return Doubtful
	}
	i.Name, i.NameAt = name, at
	return Taken
}

// SetColumn records a column's value, and reports whether that is news.
func (i *Item) SetColumn(id string, c Column) (changed bool) {
	if known, ok := i.Columns[id]; ok && known.At == c.At && known.Value.Equal(c.Value) {
		return false
	}
	if i.Columns == nil {
		i.Columns = map[string]Column{}
	}
	i.Columns[id] = c
	return true
}

// WriteColumn records a value that we wrote to Monday. Its time is just after the last known one, so that whatever Monday says
// of the column from now on is newer.
func (i *Item) WriteColumn(id string, v column.Value) {
	if id == NameColumn {
		i.Name, i.NameAt = v.Text, i.NameAt.Add(time.Microsecond)
		return
	}
	i.SetColumn(id, Column{Value: v, At: i.Columns[id].At + 1})
}

// ClearPending forgets that an event carried the column, now that the event has ended. It reports whether it did.
func (i *Item) ClearPending(id string, job int64) bool {
	c, ok := i.Columns[id]
	if !ok || c.By == 0 || c.By != job {
		return false
	}
	c.By = 0
	i.Columns[id] = c
	return true
}

// Unread reports whether the columns, or the item as a whole, were never asked of Monday since the item began.
func (i *Item) Unread(columns []string) bool {
	if !i.Known {
		return true
	}
	for _, id := range columns {
		if _, asked := i.Columns[id]; !asked {
			return true
		}
	}
	return false
}

// Reading is an active item as Monday answered it.
type Reading struct {
	BoardID   int64
	Name      string
	UpdatedAt time.Time // of the item as a whole, in whole seconds
	Columns   map[string]column.Value
	ChangedAt map[string]time.Time // where the value says its time
}

// Floor is the time that a value which is read has at least, in Unix microseconds: where an event had it read, the value is no
// older than the event.
type Floor struct {
	All     int64
	Columns map[string]int64
}

// Raise lifts the floor of one column.
func (f *Floor) Raise(id string, at int64) {
	if f.Columns == nil {
		f.Columns = map[string]int64{}
	}
	f.Columns[id] = max(f.Columns[id], at)
}

// MergeReading brings in what Monday answered to a question about these columns. A value never replaces one whose time is
// later. It reports whether anything is news.
func (i *Item) MergeReading(r Reading, asked []string, floor Floor, now time.Time) (changed bool) {
	for _, id := range asked {
		at := r.at(id, floor, now)
		if known, ok := i.Columns[id]; !ok || at >= known.At || !believable(known.At, now) {
			changed = i.SetColumn(id, Column{Value: r.Columns[id], At: at}) || changed
		}
	}
	at := time.UnixMicro(r.at(NameColumn, floor, now)).UTC()
	if (!at.Before(i.NameAt) || !Believable(i.NameAt, now)) && (i.Name != r.Name || !at.Equal(i.NameAt)) {
		i.Name, i.NameAt, changed = r.Name, at, true
	}
	changed = changed || !i.Known
	i.Known = true
	return changed
}

// at is the time of a value that was read: the one inside of it, else that of the item's last change.
func (r Reading) at(id string, floor Floor, now time.Time) int64 {
	at := r.UpdatedAt
	if own, ok := r.ChangedAt[id]; ok && Believable(own, now) {
		at = own
	}
	if !Believable(at, now) {
		at = now
	}
	return max(at.UnixMicro(), floor.Columns[id], floor.All)
}

// Begin lets the item begin again: what was known of it before counts for nothing.
func (i *Item) Begin() { i.DeletedAt, i.Known = time.Time{}, false }

// Delete records that the item ended.
func (i *Item) Delete(at time.Time) {
	if i.DeletedAt.IsZero() || at.After(i.DeletedAt) {
		i.DeletedAt = at
	}
	i.ExistenceAt = latest(i.ExistenceAt, at)
}

// Restore records that the item is back, and lets it begin again.
func (i *Item) Restore(at time.Time) {
	i.Begin()
	i.ExistenceAt = latest(i.ExistenceAt, at)
}

// MoveTo records that the item is on another board: nothing is known of its columns there.
func (i *Item) MoveTo(board int64) { i.BoardID, i.Columns, i.Known = board, nil, false }

// Leave records that the item is on a board of which nothing is told: what was known of its columns no longer holds.
func (i *Item) Leave() { i.Columns, i.Known = nil, false }

// KnownAt is the time of the value that is known of a column, or of the name, in Unix microseconds; 0: none is.
func (i *Item) KnownAt(id string) int64 {
	if id == NameColumn && !i.NameAt.IsZero() {
		return i.NameAt.UnixMicro()
	}
	return i.Columns[id].At
}

// IsDeleted reports whether the item is known to have ended.
func (i *Item) IsDeleted() bool { return !i.DeletedAt.IsZero() }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
