package e2e

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Bouncer starts a PgBouncer in a mode in front of the world's database, with few connections to the server, and
// returns the URL of the database through it.
func (w *World) Bouncer(mode string) string {
	t := w.T
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		if os.Getenv("CI") != "true" {
			t.Skip("pgbouncer is missing: sh .ci/install pgbouncer")
		}
		t.Fatal(err)
	}
	server, err := pgx.ParseConfig(w.Env["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	account := notRoot(t)
	dir := shared(t, account)
	runBouncer(t, program, bouncerConfig(t, dir, mode, server), account)
	w.Eventually("pgbouncer listens", func() bool {
		conn, err := net.Dial("unix", filepath.Join(dir, fmt.Sprintf(".s.PGSQL.%d", bouncerPort)))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	options := url.Values{"host": {dir}, "port": {strconv.Itoa(bouncerPort)}}
	return (&url.URL{Scheme: "postgres", User: url.User(server.User), Path: "/" + server.Database,
		RawQuery: options.Encode()}).String()
}

// bouncerConfig writes a configuration in front of a server to a folder, and returns its path.
func bouncerConfig(t *testing.T, dir, mode string, server *pgx.ConnConfig) string {
	t.Helper()
	text := fmt.Sprintf(`
[databases]
* = host=%s port=%d user=%s
[pgbouncer]
listen_addr =
listen_port = %d
unix_socket_dir = %s
auth_type = any
pool_mode = %s
default_pool_size = 40
max_client_conn = 200
`, server.Host, server.Port, server.User, bouncerPort, dir, mode)
	path := filepath.Join(dir, "pgbouncer.ini")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// runBouncer runs a PgBouncer under an account until the test ends.
func runBouncer(t *testing.T, program, config string, account *syscall.Credential) {
	t.Helper()
	cmd := exec.Command(program, config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	var log LogBuffer
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("log of pgbouncer:\n%s", log.Tail(20))
		}
	})
}

// bouncerPort names the socket in the bouncer's own folder.
const bouncerPort = 6432

// shared creates a folder in which the account can create a socket; nil: this process's own.
func shared(t *testing.T, account *syscall.Credential) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "crmsync-pgbouncer-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	err = os.Chmod(dir, 0o755)
	if err == nil && account != nil {
		err = os.Chown(dir, int(account.Uid), int(account.Gid))
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// notRoot returns the account for the test's Postgres and PgBouncer if this process runs as root: neither program runs
// as root.
func notRoot(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("neither user postgres nor nobody exists")
	return nil
}
