package ledger

import (
	"slices"
	"time"

	"crmsync/mondayclient/column"
)

// Merge is the result of merging an event's information into an item.
type Merge uint8

// The results.
const (
	Stale    Merge = iota // something newer is known
	Same                  // already known
	Taken                 // new, and known from now on
	Doubtful              // not trustworthy as it is: Monday has to be asked
	Echo                  // the value that we wrote
)

// ahead is how far Monday's clock may be ahead of ours. A later time is not believed, because it would block every
// later value.
const ahead = 5 * time.Minute

// Believable reports whether something may have happened at this time.
func Believable(at, now time.Time) bool { return !at.After(now.Add(ahead)) }

func believable(micros int64, now time.Time) bool { return micros <= now.Add(ahead).UnixMicro() }

// MergeColumn merges the value carried by an event. The newer time wins, so events may arrive in any order and any
// number of times. sure is false if the event does not determine the value, or its time, for certain.
func (i *Item) MergeColumn(id string, c Column, sure bool, now time.Time) Merge {
	known, ok := i.Columns[id]
	switch {
	case !believable(c.At, now), ok && !believable(known.At, now):
		return Doubtful
	case ok && c.At < known.At && (sure || c.Value.Type != "") && !known.Own && says(known.Value, c.Value):
		return Same // the value was read before its event arrived
	case ok && c.At < known.At:
		return Stale
	case ok && known.Own && sure && says(known.Value, c.Value):
		known.At, known.Own = c.At, false
		i.Columns[id] = known
		return Echo
	case ok && known.Own: // an echo of an earlier write of ours, or a person's value
		return Doubtful
	case ok && c.At == known.At && (!sure || c.Value.Equal(known.Value)):
		return Same
	case !ok && i.Known: // newer values may have been missed while the column was not mapped
		return Doubtful
	case ok && c.At < known.until() && !says(known.Value, c.Value): // the value may have been read after that
		return Doubtful
	case ok && c.At == known.At, !sure: // only Monday knows which of two values with equal times is later
		return Doubtful
	}
	if ok && c.At < known.until() {
		c.Until = known.until() // the same value may have been set again since
	}
	i.SetColumn(id, c)
	return Taken
}

// MergeName merges the name carried by an event.
func (i *Item) MergeName(name string, at time.Time, sure bool, now time.Time) Merge {
	known := i.column(NameColumn)
	switch {
	case !Believable(at, now), !Believable(i.NameAt, now):
		return Doubtful
	case at.Before(i.NameAt) && !i.NameOwn && i.Name == name:
		return Same
	case at.Before(i.NameAt):
		return Stale
	case i.NameOwn && sure && i.Name == name:
		i.NameAt, i.NameOwn = at, false
		return Echo
	case i.NameOwn:
		return Doubtful
	case at.Equal(i.NameAt) && (!sure || i.Name == name):
		return Same
	case at.UnixMicro() < known.until() && i.Name != name:
		return Doubtful
	case at.Equal(i.NameAt), !sure:
		return Doubtful
	}
	until := int64(0)
	if at.UnixMicro() < known.until() {
		until = known.until()
	}
	i.Name, i.NameAt, i.NamePast, i.NameUntil = name, at, Past{}, until
	return Taken
}

// second is how exactly Monday says when an item was changed, in microseconds.
const second = 1_000_000

// until returns the time, in Unix microseconds, before which the value may have been set. A whole second is the time of
// a read, in which Monday does not say when within the second the item was changed.
func (c Column) until() int64 {
	if c.At != 0 && c.At%second == 0 {
		return c.At + second
	}
	return max(c.At, c.Until)
}

// says reports whether two values of one column look the same to people. It ignores the form in which an event names
// the value, and what only Monday decides, such as the country of a phone number or the order of labels.
func says(a, b column.Value) bool { return alike(a).Equal(alike(b)) }

// alike returns a value without what makes no difference to people.
func alike(v column.Value) column.Value {
	v.Type, v.Code = "", ""
	v.Labels = slices.Sorted(slices.Values(v.Labels))
	return v
}

// SetColumn records a column's value, and reports whether it changed.
func (i *Item) SetColumn(id string, c Column) (changed bool) {
	if known, ok := i.Columns[id]; ok && known.At == c.At && known.Until == c.Until && known.Own == c.Own &&
		known.Value.Equal(c.Value) {
		return false
	}
	if i.Columns == nil {
		i.Columns = map[string]Column{}
	}
	i.Columns[id] = c
	return true
}

