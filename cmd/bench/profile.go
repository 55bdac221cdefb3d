package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
)

// profiling is added to the program's main package if profiles are wanted: the program itself cannot write them.
//
//go:embed profiling.go.txt
var profiling []byte

// overlay makes the go command add a file to the program without writing to its folder.
func (s *testbed) overlay() (path string, err error) {
	added := filepath.Join(s.Dir, "profiling.go")
	if err := os.WriteFile(added, profiling, 0o600); err != nil {
		return "", err
	}
	root, err := filepath.Abs("cmd/crmsync/bench_profiling.go")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(map[string]map[string]string{"Replace": {root: added}})
	if err != nil {
		return "", err
	}
	s.Later(func() error { return os.Unsetenv("BENCH_PROFILE") })
	if err := os.Setenv("BENCH_PROFILE", filepath.Join(s.Dir, "profile")); err != nil {
		return "", err
	}
	path = filepath.Join(s.Dir, "overlay.json")
	return path, os.WriteFile(path, text, 0o600)
}

// resetStatements resets the times of Postgres' statements.
func (s *testbed) resetStatements(ctx context.Context) error {
	if s.profile == "" {
		return nil
	}
	return s.exec(ctx, "SELECT pg_stat_statements_reset()")
}

// keepProfile stores the profiles of the program and of Postgres under a name: NAME.cpu and NAME.allocs for `go tool
// pprof`, and NAME.statements.
func (s *testbed) keepProfile(ctx context.Context, p *process, name string) error {
	if s.profile == "" {
		return nil
	}
	name = filepath.Join(s.profile, strings.NewReplacer(", ", "-", " ", "-").Replace(name))
	if err := s.keepStatements(ctx, name+".statements"); err != nil {
		return fmt.Errorf("storing the times of statements: %w", err)
	}
	if p.cmd.Path != s.crmsync {
		return nil
	}
	if err := p.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		return fmt.Errorf("requesting the profile: %w", err)
	}
	from := filepath.Join(s.Dir, "profile")
	if err := s.appears(ctx, from+".cpu"); err != nil {
		return err
	}
	for _, kind := range []string{".allocs", ".cpu"} {
		text, err := os.ReadFile(from + kind)
		if err == nil {
			err = os.WriteFile(name+kind, text, 0o644)
		}
		if err == nil {
			err = os.Remove(from + kind)
		}
		if err != nil {
			return fmt.Errorf("storing the profile: %w", err)
		}
	}
	return nil
}

// appears waits for a file.
func (s *testbed) appears(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		if _, err := os.Stat(name); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for the profile: %w", context.Cause(ctx))
		case <-ticker.C:
		}
	}
}

// keepStatements writes the statements that took Postgres the most time.
func (s *testbed) keepStatements(ctx context.Context, path string) error {
	const query = `
		SELECT calls, rows, total_exec_time, total_exec_time / calls, wal_bytes::float8 / 1048576, left(regexp_replace(query, '\s+', ' ', 'g'), 110)
		FROM   pg_stat_statements
		ORDER  BY total_exec_time DESC
		LIMIT  20`
	rows, err := s.DB.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "calls\trows\tms\tms/call\tMiB of WAL\tstatement")
	for rows.Next() {
		var calls, found int64
		var total, each, wal float64
		var statement string
		if err := rows.Scan(&calls, &found, &total, &each, &wal, &statement); err != nil {
			return err
		}
		fmt.Fprintf(w, "%d\t%d\t%.0f\t%.2f\t%.1f\t%s\n", calls, found, total, each, wal, statement)
	}
	w.Flush()
	if err := rows.Err(); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text.String()), 0o644)
}
