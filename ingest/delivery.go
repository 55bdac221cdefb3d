package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/riverqueue/river"

	"crmsync/jobs"
	"crmsync/mondayclient"
)

// delivery is a webhook on its way into the queue.
type delivery struct {
	args     river.JobArgs
	key      string
	body     *body // unchanged, in case Postgres rejects args; held until the delivery's group ends
	received time.Time
	isRepeat bool // Monday says that it was sent before
}

// unreadableDelivery keeps a body unchanged. The reason does not quote it.
func unreadableDelivery(from *body, reason string, received time.Time) delivery {
	key := bodyKey(from.bytes)
	args := jobs.UnreadableArgs{Key: key, Body: from.bytes, Reason: reason, ReceivedAt: received}
	return delivery{args: args, key: key, body: from, received: received}
}

// jobArgs turns an event into the args of its job. They are nil for a type that is not handled.
func jobArgs(e *mondayclient.Event, key string, received time.Time) river.JobArgs {
	event := jobs.Event{
		Key:         key,
		Type:        e.Type,
		BoardID:     e.BoardID,
		ItemID:      e.ItemID,
		UserID:      e.UserID,
		TriggeredAt: e.TriggeredAt,
		ReceivedAt:  received,
		Redelivered: e.Redelivered,
	}
	switch e.Type {
	case mondayclient.UpdateColumnValue:
		return jobs.ColumnUpdateArgs{
			Event: event, ColumnID: e.ColumnID, ColumnType: e.ColumnType, Value: e.Value, ChangedAt: e.ChangedAt,
		}
	case mondayclient.CreatePulse:
		return jobs.ItemCreateArgs{Event: event, Name: e.Name}
	case mondayclient.UpdateName:
		return jobs.ItemRenameArgs{Event: event, Name: e.Name}
	case mondayclient.DeletePulse, mondayclient.ArchivePulse:
		return jobs.ItemDeleteArgs{Event: event}
	case mondayclient.RestorePulse:
		return jobs.ItemRestoreArgs{Event: event}
	}
	return nil
}

// eventKey identifies an event, so that a repeated delivery is recognized. Monday may send one triggerUuid for several
// items and columns, for example when a person edits a selection of items; each of those is a separate event. If there
// is no triggerUuid, the body identifies the event.
func eventKey(e *mondayclient.Event, body []byte) string {
	if e.TriggerUUID == "" {
		return bodyKey(body)
	}
	key := e.TriggerUUID + ":" + strconv.FormatInt(e.ItemID, 10)
	if e.ColumnID != "" {
		key += ":" + e.ColumnID
	}
	return key
}

func bodyKey(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