// WriteColumn records a value that we wrote to Monday. Its time is just after the last known one, so that whatever
// Monday reports from now on is newer. Until an event confirms the value, an event with another value is not believed:
// it may be the late echo of an earlier write, perhaps of one that had no answer.
func (i *Item) WriteColumn(id string, v column.Value, unanswered ...column.Value) {
	known := i.column(id)
	past := Past{Since: known.At}
	if known.Own {
		past = Past{slices.Clone(known.Was), known.Since}
	}
	past.Was = append(append(past.Was, known.Value), unanswered...)
	past.Was = past.Was[max(0, len(past.Was)-keptWas):]
	if id == NameColumn {
		i.Name, i.NameAt, i.NameOwn, i.NamePast, i.NameUntil = v.Text, i.NameAt.Add(time.Microsecond), true, past, 0
		return
	}
	i.SetColumn(id, Column{Value: v, At: known.At + 1, Own: true, Past: past})
}

// column returns what is known of a column, or of the name.
func (i *Item) column(id string) Column {
	if id != NameColumn {
		return i.Columns[id]
	}
	return Column{Value: i.Value(id), At: i.KnownAt(id), Own: i.NameOwn, Past: i.NamePast, Until: i.NameUntil}
}

// Says reports whether the column is known to show a value, or one that looks the same.
func (i *Item) Says(id string, v column.Value) bool { return says(i.column(id).Value, v) }

// keptWas is how many earlier values of a column are kept.
const keptWas = 8

// Overwrote reports whether our write has overwritten the value of an event without our having seen it: the column
// shows what we wrote, and the event's value is newer than what we knew before and different from all of it. The event
// of our own write may be known by then: a name's event has its time in milliseconds, which may be the same.
func (i *Item) Overwrote(id string, v column.Value, at int64) bool {
	known := i.column(id)
	return len(known.Was) > 0 && at > known.Since && (known.Own || at <= known.At) && !says(known.Value, v) &&
		!slices.ContainsFunc(known.Was, func(was column.Value) bool { return says(was, v) })
}

// ShowID records that the item shows the Id of a record.
func (i *Item) ShowID(id, shown string) {
	i.SetColumn(id, Column{Value: column.Value{Type: column.Text, Text: shown}, At: i.Columns[id].At + 1})
}

// Attribute records which event carried the value that a column shows, after the column was read because the event did
// not determine the value for certain.
func (i *Item) Attribute(id string, told Column) {
	if c, ok := i.Columns[id]; ok && says(c.Value, told.Value) {
		c.By = told.By
		i.Columns[id] = c
	}
}

// ClearPending clears the event that carried the column, now that it has ended. It reports whether there was one.
func (i *Item) ClearPending(id string, job int64) bool {
	c, ok := i.Columns[id]
	if !ok || c.By == 0 || c.By != job {
		return false
	}
	c.By = 0
	i.Columns[id] = c
	return true
}

// Unread reports whether the columns, or the whole item, have not been read from Monday since the item began.
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

// Reading is Monday's answer about an active item.
type Reading struct {
	BoardID   int64
	Name      string
	UpdatedAt time.Time // of the item as a whole, in whole seconds
	Columns   map[string]column.Value
	ChangedAt map[string]time.Time // of values that contain their time
}

// Floor is the earliest possible time of a value that is read, in Unix microseconds. If an event caused the read, the
// value is not older than the event.
type Floor struct {
	All     int64
	Columns map[string]int64
}

// Raise raises the floor of one column.
func (f *Floor) Raise(id string, at int64) {
	if f.Columns == nil {
		f.Columns = map[string]int64{}
	}
	f.Columns[id] = max(f.Columns[id], at)
}

// MergeReading merges Monday's answer about these columns. A value never replaces one with a later time. It reports
// whether anything changed. A known column that the answer does not contain stays as it is: it was deleted from the
// board, or the token may not read it, which does not mean that it is empty.
func (i *Item) MergeReading(r Reading, asked []string, floor Floor, now time.Time) (changed bool) {
	for _, id := range asked {
		if r.hides(id) && i.knows(id) {
			continue
		}
		at := r.at(id, floor, now)
		if known, ok := i.Columns[id]; !ok || at >= known.At || !believable(known.At, now) {
			own := known.Own && says(known.Value, r.Columns[id])
			c := Column{Value: r.Columns[id], At: at, Own: own, Until: r.until(at)}
			if says(known.Value, c.Value) {
				c.Past = known.Past
			}
			changed = i.SetColumn(id, c) || changed
		}
	}
	at := time.UnixMicro(r.at(NameColumn, floor, now)).UTC()
	until := r.until(at.UnixMicro())
	if (!at.Before(i.NameAt) || !Believable(i.NameAt, now)) &&
		(i.Name != r.Name || !at.Equal(i.NameAt) || i.NameUntil != until) {
		if i.Name != r.Name {
			i.NameOwn, i.NamePast = false, Past{}
		}
		i.Name, i.NameAt, i.NameUntil, changed = r.Name, at, until, true
	}
	changed = changed || !i.Known
	i.Known = true
	return changed
}

