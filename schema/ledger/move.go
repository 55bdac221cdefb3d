package ledger

import "strings"

// movedWith precedes the Mapping of a value that the item took along to another board, or to one that is not mapped.
const movedWith = "~"

// Move records that the item has left the board by whose mapping the value of a field was made. The value still says
// what both sides agreed on, but an empty column may have lost its value by the move. It reports whether that is new.
func (l *Link) Move(field string) bool {
	w, was := l.Written[field]
	if !was || w.Mapping == outdated || strings.HasPrefix(w.Mapping, movedWith) {
		return false
	}
	if w.Mapping == "" {
		return l.Outdate(field)
	}
	w.Mapping = movedWith + w.Mapping
	l.Written[field] = w
	return true
}

// Moved reports whether the item has left its board since the value of a field was written, and is now on a board
// that makes the field from the same source.
func (l *Link) Moved(field, mapping string) bool {
	return l.Written[field].Mapping == movedWith+mapping
}
