package column

import (
	"errors"
	"strconv"
	"strings"
)

// ID is the id of an item, a board or a person, which exceeds 32 bits. Webhooks send it as a JSON number, some of
// their fields and the API as a string of digits.
type ID int64

var errNoID = errors.New("not an id") // without the text, which may be a customer's

// UnmarshalJSON reads what ParseID does.
func (id *ID) UnmarshalJSON(raw []byte) error {
	parsed, err := ParseID(string(raw))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// ParseID reads a JSON value: a whole number or a string that holds one; null is neither.
func ParseID(raw string) (ID, error) {
	digits := raw
	if inner, ok := strings.CutPrefix(digits, `"`); ok {
		digits = strings.TrimSuffix(inner, `"`)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || strings.HasPrefix(digits, "+") {
		return 0, errNoID
	}
	return ID(n), nil
}
