package jobs

import (
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"crmsync/internal/jsonscan"
)

// ReadJSON sets the args to what JSON contains. It means the same as json.Unmarshal, which costs several times as much
// and needs a deep stack, and most events are of this kind.
func (a *ColumnUpdateArgs) ReadJSON(text []byte) error {
	*a = ColumnUpdateArgs{}
	if a.read(string(text)) {
		return nil
	}
	*a = ColumnUpdateArgs{}
	return json.Unmarshal(text, a)
}

// read reads args as they are stored. It reports false if json.Unmarshal has to decide, as it does about errors and
// about members with other names.
func (a *ColumnUpdateArgs) read(text string) bool {
	if !utf8.ValidString(text) {
		return false
	}
	object, err := jsonscan.Scan(text)
	if err != nil {
		return false
	}
	defer object.Release()
	for _, m := range object.Members {
		if m.Of == jsonscan.Outermost && !a.readMember(m.Name, m.Value) {
			return false
		}
	}
	return true
}

func (a *ColumnUpdateArgs) readMember(name, value string) bool {
	switch name {
	case "key":
		return readText(&a.Key, value)
	case "type":
		return readText(&a.Type, value)
	case "board_id":
		return readInt(&a.BoardID, value)
	case "item_id":
		return readInt(&a.ItemID, value)
	case "user_id":
		return readInt(&a.UserID, value)
	case "triggered_at":
		return a.TriggeredAt.UnmarshalJSON([]byte(value)) == nil
	case "received_at":
		return a.ReceivedAt.UnmarshalJSON([]byte(value)) == nil
	case "redelivered":
		a.Redelivered = value == "true"
		return a.Redelivered || value == "false"
	case "column_id":
		return readText(&a.ColumnID, value)
	case "column_type":
		return readText(&a.ColumnType, value)
	case "value":
		a.Value = json.RawMessage(value)
		return true
	case "changed_at":
		return readFloat(&a.ChangedAt, value)
	}
	return false
}

func readText(to *string, value string) (ok bool) {
	*to, ok = jsonscan.Unquote(value)
	return ok
}

func readInt(to *int64, value string) bool {
	n, err := strconv.ParseInt(value, 10, 64)
	*to = n
	return err == nil
}

func readFloat(to *float64, value string) bool {
	f, err := strconv.ParseFloat(value, 64)
	*to = f
	return err == nil
}
