package pglocal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// helperDir makes the test binary a second program that uses the server in this folder.
const helperDir = "PGLOCAL_HELPER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(helperDir); dir != "" {
		os.Exit(help(dir))
	}
	os.Exit(m.Run())
}

// help starts or attaches, prints "up" and the server's process id, and stops when its input ends.
func help(dir string) int {
	s, err := Start(context.Background(), Config{Dir: dir, Testing: true})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("up", s.folder.postmaster().pid)
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := s.Stop(); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// helper is another process that uses the server.
type helper struct {
	cmd   *exec.Cmd
	leave io.Closer
	pid   int // of the server it reached
}

func startHelper(t *testing.T, dir string) *helper {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), helperDir+"="+dir)
	cmd.Stderr = os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	h := &helper{cmd: cmd, leave: stdin}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if _, scanErr := fmt.Sscanf(line, "up %d", &h.pid); scanErr != nil {
		t.Fatalf("helper printed %q, error %v", line, err)
	}
	return h
}

// openDir returns a temporary folder that the server's user can enter even if this process runs as root.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func start(t *testing.T, config Config) *Server {
	t.Helper()
	config.Testing = true
	s, err := Start(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t *testing.T, s *Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Errorf("Stop() = %v", err)
	}
}

// query returns the text of one value, read over its own connection.
func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var value string
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

func execute(t *testing.T, s *Server, sql string) {
	t.Helper()
	query(t, s, "WITH done AS ("+sql+" RETURNING 1) SELECT count(*)::text FROM done")
}

func createNotes(t *testing.T, s *Server) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), "CREATE TABLE notes (note text)"); err != nil {
		t.Fatal(err)
	}
}

const allNotes = "SELECT coalesce(string_agg(note, ' ' ORDER BY note), '') FROM notes"

// waitGone waits until both the server and its supervisor are gone.
func waitGone(t *testing.T, dir folder, pid int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	running, err := waitLock(ctx, dir.path("running"))
	if err != nil {
		t.Fatalf("the supervisor is still running: %v", err)
	}
	running.Close()
	if state := dir.postmaster(); state.pid != 0 {
		t.Fatalf("the server is still running: %+v", state)
	}
	if err := syscall.Kill(pid, 0); err == nil && !defunct(pid) {
		t.Fatalf("process %d of the server is still running", pid)
	}
}

// defunct reports whether a process has ended but has not been waited for.
func defunct(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(pid)).Output()
	return err != nil || strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

func TestDataStayFromStartToStart(t *testing.T) {
	t.Parallel()
	config := Config{Dir: openDir(t), Settings: map[string]string{"application_name": `it's a \ "test"`}}
	s := start(t, config)
	createNotes(t, s)
	execute(t, s, "INSERT INTO notes VALUES ('kept')")
	pid := s.folder.postmaster().pid
	stop(t, s)
	waitGone(t, s.folder, pid)

	s = start(t, config)
	got := map[string]string{
		"notes":            query(t, s, allNotes),
		"listen_addresses": query(t, s, "SHOW listen_addresses"),
		"fsync":            query(t, s, "SHOW fsync"),
		"application_name": query(t, s, "SELECT reset_val FROM pg_settings WHERE name = 'application_name'"),
	}
	want := map[string]string{
		"notes":            "kept",
		"listen_addresses": "",
		"fsync":            "off",
		"application_name": `it's a \ "test"`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the second start (-want +got):\n%s", diff)
	}
}

func TestRestart(t *testing.T) {
	t.Parallel()
	s := start(t, Config{Dir: openDir(t)})
	createNotes(t, s)
	for _, mode := range []Mode{Fast, Immediate} {
		before := s.folder.postmaster().pid
		execute(t, s, "INSERT INTO notes VALUES ('"+string(mode)+"')")
		if err := s.Restart(t.Context(), mode); err != nil {
			t.Fatalf("Restart(%s) = %v", mode, err)
		}
		if after := s.folder.postmaster().pid; after == before {
			t.Errorf("Restart(%s) did not replace process %d", mode, before)
		}
		query(t, s, allNotes) // accepts connections at once
	}
	if got, want := query(t, s, allNotes), "fast immediate"; got != want {
		t.Errorf("notes = %q, want %q", got, want)
	}
}

func TestSecondProcessAttaches(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	first := startHelper(t, dir)
	s := start(t, Config{Dir: dir})
	if got := s.folder.postmaster().pid; got != first.pid {
		t.Fatalf("the second process reached server %d, want %d", got, first.pid)
	}

	// The first leaves; the server stays for the second.
	first.leave.Close()
	if err := first.cmd.Wait(); err != nil {
		t.Fatalf("the first process ended with %v", err)
	}
	query(t, s, "SELECT 'still there'")
	if got := s.folder.postmaster().pid; got != first.pid {
		t.Fatalf("the server is now %d, want %d", got, first.pid)
	}
	stop(t, s)
	waitGone(t, s.folder, first.pid)
}

