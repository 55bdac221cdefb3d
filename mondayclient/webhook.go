package mondayclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"crmsync/internal/jsonscan"
	"crmsync/mondayclient/column"
)

// The types of event that concern the items of a board, as payloads name them.
const (
	UpdateColumnValue = "update_column_value"
	CreatePulse       = "create_pulse"
	UpdateName        = "update_name"
	DeletePulse       = "delete_pulse"
	ArchivePulse      = "archive_pulse"
	RestorePulse      = "restore_pulse"
)

// handled maps every name under which an event's type may arrive to the constant: payloads use other names than
// subscriptions.
var handled = map[string]string{
	UpdateColumnValue: UpdateColumnValue, "change_column_value": UpdateColumnValue,
	"change_specific_column_value": UpdateColumnValue, "change_status_column_value": UpdateColumnValue,
	CreatePulse: CreatePulse, "create_item": CreatePulse,
	UpdateName: UpdateName, "change_name": UpdateName,
	DeletePulse: DeletePulse, "item_deleted": DeletePulse,
	ArchivePulse: ArchivePulse, "item_archived": ArchivePulse,
	RestorePulse: RestorePulse, "item_restored": RestorePulse,
}

// Delivery is the content of one webhook request: a challenge or an event.
type Delivery struct {
	HasChallenge bool
	Challenge    string // to be sent back unchanged
	Event        *Event // nil for a challenge
}

// Event is something that happened on a board. If its type is not among the constants above, only Type and BoardID are
// read.
type Event struct {
	Type    string // one of the constants above, or any other type, as received
	BoardID int64  // may be 0 for an event of another type
	ItemID  int64

	// ColumnID, ColumnType and Value describe a changed column. ColumnType is the type as webhooks name it. It is empty
	// if the payload has no type or no value: such a column must be read through the API.
	ColumnID   string
	ColumnType string
	Value      json.RawMessage

	Name        string    // the item's name; a rename always has it
	ChangedAt   float64   // Unix seconds; 0 if unknown
	TriggeredAt time.Time // zero if unknown; a repeated delivery has a new time
	TriggerUUID string    // empty if unknown
	Redelivered bool      // an earlier delivery was not answered with 200

	SubscriptionID int64
	UserID         int64 // negative for a form or an automation
}

// ReadWebhook decodes one delivery. It rejects anything that cannot be understood and stored as jsonb. Its errors name
// the place and never repeat its content.
//
// https://developer.monday.com/api-reference/reference/webhooks
func ReadWebhook(body []byte) (Delivery, error) {
	if !utf8.Valid(body) {
		return Delivery{}, errors.New("body: not UTF-8")
	}
	whole, err := jsonscan.Scan(string(body))
	if err != nil {
		return Delivery{}, fmt.Errorf("body: %w", err)
	}
	defer whole.Release()
	top := reader{members: whole.Members, of: jsonscan.Outermost}
	if raw, ok := top.get("challenge"); ok {
		challenge, ok := jsonscan.Unquote(raw)
		if !ok {
			return Delivery{}, errors.New("challenge: not a string")
		}
		return Delivery{HasChallenge: true, Challenge: challenge}, nil
	}
	event, ok := top.object("event")
	if !ok {
		return Delivery{}, errors.New("event: not an object")
	}
	e, err := readEvent(event)
	if err != nil {
		return Delivery{}, fmt.Errorf("event.%w", err)
	}
	return Delivery{Event: e}, nil
}

func readEvent(r reader) (*Event, error) {
	e := &Event{Type: r.text("type"), BoardID: r.id("boardId")}
	known, ok := handled[e.Type]
	if e.Type == "" {
		r.wrong("type", "missing")
	}
	if !ok {
		return e, r.err
	}
	e.Type = known
	e.ItemID = r.id("pulseId")
	if e.ItemID == 0 {
		e.ItemID = r.id("itemId")
	}
	e.TriggeredAt = r.time("triggerTime")
	e.TriggerUUID = r.text("triggerUuid")
	e.Redelivered = r.flag("isRetry")
	e.ChangedAt = r.seconds("changedAt")
	e.SubscriptionID = r.id("subscriptionId")
	e.UserID = r.id("userId")
	e.Name = r.text("pulseName")
	if e.Name == "" {
		e.Name = r.text("itemName")
	}
	switch e.Type {
	case UpdateColumnValue:
		r.column(e)
	case UpdateName:
		e.Name = r.newName()
	}
	if e.BoardID <= 0 {
		r.wrong("boardId", "missing")
	}
	if e.ItemID <= 0 {
		r.wrong("pulseId", "missing, and so is itemId")
	}
	return e, r.err
}

