package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// lastRun is how long the command may take once it is no longer killed.
const lastRun = 3 * time.Minute

// Program builds the program, for tests that kill it.
func (w *World) Program() (path string) {
	w.T.Helper()
	path = filepath.Join(w.T.TempDir(), "crmsync")
	build := exec.CommandContext(w.T.Context(), "go", "build", "-buildvcs=false", "-o", path, "crmsync/cmd/crmsync")
	if out, err := build.CombinedOutput(); err != nil {
		w.T.Fatalf("building the program: %v\n%s", err, out)
	}
	return path
}

// RunKilled runs a command of the program repeatedly, and kills it each time that a condition is met, until a run
// completes. It returns how often it was killed, and the output of the last run.
func (w *World) RunKilled(program string, args []string, kill func() bool) (kills int, output string) {
	w.T.Helper()
	for {
		killed, output := w.RunUntil(program, args, kill)
		if !killed {
			return kills, output
		}
		kills++
	}
}

// RunUntil runs a command of the program until it ends, or until a condition is met: then it is killed.
func (w *World) RunUntil(program string, args []string, kill func() bool) (killed bool, output string) {
	w.T.Helper()
	env := os.Environ()
	for name, value := range w.Env {
		env = append(env, name+"="+value)
	}
	var log bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = env, &log, &log
	if err := cmd.Start(); err != nil {
		w.T.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if w.killOnce(cmd.Process, ended, kill) {
		return true, log.String()
	}
	select {
	case err := <-ended:
		if err != nil {
			w.T.Fatalf("the command ended by itself: %v\n%s", err, &log)
		}
	case <-time.After(lastRun):
		_ = cmd.Process.Signal(syscall.SIGQUIT) // it says where it is
		<-ended
		w.T.Fatalf("the last command does not end:\n%s", &log)
	}
	return false, log.String()
}

// killOnce kills a process once a condition is met, unless it ends before.
func (w *World) killOnce(process *os.Process, ended chan error, kill func() bool) (killed bool) {
	over := false
	w.Eventually("the command is killed or ends", func() bool {
		select {
		case err := <-ended:
			ended <- err // so that the wait for its end returns
			over = true
		default:
			killed = kill()
		}
		return over || killed
	})
	if over || process.Kill() != nil {
		return false
	}
	<-ended
	return true
}
