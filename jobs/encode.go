package jobs

import (
	"strconv"
	"time"

	"crmsync/internal/quote"
)

// AppendJSON appends the args as JSON. It means the same as what json.Marshal returns, which costs several times as
// much, and most events are of this kind. Value must be JSON.
func (a ColumnUpdateArgs) AppendJSON(b []byte) []byte {
	b = a.Event.appendMembers(append(b, '{'))
	b = quote.AppendJSON(append(b, `,"column_id":`...), a.ColumnID)
	b = quote.AppendJSON(append(b, `,"column_type":`...), a.ColumnType)
	b = append(b, `,"value":`...)
	if a.Value == nil {
		b = append(b, "null"...)
	}
	b = append(b, a.Value...)
	if a.ChangedAt != 0 {
		b = strconv.AppendFloat(append(b, `,"changed_at":`...), a.ChangedAt, 'f', -1, 64)
	}
	return append(b, '}')
}

func (e Event) appendMembers(b []byte) []byte {
	b = quote.AppendJSON(append(b, `"key":`...), e.Key)
	b = quote.AppendJSON(append(b, `,"type":`...), e.Type)
	b = strconv.AppendInt(append(b, `,"board_id":`...), e.BoardID, 10)
	b = strconv.AppendInt(append(b, `,"item_id":`...), e.ItemID, 10)
	if e.UserID != 0 {
		b = strconv.AppendInt(append(b, `,"user_id":`...), e.UserID, 10)
	}
	if !e.TriggeredAt.IsZero() {
		b = appendTime(append(b, `,"triggered_at":`...), e.TriggeredAt)
	}
	b = appendTime(append(b, `,"received_at":`...), e.ReceivedAt)
	if e.Redelivered {
		b = append(b, `,"redelivered":true`...)
	}
	return b
}

func appendTime(b []byte, at time.Time) []byte {
	return append(at.AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}
