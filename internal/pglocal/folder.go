package pglocal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// folder is where a server lives. In it:
//
//	data      the cluster
//	socket    the folder of the socket, or a link to it
//	log       output of the server and its supervisor since the last launch
//	users     the supervisor's pipe, open for writing in every process that uses the server
//	lock      held by the process that starts or stops
//	attached  held by every process that uses the server
//	running   held by the supervisor
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), name) }

// prepare creates the folder, or chooses another one that the account can enter.
func prepare(ctx context.Context, dir string, a *account) (folder, error) {
	var err error
	if dir == "" {
		dir, err = os.MkdirTemp("", "crmsync-pg-")
	} else {
		dir, err = filepath.Abs(dir)
	}
	if err != nil {
		return "", err
	}
	if err := makeFolder(dir, a); err != nil {
		return "", err
	}
	if a == nil || a.canEnter(ctx, dir) {
		return folder(dir), nil
	}
	// Only root has such an account, and root can write here.
	other := fmt.Sprintf("/var/cache/crmsync/%x", sha256.Sum256([]byte(dir)))[:len("/var/cache/crmsync/")+12]
	if err := makeFolder(other, a); err != nil {
		return "", err
	}
	if !a.canEnter(ctx, other) {
		return "", fmt.Errorf("user %s, which runs the server, can enter neither %s nor %s", a.name, dir, other)
	}
	return folder(other), nil
}

// makeFolder creates the folder, and fails if it belongs to someone else.
func makeFolder(dir string, a *account) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	ours := ok && (int(stat.Uid) == os.Geteuid() || a != nil && stat.Uid == a.uid)
	if !info.IsDir() || !ours {
		return fmt.Errorf("%s is not a folder owned by the server's user", dir)
	}
	if err := os.Chmod(dir, 0o700); err != nil {
		return err
	}
	return a.own(dir)
}

// canEnter asks the system, because only it knows what modes and mounts along the path allow.
func (a *account) canEnter(ctx context.Context, dir string) bool {
	return a.command(ctx, "/", "/bin/sh", "-c", `cd "$1" && [ -w . ]`, "enter", dir).Run() == nil
}

// socket returns the folder of the socket, or "".
func (f folder) socket() string {
	dir, err := filepath.EvalSymlinks(f.path("socket"))
	if err != nil {
		return ""
	}
	return dir
}

// maxSocket keeps the socket's own path within the limit of 104 bytes on macOS, 108 on Linux.
const maxSocket = 85

// makeSocket creates the socket's folder; a temporary one if the path is too long for a socket, or contains a
// character with a meaning in a list of folders or in a connection string.
func (f folder) makeSocket(a *account) error {
	name := f.path("socket")
	if dir := f.socket(); dir != "" && plain(dir) {
		return nil
	}
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	dir := name
	if plain(name) {
		if err := os.Mkdir(name, 0o700); err != nil {
			return err
		}
	} else {
		var err error
		if dir, err = os.MkdirTemp("/tmp", "crmsync-pg-"); err != nil { // os.TempDir may be long itself
			return err
		}
		if err := os.Symlink(dir, name); err != nil {
			return err
		}
	}
	return a.own(dir)
}

func plain(dir string) bool {
	return len(dir) <= maxSocket && !strings.ContainsAny(dir, `,'"\`)
}

// postmaster is what the server reports in its data folder.
type postmaster struct {
	pid   int  // 0: not running
	ready bool // accepts connections
}

// postmaster reads postmaster.pid, which remains after a crash: the process id in line 1, the state in line 8.
func (f folder) postmaster() postmaster {
	text, err := os.ReadFile(f.path("data/postmaster.pid"))
	if err != nil {
		return postmaster{}
	}
	lines := strings.Split(string(text), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	if err != nil || pid <= 0 || errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return postmaster{}
	}
	return postmaster{pid: pid, ready: len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready"}
}

// logTail returns the end of the server's log, for an error.
func (f folder) logTail() []byte {
	text, err := os.ReadFile(f.path("log"))
	if err != nil {
		return []byte(err.Error())
	}
	const most = 1500
	return bytes.TrimSpace(text[max(0, len(text)-most):])
}
