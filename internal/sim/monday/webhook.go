package monday

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// webhook is a board's subscription to a kind of event.
type webhook struct {
	id     int64
	board  *board
	event  string // WebhookEventType
	config object
	url    string
	owner  int64
}

// webhookEvent is an event for one subscriber.
type webhookEvent struct {
	hook   *webhook
	fields object
}

// AddWebhook subscribes url to a board's events of a kind (a WebhookEventType, such as "change_column_value") as a
// person does on the board, and returns the subscription's id. No challenge is sent.
func (s *Sim) AddWebhook(board int64, event, url string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.boards[board]
	if b == nil || s.schema.Types["WebhookEventType"].EnumValues.ForName(event) == nil {
		panic(fmt.Sprintf("mondaysim: no board %d, or no event %s", board, event))
	}
	return s.subscribe(&webhook{board: b, event: event, url: url, owner: personUser}).id
}

func (s *Sim) subscribe(h *webhook) *webhook {
	h.id = s.nextHook
	s.nextHook++
	s.hooks[h.id] = h
	s.revision.Add(1)
	h.board.hooks = append(h.board.hooks, h)
	return h
}

// payloadType maps kinds of event to the type in the payload, which differs from the subscription's name.
var payloadType = map[string]string{
	"change_column_value":     "update_column_value",
	"change_name":             "update_name",
	"create_item":             "create_pulse",
	"item_archived":           "archive_pulse",
	"item_deleted":            "delete_pulse",
	"item_moved_to_any_group": "move_pulse_into_group",
	"item_restored":           "restore_pulse",
}

// emit creates the webhooks of an event. fields are those that only this kind of event has.
//
// https://developer.monday.com/api-reference/reference/webhooks
func (c *change) emit(event string, it *item, col *column, fields object) {
	for _, h := range it.board.hooks {
		if !h.wants(event, it, col) {
			continue
		}
		all := object{
			"app":                 "monday",
			"type":                payloadType[event],
			"triggerTime":         isoTime(c.sim.cfg.Now()),
			"subscriptionId":      h.id,
			"isRetry":             false,
			"userId":              c.user,
			"originalTriggerUuid": nil,
			"boardId":             it.board.ID,
			"triggerUuid":         c.trigger,
		}
		maps.Copy(all, fields)
		c.out = append(c.out, &webhookEvent{hook: h, fields: all})
	}
}

func newTrigger() string { return fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64()) }

// wants reports whether the subscription covers an event like this one.
func (h *webhook) wants(event string, it *item, col *column) bool {
	switch h.event {
	case "change_specific_column_value":
		return col != nil && h.config["columnId"] == col.ID
	case "change_status_column_value":
		if col == nil || col.Type != "status" || h.config["columnId"] != col.ID {
			return false
		}
		want, _ := h.config["columnValue"].(object)
		if want == nil || want["$any$"] == true {
			return true
		}
		chosen, ok := it.slots[col.pos].content.(status)
		return ok && fmt.Sprint(want["index"]) == strconv.FormatInt(chosen.id, 10)
	case "item_moved_to_specific_group":
		return event == "item_moved_to_any_group" && h.config["groupId"] == it.group
	default:
		return h.event == event
	}
}

// createdFields returns the fields of a new item. columnValues holds the values that it was created with, without their
// types.
func createdFields(it *item, group Group) object {
	values := object{}
	for _, c := range it.board.columns {
		if sl := it.slots[c.pos]; sl.content != nil {
			values[c.ID] = sl.content.hooked(isoTime(sl.at))
		}
	}
	return object{
		"pulseId": it.id, "pulseName": it.name, "groupId": group.ID, "groupName": group.Title, "groupColor": group.Color,
		"isTopGroup": it.top(), "columnValues": values,
	}
}

func updatedFields(it *item, col *column, before, after slot) object {
	micros := after.at.UnixMicro()
	return object{
		"groupId": it.group, "pulseId": it.id, "pulseName": it.name, "isTopGroup": it.top(),
		"columnId": col.ID, "columnType": col.kind.hook, "columnTitle": col.Title,
		"value": after.hooked(col), "previousValue": before.hooked(col),
		"changedAt": json.Number(fmt.Sprintf("%d.%06d", micros/1e6, micros%1e6)),
	}
}

// renamedFields returns the fields of a rename, which has neither pulseName nor changedAt.
func renamedFields(it *item, before string) object {
	return object{
		"groupId": it.group, "pulseId": it.id,
		"value": object{"name": it.name}, "previousValue": object{"name": before},
	}
}

// goneFields returns the fields of a deleted or archived item, which has itemId and itemName instead of pulseId and
// pulseName.
func goneFields(it *item) object {
	return object{"itemId": it.id, "itemName": it.name}
}

func restoredFields(it *item, was string) object {
	state := 2
	if was == stateDeleted {
		state = 3
	}
	fields := goneFields(it)
	fields["groupId"] = it.group
	fields["value"] = object{"state": 1, "is_undo": true}
	fields["previousValue"] = object{"state": state}
	return fields
}

func movedFields(it *item, before string, to Group) object {
	return object{
		"pulseId": it.id, "pulseName": it.name, "sourceGroupId": before, "destGroupId": to.ID,
		"destGroup": object{"id": to.ID, "title": to.Title, "color": to.Color, "is_top_group": it.top()},
	}
}

// hooked returns a slot in the form of webhooks. An empty one has three forms: a status has its grey label without
// text, a cleared column is null, a column that was never written is {}.
func (sl slot) hooked(c *column) any {
	switch {
	case sl.content != nil:
		return sl.content.hooked(isoTime(sl.at))
	case c.Type == "status":
		return status{label{id: emptyStatus}}.hooked("")
	case sl.at.IsZero():
		return object{}
	default:
		return nil
	}
}

// top reports whether the item is in the board's first group.
func (it *item) top() bool { return it.group == it.board.Groups[0].ID }

// isoTime formats a time as Monday does, in milliseconds.
func isoTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// unsubscribe ends a subscription; webhooks that it caused before are still sent.
func (b *board) unsubscribe(h *webhook) {
	b.hooks = slices.DeleteFunc(b.hooks, func(other *webhook) bool { return other == h })
}
