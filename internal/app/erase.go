package app

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/store"
	"crmsync/worker"
)

// Erased counts, for each table, the rows that contained values of an erased item.
type Erased []store.ErasedTable

// Rows returns how many rows contained values.
func (e Erased) Rows() (rows int64) {
	for _, table := range e {
		rows += table.Rows
	}
	return rows
}

// Erase removes an item's values from everything that is stored about it, and records who did so.
func Erase(ctx context.Context, db *pgxpool.Pool, item int64, by store.By) (Erased, error) {
	return erase(ctx, db, item, false, by)
}

// EraseForGood erases an item, and keeps it from returning.
func EraseForGood(ctx context.Context, db *pgxpool.Pool, item int64, by store.By) (Erased, error) {
	return erase(ctx, db, item, true, by)
}

func erase(ctx context.Context, db *pgxpool.Pool, item int64, forGood bool, by store.By) (erased Erased, err error) {
	s, subject := store.New(db), store.Subject("item", []int64{item})
	err = s.Do(ctx, func(tx pgx.Tx) (err error) {
		jobs, err := worker.Queue(db).EraseItem(ctx, tx, item) // first: River locks a job before its dead letter, too
		if err != nil {
			return err
		}
		if erased, err = s.Erase(ctx, tx, item); err != nil {
			return err
		}
		erased = append(erased, store.ErasedTable{Table: "river_job", Rows: jobs})
		if forGood {
			subject += ", suppressed"
			if err := s.Suppress(ctx, tx, item); err != nil {
				return err
			}
		}
		return store.RecordOperation(ctx, tx, store.Operation{By: by, Act: store.ActErase, Subject: subject,
			Items: []int64{item}})
	})
	return erased, err
}
