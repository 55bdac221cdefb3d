package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/deploy"
	"crmsync/internal/pglocal"
	"crmsync/schema/store"
)

const secret = "a-webhook-secret-of-32-characters"

// stage is what stands around the measured programs.
type stage struct {
	dir        string // of this run, removed at the end
	crmsync    string // path of the program
	profile    string // folder of profiles; empty: none are taken
	db         *pgxpool.Pool
	postmaster int // process id
	*systems
	env    []string // of measured programs
	linked []string // Salesforce Ids of the linked items' records
	undo   []func() error
}

// later has something done when the stage is struck, before what was asked for earlier.
func (s *stage) later(undo func() error) { s.undo = append(s.undo, undo) }

// strike takes everything down.
func (s *stage) strike() (err error) {
	for n := range s.undo {
		err = errors.Join(err, s.undo[len(s.undo)-1-n]())
	}
	return err
}

// set builds the program and starts all that is around it.
func (s *stage) set(ctx context.Context, profile string) (err error) {
	if s.dir, err = os.MkdirTemp("", "crmsync-bench-"); err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	s.later(func() error { return os.RemoveAll(s.dir) })
	if profile != "" {
		if s.profile, err = filepath.Abs(profile); err == nil {
			err = os.MkdirAll(s.profile, 0o755)
		}
		if err != nil {
			return fmt.Errorf("making the folder of profiles: %w", err)
		}
	}
	if err := s.build(ctx); err != nil {
		return err
	}
	url, err := s.startPostgres(ctx)
	if err != nil {
		return err
	}
	return s.startSystems(url)
}

// build makes the program as `make build` does, but for the profiles.
func (s *stage) build(ctx context.Context) error {
	s.crmsync = filepath.Join(s.dir, "crmsync")
	args := []string{"build", "-trimpath", "-o", s.crmsync}
	if s.profile != "" {
		overlay, err := s.overlay()
		if err != nil {
			return fmt.Errorf("preparing a program that profiles itself: %w", err)
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "crmsync/cmd/crmsync")...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building crmsync: %w\n%s", err, out)
	}
	return nil
}

// startPostgres starts a private server with the schema in it. It is as durable as one in production.
func (s *stage) startPostgres(ctx context.Context) (url string, err error) {
	config := pglocal.Config{Settings: map[string]string{}}
	if s.profile != "" {
		config.Settings["shared_preload_libraries"] = "pg_stat_statements"
	}
	server, err := pglocal.Start(context.WithoutCancel(ctx), config)
	if err != nil {
		return "", err
	}
	s.later(server.Stop)
	url = server.URL("postgres")
	if err := store.Migrate(ctx, url); err != nil {
		return "", err
	}
	if s.db, err = pgxpool.New(ctx, url); err != nil {
		return "", fmt.Errorf("connecting to Postgres: %w", err)
	}
	s.later(func() error { s.db.Close(); return nil })
	var backend int
	if err := s.db.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return "", fmt.Errorf("asking Postgres: %w", err)
	}
	of, err := statOf(backend)
	if err != nil {
		return "", err
	}
	s.postmaster = of.parent
	if s.profile != "" {
		if _, err := s.db.Exec(ctx, "CREATE EXTENSION pg_stat_statements"); err != nil {
			return "", fmt.Errorf("counting statements: %w", err)
		}
	}
	return url, nil
}

// startSystems serves both systems, and makes the environment in which measured programs find everything.
func (s *stage) startSystems(url string) (err error) {
	if s.systems, err = serveSystems(0); err != nil {
		return err
	}
	s.later(s.systems.close)
	mapping := filepath.Join(s.dir, "mapping.yaml")
	if err := os.WriteFile(mapping, deploy.Mapping, 0o600); err != nil {
		return fmt.Errorf("writing the mapping: %w", err)
	}
	s.env = append(os.Environ(),
		"DATABASE_URL="+url, "MAPPING="+mapping, "SCHEMA_UP=off", "WEBHOOK_SECRET="+secret,
		"INGEST_ADDR=127.0.0.1:0", "ADMIN_ADDR=127.0.0.1:0", "SHUTDOWN_GRACE=5s",
	)
	s.env = append(s.env, s.systems.env...)
	return nil
}
