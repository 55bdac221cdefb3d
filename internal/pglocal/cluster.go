package pglocal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// superuser owns every cluster. It needs no password: access to the socket is proof enough.
const superuser = "postgres"

// prepareCluster prepares a cluster so that it can be started.
func (s *Server) prepareCluster(ctx context.Context) error {
	if err := s.initialize(ctx); err != nil {
		return err
	}
	if err := s.endLeftover(ctx); err != nil {
		return err
	}
	if err := s.folder.makeSocket(s.account); err != nil {
		return fmt.Errorf("creating the socket's folder: %w", err)
	}
	if err := os.Remove(s.folder.path("log")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing the old log: %w", err)
	}
	name := s.folder.path("data/postgresql.conf")
	if err := os.WriteFile(name, s.settings(), 0o600); err != nil {
		return fmt.Errorf("writing the server's settings: %w", err)
	}
	return s.account.own(name)
}

// initialize creates the data folder if it is missing. It creates it under another name and renames it, so that an
// interrupted initdb never looks complete.
func (s *Server) initialize(ctx context.Context) error {
	data, aside := s.folder.path("data"), s.folder.path("data.new")
	version, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err == nil {
		if made := strings.TrimSpace(string(version)); made != fmt.Sprint(s.bin.Major) {
			return fmt.Errorf("%s was created by PostgreSQL %s, and the programs in %s are version %d: "+
				"set PG_BIN to version %[2]s, or move the folder away", data, made, s.bin.Dir, s.bin.Major)
		}
		return nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("reading the version of the data: %w", err)
	}
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("removing an incomplete cluster: %w", err)
	}
	args := []string{"-D", aside, "-U", superuser, "-A", "trust", "-E", "UTF8", "--no-locale"}
	if s.config.Testing {
		args = append(args, "--no-sync")
	}
	cmd := s.account.command(ctx, s.folder, filepath.Join(s.bin.Dir, "initdb"), args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running initdb: %w\n%s", err, out)
	}
	if err := os.Rename(aside, data); err != nil {
		return fmt.Errorf("naming the new cluster: %w", err)
	}
	return nil
}

// endLeftover stops a server whose supervisor was killed. Only an answer on its socket proves that it is running: the
// process id it left may belong to another program by now.
func (s *Server) endLeftover(ctx context.Context) error {
	conn, err := net.Dial("unix", filepath.Join(s.folder.socket(), ".s.PGSQL.5432"))
	if err != nil {
		return nil
	}
	conn.Close()
	cmd := s.account.command(ctx, s.folder, filepath.Join(s.bin.Dir, "pg_ctl"), "stop", "-D", "data", "-s", "-w", "-m",
		"immediate")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("stopping the server left by a killed program: %w\n%s", err, out)
	}
	return nil
}

// settings returns the complete postgresql.conf.
func (s *Server) settings() []byte {
	settings := map[string]string{
		"max_connections": "200",
		"timezone":        "UTC",
	}
	if s.config.Testing {
		// synchronous_commit stays on: without it an immediate restart loses confirmed commits.
		settings["fsync"], settings["full_page_writes"] = "off", "off"
	}
	maps.Copy(settings, s.config.Settings)
	// These keep the server private, whatever the caller sets.
	maps.Copy(settings, map[string]string{
		"listen_addresses":        "",
		"port":                    "5432",
		"unix_socket_directories": s.folder.socket(),
		"logging_collector":       "off",
	})
	quote := strings.NewReplacer(`'`, `''`, `\`, `\\`)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&text, "%s = '%s'\n", name, quote.Replace(settings[name]))
	}
	return []byte(text.String())
}
