package app

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/schema/postgres"
)

// OpenDatabase opens the database of DATABASE_URL for a command. Its error has all problems of the environment.
// Postgres need not answer yet.
func OpenDatabase(ctx context.Context, e *Environment) (*pgxpool.Pool, error) {
	url := e.Database()
	if err := e.Err(); err != nil {
		return nil, err
	}
	db, _, err := postgres.Open(ctx, url, 0)
	if err != nil {
		return nil, UsageError{err}
	}
	return db, nil
}

// Connect opens the role's pool of connections. Postgres need not answer yet.
func (s *Service) Connect(ctx context.Context) (*pgxpool.Pool, error) {
	// Batches, the queue's fetching and completing, inserts and the rounds each need a connection at times.
	wanted := int32(s.Config.BatchConcurrency) + 8
	db, mode, err := postgres.Open(ctx, s.Config.DatabaseURL, wanted)
	if err != nil {
		return nil, UsageError{err}
	}
	if most := db.Config().MaxConns; most < wanted {
		s.Log.Warn("few connections to Postgres: batches wait for each other", "allowed", most, "wanted", wanted)
	}
	s.polls, s.through = !mode.HasSessions(), mode
	return db, nil
}
