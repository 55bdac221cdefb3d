package ingest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"crmsync/jobs"
	"crmsync/mondayclient"
	"crmsync/schema/queue"
)

// delivery is a webhook on its way into the queue.
type delivery struct {
	job      queue.Job
	body     *body // unchanged, in case Postgres rejects the job; held until the delivery's group ends
	received time.Time
	isRepeat bool // Monday says that it was sent before
}

// jobArgs are the args of one of package jobs' kinds.
type jobArgs interface{ Kind() string }

// newDelivery encodes a job. If that fails, the args are empty, and Postgres rejects them.
func newDelivery(args jobArgs, key string, from *body, received time.Time, isRepeat bool) delivery {
	var text []byte
	if a, ok := args.(jobs.ColumnUpdateArgs); ok {
		text = a.AppendJSON(from.room())
	} else {
		text, _ = json.Marshal(args)
	}
	kind := args.Kind()
	job := queue.Job{Kind: kind, Key: queue.KeyOf(kind, key), Args: text}
	return delivery{job: job, body: from, received: received, isRepeat: isRepeat}
}

// unreadableDelivery keeps a body unchanged. The reason does not quote it.
func unreadableDelivery(from *body, reason string, received time.Time) delivery {
	key := bodyKey(from.bytes)
	args := jobs.UnreadableArgs{Key: key, Body: from.bytes, Reason: reason, ReceivedAt: received}
	return newDelivery(args, key, from, received, false)
}

// argsOf turns an event into the args of its job. They are nil for a type that is not handled.
func argsOf(e *mondayclient.Event, key string, received time.Time) jobArgs {
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
	var room [128]byte
	key := append(append(room[:0], e.TriggerUUID...), ':')
	key = strconv.AppendInt(key, e.ItemID, 10)
	if e.ColumnID != "" {
		key = append(append(key, ':'), e.ColumnID...)
	}
	return string(key)
}

func bodyKey(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
