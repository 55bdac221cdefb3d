package send

import (
	"context"

	"crmsync/sfclient"
)

// Salesforce is the part of Salesforce's API that a Sender uses. Each of the first four methods is one API call with up
// to 200 records; results are in the order of records. The others are those of sfclient.Client.
type Salesforce interface {
	Create(ctx context.Context, object string, rows []sfclient.Record, o sfclient.WriteOptions) ([]sfclient.Result, error)
	Update(ctx context.Context, object string, rows []sfclient.Record, o sfclient.WriteOptions) ([]sfclient.Result, error)
	Upsert(
		ctx context.Context, object, key string, rows []sfclient.Record, o sfclient.WriteOptions,
	) ([]sfclient.Result, error)
	Delete(ctx context.Context, ids []string) ([]sfclient.Result, error)

	// WriteEach is up to 5 calls of Update and Upsert in one.
	WriteEach(ctx context.Context, lots []sfclient.Lot) ([]sfclient.LotResult, error)

	Fates(ctx context.Context, object string, ids []string) (map[string]sfclient.Fate, error)
	Duplicates(
		ctx context.Context, object, key string, record sfclient.Record, o sfclient.WriteOptions,
	) (found []string, result sfclient.Result, err error)
}