// reader reads the members of one object. A member that is absent or null is read as zero; err keeps the first member
// of the wrong form.
type reader struct {
	members []jsonscan.Member // of several objects
	of      int               // place of the member whose value the object is
	err     error
}

// get finds a member by its name. If there are several, the last counts.
func (r *reader) get(name string) (value string, ok bool) {
	if i := r.find(name); i >= 0 {
		return r.members[i].Value, true
	}
	return "", false
}

func (r *reader) find(name string) (place int) {
	for i := len(r.members) - 1; i >= 0; i-- {
		if m := &r.members[i]; m.Of == r.of && m.Name == name {
			return i
		}
	}
	return -1
}

// object finds a member that is an object, whose members were collected.
func (r *reader) object(name string) (reader, bool) {
	i := r.find(name)
	if i < 0 || r.members[i].Value[0] != '{' {
		return reader{}, false
	}
	return reader{members: r.members, of: i}, true
}

func (r *reader) wrong(key, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s", key, what)
	}
}

// value finds a member that is not null.
func (r *reader) value(key string) (raw string, ok bool) {
	raw, ok = r.get(key)
	return raw, ok && raw != "null"
}

func (r *reader) text(key string) string {
	raw, ok := r.value(key)
	if !ok {
		return ""
	}
	text, ok := jsonscan.Unquote(raw)
	if !ok {
		r.wrong(key, "not a string")
	}
	return text
}

func (r *reader) flag(key string) bool {
	raw, ok := r.value(key)
	if ok && raw != "true" && raw != "false" {
		r.wrong(key, "not true or false")
	}
	return raw == "true"
}

func (r *reader) id(key string) int64 {
	raw, ok := r.value(key)
	if !ok {
		return 0
	}
	id, err := column.ParseID(raw)
	if err != nil {
		r.wrong(key, "not an id")
	}
	return int64(id)
}

// time reads an RFC 3339 time within the years that both JSON and Postgres can hold.
func (r *reader) time(key string) time.Time {
	text := r.text(key)
	if text == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, text)
	at = at.UTC()
	if err != nil || at.Year() < 1970 || at.Year() > 9999 {
		r.wrong(key, "not a time")
		return time.Time{}
	}
	return at
}

// seconds reads a Unix time up to the year 9999, so that milliseconds are not mistaken for seconds.
func (r *reader) seconds(key string) float64 {
	const latest = 253402300799
	raw, ok := r.value(key)
	if !ok {
		return 0
	}
	at, err := strconv.ParseFloat(raw, 64)
	if err != nil || at < 0 || at > latest {
		r.wrong(key, "not a time in seconds")
		return 0
	}
	return at
}

func (r *reader) column(e *Event) {
	if e.ColumnID = r.text("columnId"); e.ColumnID == "" {
		r.wrong("columnId", "missing")
	}
	e.ColumnType = r.text("columnType")
	raw, ok := r.get("value")
	if !ok {
		e.ColumnType, raw = "", "null"
	}
	e.Value = json.RawMessage(raw)
}

func (r *reader) newName() string {
	raw, _ := r.get("value")
	value, err := jsonscan.Scan(raw)
	if err != nil {
		r.wrong("value", "not an object")
		return ""
	}
	defer value.Release()
	inner := reader{members: value.Members, of: jsonscan.Outermost}
	raw, _ = inner.get("name")
	name, ok := jsonscan.Unquote(raw)
	if !ok || name == "" {
		r.wrong("value.name", "missing or not a string")
	}
	return name
}
