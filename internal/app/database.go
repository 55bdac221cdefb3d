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
	wanted := s.connections()
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

// ofQueue is how many connections River's client has: it fetches, completes and tends jobs.
const ofQueue = 4

// connect is Connect, and gives the workers' River client connections of its own, if there are enough of them. Its
// commits do not wait for the disk: a job that a crash of Postgres returns to an earlier state runs again, as it does
// after a crash of its worker.
func (s *Service) connect(ctx context.Context) (db *pgxpool.Pool, disconnect func(), err error) {
	if db, err = s.Connect(ctx); err != nil {
		return nil, nil, err
	}
	if !s.Role.Worker || s.through != postgres.Direct || db.Config().MaxConns < s.connections() {
		return db, db.Close, nil
	}
	if db, s.queueDB, err = postgres.Split(ctx, db, ofQueue); err != nil {
		return nil, nil, err
	}
	return db, func() { db.Close(); s.queueDB.Close() }, nil
}

// connections is how many connections a role uses at most: those of the batches, the queue, inserts and the rounds.
func (s *Service) connections() int32 { return int32(s.Config.BatchConcurrency) + ofQueue + 4 }
