package schematest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"crmsync/internal/pglocal"
	"crmsync/schema/store"
)

// templateLock is the advisory lock of the session that prepares a template; the others wait for it.
const templateLock = 0x736368656d61 // "schema"

// startServer starts the private server, or attaches to it.
func startServer(ctx context.Context) (*pglocal.Server, error) {
	found, err := pglocal.Find(ctx)
	if err != nil {
		return nil, err
	}
	return pglocal.Start(ctx, pglocal.Config{
		Dir:      cacheDir(fmt.Sprintf("test-pg%d", found.Major)),
		Testing:  true,
		Settings: map[string]string{"max_connections": "500"},
	})
}

// cacheDir returns a folder of this user; its contents save the next run a few seconds.
func cacheDir(name string) string {
	dir, err := os.UserCacheDir()
	if err != nil { // no home, as in some containers
		return filepath.Join(os.TempDir(), fmt.Sprintf("crmsync-%d-%s", os.Getuid(), name))
	}
	return filepath.Join(dir, "crmsync", name)
}

// fingerprint changes whenever the schema does, that is, with our migrations and with River's.
func fingerprint() string {
	ours := store.Fingerprint()
	river, err := rivermigrate.New(riverpgxv5.New(nil), nil)
	if err != nil {
		panic(err) // happens only for an unknown migration line; none is named
	}
	return fmt.Sprintf("%s_%d", ours, len(river.AllVersions()))
}

// open begins a session on the template with the fingerprint.
//
// Names show what belongs together: template "crmsync_test_<fingerprint>", its session
// "crmsync_test_<fingerprint>_<random>", a database of that session "crmsync_test_<fingerprint>_<random>_<n>". The
// session's name is its connection's application_name, so that other sessions can see it.
func open(ctx context.Context, server, fingerprint string) (*session, error) {
	config, err := pgx.ParseConfig(server)
	if err != nil {
		return nil, fmt.Errorf("reading the server's URL: %w", err)
	}
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	template := "crmsync_test_" + fingerprint
	s := &session{url: server, template: template, name: template + "_" + hex.EncodeToString(random)}
	config.RuntimeParams["application_name"] = s.name
	if s.conn, err = pgx.ConnectConfig(ctx, config); err != nil {
		return nil, fmt.Errorf("connecting to the server: %w", err)
	}
	if err := s.prepare(ctx); err != nil {
		s.conn.Close(context.WithoutCancel(ctx))
		return nil, err
	}
	return s, nil
}

func (s *session) prepare(ctx context.Context) error {
	if _, err := s.conn.Exec(ctx, "SELECT pg_advisory_lock($1)", templateLock); err != nil {
		return fmt.Errorf("waiting for the template: %w", err)
	}
	defer func() { // the lock ends with the connection at the latest
		_, _ = s.conn.Exec(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock($1)", templateLock)
	}()
	if err := s.sweep(ctx); err != nil {
		return fmt.Errorf("dropping databases of dead test processes: %w", err)
	}
	if err := s.createTemplate(ctx); err != nil {
		return fmt.Errorf("creating the template: %w", err)
	}
	return nil
}

// sweep drops the databases and templates that belong to no living session.
func (s *session) sweep(ctx context.Context) error {
	const query = `
		SELECT d.datname::text
		FROM   pg_database AS d
		WHERE  starts_with(d.datname, 'crmsync_test_') AND pg_get_userbyid(d.datdba) = current_user
		AND    NOT EXISTS (
		       SELECT FROM pg_stat_activity AS a
		       WHERE  starts_with(a.application_name, 'crmsync_test_')
		       AND    (starts_with(a.application_name, d.datname) OR starts_with(d.datname, a.application_name)))`
	rows, err := s.conn.Query(ctx, query)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		drop := "DROP DATABASE IF EXISTS " + pgx.Identifier{name}.Sanitize() + " WITH (FORCE)"
		if _, err := s.conn.Exec(ctx, drop); err != nil {
			return err
		}
	}
	return nil
}

// createTemplate migrates under a temporary name and then renames, so that a template is always complete.
func (s *session) createTemplate(ctx context.Context) error {
	var exists bool
	row := s.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", s.template)
	if err := row.Scan(&exists); err != nil || exists {
		return err
	}
	aside := s.name + "_template"
	if _, err := s.conn.Exec(ctx, "CREATE DATABASE "+aside); err != nil {
		return err
	}
	if err := store.Migrate(ctx, database(s.url, aside)); err != nil {
		return err
	}
	_, err := s.conn.Exec(ctx, "ALTER DATABASE "+aside+" RENAME TO "+s.template)
	return err
}