func TestKilledProcessLeavesNoServer(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	starter := startHelper(t, dir)
	attached := startHelper(t, dir)

	// Killing the process that launched the server does not affect the others.
	kill(t, starter)
	s := start(t, Config{Dir: dir})
	if got := s.folder.postmaster().pid; got != starter.pid {
		t.Fatalf("the server is now %d, want %d", got, starter.pid)
	}
	stop(t, s)
	query(t, s, "SELECT 'still there'")

	kill(t, attached)
	waitGone(t, s.folder, starter.pid)
}

// kill kills the whole process group, as Ctrl-C in a terminal does.
func kill(t *testing.T, h *helper) {
	t.Helper()
	if err := syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = h.cmd.Wait() // "signal: killed"
}

func TestManyComeAndGo(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	var crowd sync.WaitGroup
	for range 8 {
		crowd.Go(func() {
			for range 5 {
				s, err := Start(t.Context(), Config{Dir: dir, Testing: true})
				if err != nil {
					t.Error(err)
					return
				}
				conn, err := pgx.Connect(t.Context(), s.URL("postgres"))
				if err != nil {
					t.Errorf("connecting to a server that has started: %v", err)
				} else {
					conn.Close(t.Context())
				}
				if err := s.Stop(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	crowd.Wait()
}

func TestOrphanedServerIsReplaced(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	s := start(t, Config{Dir: dir})
	before := s.folder.postmaster().pid
	if err := s.child.Kill(); err != nil {
		t.Fatal(err)
	}
	s.reap()
	query(t, s, "SELECT 'the server lives on'")
	s = start(t, Config{Dir: dir})
	query(t, s, "SELECT 'up again'")
	if after := s.folder.postmaster().pid; after == before {
		t.Errorf("the orphaned server %d is still running", after)
	}
}

func TestTemporaryFolderIsRemoved(t *testing.T) {
	t.Parallel()
	s := start(t, Config{})
	query(t, s, "SELECT 'up'")
	stop(t, s)
	if _, err := os.Stat(string(s.folder)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s still exists: %v", s.folder, err)
	}
}

func TestTemporaryFolderOfFailedStartIsRemoved(t *testing.T) {
	dir := openDir(t)
	t.Setenv("TMPDIR", dir)
	_, err := Start(t.Context(), Config{Testing: true, Settings: map[string]string{"work_mem": "much"}})
	if err == nil {
		t.Fatal("Start() succeeded with a bad setting")
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("%s still exists", left[0].Name())
	}
}

func TestOtherMajorVersionIsRefused(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	version := filepath.Join(dir, "data", "PG_VERSION")
	if err := os.Mkdir(filepath.Dir(version), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(version, []byte("11\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Dir: dir, Testing: true})
	if err == nil || !strings.Contains(err.Error(), "was created by PostgreSQL 11") {
		t.Errorf("Start() = %v, want an error that names version 11", err)
	}
	if _, err := os.Stat(version); err != nil {
		t.Errorf("the data folder was changed: %v", err)
	}
}

func TestBadSettingIsReported(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	_, err := Start(t.Context(), Config{Dir: dir, Testing: true, Settings: map[string]string{"work_mem": "much"}})
	if err == nil || !strings.Contains(err.Error(), "work_mem") {
		t.Errorf("Start() = %v, want the server's own message", err)
	}
	start(t, Config{Dir: dir}) // nothing is left behind that prevents a start
}

func TestInconvenientFolders(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"long path":          strings.Repeat("long/", 30),
		"list separator":     "a,b",
		"quotes and spaces":  `it's a "folder"`,
		"question mark, hex": "a?b%20c",
	}
	for name, path := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, Config{Dir: filepath.Join(openDir(t), path)})
			query(t, s, "SELECT 'reached'")
		})
	}
}

// TestFolderOfRootIsReplaced is about private folders of root, which the server's user cannot enter.
func TestFolderOfRootIsReplaced(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	if err := os.Chmod(parent, 0o700); err != nil {
		t.Fatal(err)
	}
	config := Config{Dir: filepath.Join(parent, "pg")}
	s := start(t, config)
	if dir := string(s.folder); dir != config.Dir {
		t.Cleanup(func() { os.RemoveAll(dir) })
		t.Cleanup(func() { stop(t, s) })
	}
	if again := start(t, config); again.folder != s.folder {
		t.Errorf("the second start used %s, the first %s", again.folder, s.folder)
	}
	query(t, s, "SELECT 'reached'")
}

func TestForeignFolderIsRefused(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(openDir(t), "link")
	if err := os.Symlink(openDir(t), dir); err != nil {
		t.Fatal(err)
	}
	_, err := Start(t.Context(), Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "not a folder owned by") {
		t.Errorf("Start() = %v, want an error", err)
	}
}
