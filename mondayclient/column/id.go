package column

import (
	"errors"
	"strconv"
	"strings"
)

// ID is the id of an item, a board or a person. Webhooks carry it as a JSON number, some of their
// fields and the API as a string of digits; it exceeds 32 bits.
type ID int64

var errNoID = errors.New("not an id") // says nothing of what stood there

// UnmarshalJSON takes a whole number or a string that holds one; null is neither.
func (id *ID) UnmarshalJSON(raw []byte) error {
	digits := string(raw)
	if inner, ok := strings.CutPrefix(digits, `"`); ok {
		digits = strings.TrimSuffix(inner, `"`)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strings.HasPrefix(digits, "+") {
		return errNoID
	}
	*id = ID(n)
	return nil
}
