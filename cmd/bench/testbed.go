package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"crmsync/internal/pglocal"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
	"crmsync/schema/store"
)

// secret is the last segment of the webhook's URL.
const secret = "a-webhook-secret-of-32-characters"

// testbed is the environment of the measured programs. Its Postgres is as durable as in production.
type testbed struct {
	*stage.Stage
	crmsync    string   // path of the program
	profile    string   // folder of profiles; empty: none
	postmaster int      // process id
	linked     []string // Salesforce Ids of the linked items' records
}

// systems returns a stage with empty systems, whose calls have a latency and whose limits never run out.
func systems(latency time.Duration) stage.Config {
	return stage.Config{
		Monday:     mondaysim.Config{ComplexityPerMinute: 1 << 30, Latency: latency},
		Salesforce: sfsim.Config{DailyLimit: 1 << 30, Latency: latency},
	}
}

// set builds the program and starts its environment.
func (s *testbed) set(ctx context.Context, profile string) (err error) {
	c := systems(0)
	c.Postgres = &pglocal.Config{Settings: map[string]string{}}
	if profile != "" {
		c.Postgres.Settings["shared_preload_libraries"] = "pg_stat_statements"
	}
	c.Env = map[string]string{"SCHEMA_UP": "off", "WEBHOOK_SECRET": secret, "SHUTDOWN_GRACE": "5s"}
	if s.Stage, err = stage.Set(ctx, c); err != nil {
		return err
	}
	if profile != "" {
		if s.profile, err = filepath.Abs(profile); err == nil {
			err = os.MkdirAll(s.profile, 0o755)
		}
		if err != nil {
			return fmt.Errorf("creating the folder of profiles: %w", err)
		}
	}
	if err := s.build(ctx); err != nil {
		return err
	}
	return s.preparePostgres(ctx)
}

// build builds the program as `make build` does, with profiling if wanted.
func (s *testbed) build(ctx context.Context) error {
	s.crmsync = filepath.Join(s.Dir, "crmsync")
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

// preparePostgres applies the schema, and finds the process whose CPU time is measured.
func (s *testbed) preparePostgres(ctx context.Context) error {
	if err := store.Migrate(ctx, s.Env["DATABASE_URL"]); err != nil {
		return err
	}
	var backend int
	if err := s.DB.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return fmt.Errorf("asking Postgres: %w", err)
	}
	of, err := statOf(backend)
	if err != nil {
		return err
	}
	s.postmaster = of.parent
	if s.profile != "" {
		if _, err := s.DB.Exec(ctx, "CREATE EXTENSION pg_stat_statements"); err != nil {
			return fmt.Errorf("counting statements: %w", err)
		}
	}
	return nil
}