// Shows reports whether the item is known as it was read: on this board, with the same name and columns.
func (i *Item) Shows(r Reading, board int64, asked []string) bool {
	if i.Unread(asked) || i.IsDeleted() || i.BoardID != board || i.Name != r.Name {
		return false
	}
	for _, id := range asked {
		if !r.hides(id) && !i.Columns[id].Value.Equal(r.Columns[id]) {
			return false
		}
	}
	return true
}

// Contradicts reports whether a reading of a page, which may lag, shows another value than the known one, and it is
// uncertain which is newer: both may be from the same second, or the known value is one of ours that no event has
// confirmed. What the page shows is not older than the floor, and may still be older than a read of that second.
func (i *Item) Contradicts(r Reading, asked []string, floor Floor, now time.Time) bool {
	unclear := func(id string, own, same bool) bool {
		known, at := i.column(id), r.at(id, floor, now)
		updated, of := r.UpdatedAt.Unix(), known.At/second
		sameSecond := at <= known.At && updated >= of || known.At < at && at < known.until() && updated <= of
		return !same && (own || sameSecond)
	}
	for _, id := range asked {
		if known, ok := i.Columns[id]; ok && !r.hides(id) && unclear(id, known.Own, says(known.Value, r.Columns[id])) {
			return true
		}
	}
	return !i.NameAt.IsZero() && unclear(NameColumn, i.NameOwn, i.Name == r.Name)
}

// hides reports whether the answer lacks a column that was asked for.
func (r Reading) hides(id string) bool {
	_, answered := r.Columns[id]
	return !answered
}

func (i *Item) knows(id string) bool {
	_, known := i.Columns[id]
	return known
}

// at returns the time of a value that was read: its own, or else that of the item's last change.
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

// until returns Column.Until of a value that was read and has this time, which an event may have told more exactly.
func (r Reading) until(at int64) int64 {
	if updated := r.UpdatedAt.Unix(); at%second != 0 && at/second == updated {
		return (updated + 1) * second
	}
	return 0
}

// Begin starts the item again: what was known before no longer counts.
func (i *Item) Begin() { i.DeletedAt, i.Known = time.Time{}, false }

// Delete records that the item ended.
func (i *Item) Delete(at time.Time) {
	if i.DeletedAt.IsZero() || at.After(i.DeletedAt) {
		i.DeletedAt = at
	}
	i.ExistenceAt = latest(i.ExistenceAt, at)
}

// Restore records that the item is back, and starts it again.
func (i *Item) Restore(at time.Time) {
	i.Begin()
	i.ExistenceAt = latest(i.ExistenceAt, at)
}

// MoveTo records that the item is on another board, whose columns are unknown.
func (i *Item) MoveTo(board int64) { i.BoardID, i.Columns, i.Known = board, nil, false }

// Leave records that the item is on a board that is not mapped: what was known of its columns no longer holds.
func (i *Item) Leave() { i.Columns, i.Known = nil, false }

// Value returns the known value of a column, or the name.
func (i *Item) Value(id string) column.Value {
	if id == NameColumn {
		return column.Value{Text: i.Name}
	}
	return i.Columns[id].Value
}

// KnownAt returns the time of the known value of a column, or of the name, in Unix microseconds; 0: unknown.
func (i *Item) KnownAt(id string) int64 {
	if id == NameColumn && !i.NameAt.IsZero() {
		return i.NameAt.UnixMicro()
	}
	return i.Columns[id].At
}

// TimeOf returns Monday's time of the known value of a column, or of the name; zero: unknown.
func (i *Item) TimeOf(id string) time.Time {
	if at := i.KnownAt(id); at != 0 {
		return time.UnixMicro(at).UTC()
	}
	return time.Time{}
}

// IsDeleted reports whether the item is known to have ended.
func (i *Item) IsDeleted() bool { return !i.DeletedAt.IsZero() }

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
