package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"crmsync/internal/audit"
)

// terminal opens a pseudo-terminal.
func terminal(t *testing.T) *os.File {
	t.Helper()
	_, slave := pseudoterminal(t)
	return slave
}

// pseudoterminal opens a terminal, and the end at which a person sits.
func pseudoterminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	slave, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

// TestColored: colors are for a terminal that supports them, and for a user who has not disabled them.
func TestColored(t *testing.T) {
	t.Parallel()
	tty := terminal(t)
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	env := func(env map[string]string) *program {
		return &program{getenv: func(name string) string { return env[name] }}
	}
	tests := map[string]struct {
		program *program
		out     io.Writer
		want    bool
	}{
		"terminal":   {env(map[string]string{"TERM": "xterm"}), tty, true},
		"NO_COLOR":   {env(map[string]string{"TERM": "xterm", "NO_COLOR": "1"}), tty, false},
		"dumb":       {env(map[string]string{"TERM": "dumb"}), tty, false},
		"file":       {env(nil), file, false},
		"in between": {env(nil), &bytes.Buffer{}, false},
	}
	for name, tt := range tests {
		if got := tt.program.colored(tt.out); got != tt.want {
			t.Errorf("%s: colored is %v, want %v", name, got, tt.want)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	finding := audit.Finding{Severity: audit.Warning, System: audit.Monday, Line: 3, Column: 7, Message: "text"}
	if got, want := line("m.yaml", finding, false), "m.yaml:3:7: warning: text"; got != want {
		t.Errorf("line is %q, want %q", got, want)
	}
	if got, want := line("m.yaml", finding, true), "m.yaml:3:7: \x1b[1;33mwarning\x1b[0m: text"; got != want {
		t.Errorf("line is %q, want %q", got, want)
	}
	finding.Line = 0
	if got, want := line("m.yaml", finding, false), "m.yaml:1:1: warning: Monday: text"; got != want {
		t.Errorf("line is %q, want %q", got, want)
	}
}
