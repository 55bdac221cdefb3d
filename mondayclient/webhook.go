package mondayclient

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"crmsync/mondayclient/column"
)

// Types of event that concern the items of a board, by the names that payloads use.
const (
	UpdateColumnValue = "update_column_value"
	CreatePulse       = "create_pulse"
	UpdateName        = "update_name"
	DeletePulse       = "delete_pulse"
	ArchivePulse      = "archive_pulse"
	RestorePulse      = "restore_pulse"
)

// handled is an event's type as the payload names it, by every name that it may arrive under: payloads use
// other names than subscriptions.
var handled = map[string]string{
	UpdateColumnValue: UpdateColumnValue, "change_column_value": UpdateColumnValue,
	"change_specific_column_value": UpdateColumnValue, "change_status_column_value": UpdateColumnValue,
	CreatePulse: CreatePulse, "create_item": CreatePulse,
	UpdateName: UpdateName, "change_name": UpdateName,
	DeletePulse: DeletePulse, "item_deleted": DeletePulse,
	ArchivePulse: ArchivePulse, "item_archived": ArchivePulse,
	RestorePulse: RestorePulse, "item_restored": RestorePulse,
}

// Delivery is what one webhook request carries: a challenge, or an event.
type Delivery struct {
	HasChallenge bool
	Challenge    string // to be answered as it came
	Event        *Event // nil for a challenge
}

// Event is something that happened on a board. Of a type that is not among the constants above, only Type
// and BoardID are read.
type Event struct {
	Type    string // one of the constants above, else as it came
	BoardID int64  // 0 where an event of another type names none
	ItemID  int64

	// ColumnID, ColumnType and Value tell of a changed column. ColumnType is the webhook's name of it. It is empty
	// where the payload names none or has no value at all: such a column is to be read.
	ColumnID   string
	ColumnType string
	Value      json.RawMessage

	Name        string    // the item's name; a rename always has it
	ChangedAt   float64   // Unix seconds; 0: not told
	TriggeredAt time.Time // zero: not told; Monday stamps it anew when it delivers again
	TriggerUUID string    // empty: not told
	Redelivered bool      // an earlier delivery was not answered with 200

	SubscriptionID int64
	UserID         int64 // negative for a form or an automation
}

// ReadWebhook decodes one delivery. It refuses what is not an event that can be understood and stored as jsonb: its
// errors name the place and never repeat what stands there.
//
// https://developer.monday.com/api-reference/reference/webhooks
func ReadWebhook(body []byte) (Delivery, error) {
	if !utf8.Valid(body) {
		return Delivery{}, errors.New("body: not UTF-8")
	}
	if !json.Valid(body) {
		return Delivery{}, errors.New("body: not a JSON object")
	}
	if err := storable(body); err != nil {
		return Delivery{}, fmt.Errorf("body: %w", err)
	}
	top := membersOf(string(body))
	if top == nil {
		return Delivery{}, errors.New("body: not a JSON object")
	}
	if raw, ok := top["challenge"]; ok {
		var challenge *string
		if json.Unmarshal(raw, &challenge) != nil || challenge == nil {
			return Delivery{}, errors.New("challenge: not a string")
		}
		return Delivery{HasChallenge: true, Challenge: *challenge}, nil
	}
	members := membersOf(string(top["event"]))
	if members == nil {
		return Delivery{}, errors.New("event: not an object")
	}
	e, err := readEvent(members)
	if err != nil {
		return Delivery{}, fmt.Errorf("event.%w", err)
	}
	return Delivery{Event: e}, nil
}

func readEvent(o object) (*Event, error) {
	r := reader{object: o}
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

// reader reads an event's members. A member that is absent or null is read as zero; the first that has the
// wrong form stays in err.
type reader struct {
	object
	err error
}

func (r *reader) wrong(key, what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s: %s", key, what)
	}
}

func (r *reader) read(key string, into any, want string) {
	if raw, ok := r.object[key]; ok && string(raw) != "null" && json.Unmarshal(raw, into) != nil {
		r.wrong(key, "not "+want)
	}
}

func (r *reader) text(key string) (text string) {
	r.read(key, &text, "a string")
	return text
}

func (r *reader) flag(key string) (flag bool) {
	r.read(key, &flag, "true or false")
	return flag
}

func (r *reader) id(key string) int64 {
	var id column.ID
	r.read(key, &id, "an id")
	return int64(id)
}

// time reads RFC 3339 within the years that JSON and Postgres both can hold.
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

// seconds reads a Unix time up to the year 9999: milliseconds are not taken for seconds.
func (r *reader) seconds(key string) float64 {
	const latest = 253402300799
	raw, ok := r.object[key]
	if !ok || string(raw) == "null" {
		return 0
	}
	at, err := strconv.ParseFloat(string(raw), 64)
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
	e.Value = r.object["value"]
	if e.Value == nil {
		e.ColumnType, e.Value = "", json.RawMessage("null")
	}
}

func (r *reader) newName() string {
	value := reader{}
	if json.Unmarshal(r.object["value"], &value.object) != nil {
		r.wrong("value", "not an object")
		return ""
	}
	name := value.text("name")
	if value.err != nil || name == "" {
		r.wrong("value.name", "missing or not a string")
	}
	return name
}
