package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/ledger"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

func TestMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := schematest.URL(t)
	db := must[*pgxpool.Pool](t)(pgxpool.New(t.Context(), url))
	t.Cleanup(db.Close)
	// The test's database is migrated already: empty it.
	if _, err := db.Exec(t.Context(), "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if err := store.Migrate(t.Context(), url); err != nil {
				t.Errorf("migrating: %v", err)
			}
		})
	}
	wait.Wait()
	if err := store.Migrate(t.Context(), url); err != nil {
		t.Errorf("migrating once more: %v", err)
	}
	if _, err := store.New(db).OpenDeadLetters(t.Context()); err != nil {
		t.Error(err)
	}
}

type retries interface{ RetryAfter() time.Duration }

// TestErrors checks which errors mean waiting for Postgres, and that none quotes a row.
func TestErrors(t *testing.T) {
	t.Parallel()
	secret := "Ada's secret"
	tests := map[string]struct {
		err   func(w *world) error
		waits bool
	}{
		"a text that Postgres refuses": {err: func(w *world) error {
			holder := uuid.New()
			w.claim(holder, 1)
			_, err := w.Save(t.Context(), holder, store.Commit{Items: items(&ledger.Item{ID: 1, Name: secret + "\x00"})})
			return err
		}},
		"a status that the table refuses": {err: func(w *world) error {
			_, err := w.Save(t.Context(), uuid.New(), store.Commit{Logs: []store.Log{{JobID: 1, Status: secret, Response: secret, Unclaimed: true}}})
			return err
		}},
		"a value that is not JSON": {err: func(w *world) error {
			link := &ledger.Link{Written: map[string]ledger.Written{secret: {Value: make(chan int)}}}
			_, err := w.Save(t.Context(), uuid.New(), store.Commit{Links: []*ledger.Link{link}})
			return err
		}},
		"a row twice in a set": {err: func(w *world) error {
			log := store.Log{JobID: 1, Status: "skipped", Unclaimed: true}
			_, err := w.Save(t.Context(), uuid.New(), store.Commit{Logs: []store.Log{log, log}})
			return err
		}},
		"no time left": {waits: true, err: func(w *world) error {
			ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
			defer cancel()
			<-ctx.Done()
			_, err := w.OpenDeadLetters(ctx)
			return err
		}},
		"statement cancelled by the server": {waits: true, err: func(w *world) error {
			return w.Do(t.Context(), func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), "SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)")
				return err
			})
		}},
		"connection cut": {waits: true, err: func(w *world) error {
			return w.Do(t.Context(), func(tx pgx.Tx) error {
				_, err := tx.Exec(t.Context(), "SELECT pg_terminate_backend(pg_backend_pid())")
				return err
			})
		}},
		"no server": {waits: true, err: func(w *world) error {
			pool := must[*pgxpool.Pool](t)(pgxpool.New(t.Context(), "postgres://user:password@127.0.0.1:1/db"))
			defer pool.Close()
			_, err := store.New(pool).OpenDeadLetters(t.Context())
			return err
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			err := tt.err(w)
			if err == nil {
				t.Fatal("no error")
			}
			var r retries
			if waits := errors.As(err, &r) && r.RetryAfter() > 0; waits != tt.waits {
				t.Errorf("waits: %v, want %v, by %v", waits, tt.waits, err)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "password") {
				t.Errorf("the error contains a value: %v", err)
			}
		})
	}
}
