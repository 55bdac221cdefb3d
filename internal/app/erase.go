package app

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/store"
	"crmsync/worker"
)

// Erased counts the rows that contained values of an erased item.
type Erased struct {
	store.Erased
	Jobs int64
}

// Rows returns how many rows contained values.
func (e Erased) Rows() int64 {
	return e.Items + e.Links + e.Letters + e.Documents + e.Conflicts + e.Jobs
}

// Erase removes an item's values from everything that is kept of it, and records who did so.
func Erase(ctx context.Context, db *pgxpool.Pool, item int64, by store.By) (e Erased, err error) {
	s := store.New(db)
	err = s.Do(ctx, func(tx pgx.Tx) (err error) {
		if e.Erased, err = s.Erase(ctx, tx, item); err != nil {
			return err
		}
		if e.Jobs, err = worker.Queue(db).EraseItem(ctx, tx, item); err != nil {
			return err
		}
		items := []int64{item}
		return store.RecordOperation(ctx, tx, store.Operation{By: by, Act: store.ActErase, Subject: store.Subject("item", items), Items: items})
	})
	return e, err
}
