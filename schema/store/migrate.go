package store

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"crmsync/schema/postgres"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrateLock is the advisory lock that one migrating process holds.
const migrateLock = 0x63726d73796e63 // "crmsync"

// Migrate applies River's and our own migrations to the database. It is idempotent, and safe when several
// processes start at once: one migrates, the others wait for it and find nothing to do.
func Migrate(ctx context.Context, url string) error {
	db, _, err := postgres.Open(ctx, url, 3) // one holds the lock
	if err != nil {
		return err
	}
	defer db.Close()
	// The lock is a transaction's, not a session's: it ends with its process even if a pooler keeps the connection.
	return doing("migrating", pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL idle_in_transaction_session_timeout = 0"); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1)", migrateLock); err != nil {
			return doing("waiting for the migration lock", err)
		}
		if err := migrateRiver(ctx, db); err != nil {
			return err
		}
		return migrateOwn(ctx, db)
	}))
}

// Versions returns the newest migration of ours and of River's that this program applies.
func Versions() (own, river int64, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, fmt.Errorf("listing the migrations: %w", err)
	}
	for _, name := range names {
		version, err := goose.NumericComponent(name)
		if err != nil {
			return 0, 0, fmt.Errorf("reading the number of %s: %w", name, err)
		}
		own = max(own, version)
	}
	migrator, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		return 0, 0, fmt.Errorf("preparing River's migrations: %w", err)
	}
	for _, m := range migrator.AllVersions() {
		river = max(river, int64(m.Version))
	}
	return own, river, nil
}

// Fingerprint changes whenever a migration of ours does.
func Fingerprint() string {
	sum := sha256.New()
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		panic(err) // the pattern is a constant
	}
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		fmt.Fprintf(sum, "%s %d\n", name, len(text))
		sum.Write(text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

func migrateRiver(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("preparing River's migrations: %w", err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return doing("applying River's migrations", err)
	}
	return nil
}

func migrateOwn(ctx context.Context, pool *pgxpool.Pool) error {
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files)
	if err != nil {
		return fmt.Errorf("preparing the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return doing("applying the migrations", err)
	}
	return nil
}
