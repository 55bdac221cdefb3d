package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// OpenDatabase opens the database that DATABASE_URL names, for a command. Its error has all problems of the
// environment. Postgres need not answer yet.
func OpenDatabase(ctx context.Context, e *Environment) (*pgxpool.Pool, error) {
	url := e.Database()
	if err := e.Err(); err != nil {
		return nil, err
	}
	return openPool(ctx, url, 0)
}

// Connect opens the role's pool of connections. Postgres need not answer yet.
func (s *Service) Connect(ctx context.Context) (*pgxpool.Pool, error) {
	// Batches, the queue's fetching and completing, inserts and the sweep each want a connection now and then.
	return openPool(ctx, s.Config.DatabaseURL, int32(s.Config.BatchConcurrency)+8)
}

// openPool opens a pool whose limit of connections is no lower than atLeast.
func openPool(ctx context.Context, url string, atLeast int32) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, UsageError{errors.New("DATABASE_URL: is not a valid Postgres URL")}
	}
	c.MaxConns = max(c.MaxConns, atLeast)
	c.ConnConfig.RuntimeParams["application_name"] = "crmsync"
	c.ConnConfig.ConnectTimeout = 5 * time.Second
	// A process that freezes within a transaction must not hold its locks for as long as it is frozen.
	c.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "60s"
	db, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("connecting to Postgres: %w", err)
	}
	return db, nil
}
