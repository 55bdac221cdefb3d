package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"

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
	other      string   // path of another build of it to measure; empty: none
	profile    string   // folder of profiles; empty: none
	postmaster int      // process id
	linked     []string // Salesforce Ids of the linked items' records
}

// systems returns a stage with empty systems, whose calls have a latency and whose limits never run out.
func systems(l latency) stage.Config {
	return stage.Config{
		Monday:     mondaysim.Config{ComplexityPerMinute: 1 << 30, Latency: l.monday},
		Salesforce: sfsim.Config{DailyLimit: 1 << 30, Latency: l.salesforce},
	}
}

// set builds the program and starts its environment.
func (s *testbed) set(ctx context.Context, profile string) (err error) {
	c := systems(latency{})
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

// build builds the program, with profiling if wanted.
func (s *testbed) build(ctx context.Context) error {
	s.crmsync = filepath.Join(s.Dir, "crmsync")
	flags, env := sameFlags()
	args := append([]string{"build", "-o", s.crmsync}, flags...)
	if s.profile != "" {
		overlay, err := s.overlay()
		if err != nil {
			return fmt.Errorf("preparing a program that profiles itself: %w", err)
		}
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "crmsync/cmd/crmsync")...)
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building crmsync: %w\n%s", err, out)
	}
	return nil
}

// sameFlags returns the flags and the environment that this program was built with. A program built with the same ones
// shares its compiled packages, and any difference would have every package compiled once more.
func sameFlags() (flags, env []string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return nil, nil
	}
	trimmed := false
	for _, setting := range info.Settings {
		switch setting.Key {
		case "-trimpath":
			trimmed = setting.Value == "true"
		case "CGO_ENABLED":
			env = append(env, "CGO_ENABLED="+setting.Value)
		}
	}
	return []string{fmt.Sprintf("-trimpath=%t", trimmed)}, env
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
	return s.exec(ctx, "CREATE TABLE bare (body bytea NOT NULL)")
}
