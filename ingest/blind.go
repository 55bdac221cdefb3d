package ingest

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// blindAttempts is how many times a group is inserted while other processes insert some of its keys.
const blindAttempts = 3

// Blind is an Inserter that never reads a job: the role of ingest may insert arguments but not read them. River's own
// InsertMany returns what it inserts, and so needs the right to read everything.
type Blind struct {
	insert func(ctx context.Context, params []river.InsertManyParams) (int, error)
	queued func(ctx context.Context, keys []string) (map[string]bool, error)
}

// NewBlind returns an Inserter. insert is InsertManyFast of a client that has the middleware Keys; queued returns which
// of River's unique keys, in hex, are in the queue.
func NewBlind(
	insert func(context.Context, []river.InsertManyParams) (int, error),
	queued func(context.Context, []string) (map[string]bool, error),
) *Blind {
	return &Blind{insert, queued}
}

// InsertManyFast inserts a group as a whole, or fails if one of its keys is in the queue.
func (b *Blind) InsertManyFast(ctx context.Context, params []river.InsertManyParams) (int, error) {
	return b.insert(ctx, params)
}

// InsertMany inserts those of a group whose keys are not in the queue.
func (b *Blind) InsertMany(ctx context.Context,
	params []river.InsertManyParams) (results []*rivertype.JobInsertResult, err error) {
	keys, err := b.keys(ctx, params)
	if err != nil {
		return nil, err
	}
	for range blindAttempts {
		if results, err = b.insertNew(ctx, params, keys); !isTaken(err) {
			break
		}
	}
	return results, err
}

func (b *Blind) insertNew(ctx context.Context, params []river.InsertManyParams,
	keys []string) ([]*rivertype.JobInsertResult, error) {
	known, err := b.queued(ctx, keys)
	if err != nil {
		return nil, err
	}
	results := make([]*rivertype.JobInsertResult, len(params))
	var fresh []river.InsertManyParams
	for n, key := range keys {
		results[n] = &rivertype.JobInsertResult{UniqueSkippedAsDuplicate: known[key]}
		if !known[key] {
			fresh = append(fresh, params[n])
		}
	}
	if len(fresh) > 0 {
		_, err = b.insert(ctx, fresh)
	}
	return results, err
}

// keys returns River's unique keys of a group, in the group's order, without inserting it.
func (b *Blind) keys(ctx context.Context, params []river.InsertManyParams) ([]string, error) {
	var asked keysAsked
	if _, err := b.insert(context.WithValue(ctx, keysOnly{}, &asked), params); err != nil {
		return nil, err
	}
	if len(asked.keys) != len(params) {
		return nil, fmt.Errorf("%d unique keys of %d jobs: the client lacks the middleware", len(asked.keys), len(params))
	}
	return asked.keys, nil
}

// keysOnly is the context key that makes an insert return its keys without inserting.
type keysOnly struct{}

type keysAsked struct{ keys []string }

// Keys is the middleware that a client for Blind needs.
type Keys struct{ river.MiddlewareDefaults }

// InsertMany returns the unique keys of the jobs if only these are asked for.
func (*Keys) InsertMany(
	ctx context.Context, params []*rivertype.JobInsertParams,
	insert func(context.Context) ([]*rivertype.JobInsertResult, error),
) ([]*rivertype.JobInsertResult, error) {
	asked, only := ctx.Value(keysOnly{}).(*keysAsked)
	if !only {
		return insert(ctx)
	}
	for _, p := range params {
		asked.keys = append(asked.keys, hex.EncodeToString(p.UniqueKey))
	}
	return nil, nil
}
