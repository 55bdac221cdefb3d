package pglocal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minMajor is the oldest supported major version of PostgreSQL.
const minMajor = 14

// ErrNotFound means that no suitable PostgreSQL is installed, and says how to install one.
var ErrNotFound = fmt.Errorf("no PostgreSQL %d or later was found: install it (Debian, Ubuntu: apt-get install "+
	"postgresql; "+
	"macOS: brew install postgresql@17), or set PG_BIN to the folder of initdb, pg_ctl and postgres", minMajor)

// Binaries are the programs of one PostgreSQL installation.
type Binaries struct {
	Dir   string // folder of initdb, pg_ctl and postgres
	Major int    // major version, such as 17
}

// places are the folders in which packages install PostgreSQL's programs.
var places = []string{
	"/usr/lib/postgresql/*/bin",
	"/usr/pgsql-*/bin",
	"/opt/homebrew/opt/postgresql@*/bin",
	"/usr/local/opt/postgresql@*/bin",
	"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	"/Applications/Postgres.app/Contents/Versions/*/bin",
}

// Find looks for PostgreSQL in $PG_BIN, which must be valid if set; then on PATH, where pg_config points, and where
// packages install it, the newest version first. It returns [ErrNotFound] if there is none of version 14 or later.
func Find(ctx context.Context) (Binaries, error) {
	return find(ctx, os.Getenv("PG_BIN"), places)
}

func find(ctx context.Context, named string, places []string) (Binaries, error) {
	if named != "" {
		b, err := inspect(ctx, named)
		if err != nil {
			return Binaries{}, fmt.Errorf("using PG_BIN: %w", err)
		}
		return b, nil
	}
	for _, dir := range onPath(ctx) {
		if b, err := inspect(ctx, dir); err == nil {
			return b, nil
		}
	}
	var found []Binaries
	for _, pattern := range places {
		dirs, _ := filepath.Glob(pattern) // fails only for a bad pattern
		for _, dir := range dirs {
			if b, err := inspect(ctx, dir); err == nil {
				found = append(found, b)
			}
		}
	}
	if len(found) == 0 {
		return Binaries{}, ErrNotFound
	}
	return slices.MaxFunc(found, func(a, b Binaries) int { return cmp.Compare(a.Major, b.Major) }), nil
}

func onPath(ctx context.Context) []string {
	var dirs []string
	if name, err := exec.LookPath("pg_ctl"); err == nil {
		dirs = append(dirs, filepath.Dir(name))
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	return dirs
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// inspect reads the version of the installation in a folder.
func inspect(ctx context.Context, dir string) (Binaries, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Binaries{}, err
	}
	for _, name := range []string{"initdb", "pg_ctl", "postgres"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return Binaries{}, err
		}
	}
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	if err != nil {
		return Binaries{}, fmt.Errorf("asking %s/postgres for its version: %w", dir, err)
	}
	match := versionPattern.FindSubmatch(out)
	if match == nil {
		return Binaries{}, errors.New(dir + "/postgres does not report its version")
	}
	major, err := strconv.Atoi(string(match[1]))
	if err != nil || major < minMajor {
		return Binaries{}, fmt.Errorf("%s/postgres is version %s, older than %d", dir, match[1], minMajor)
	}
	return Binaries{Dir: dir, Major: major}, nil
}
