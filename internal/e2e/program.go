package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// oneRun is how long the command may take until it ends or is killed. The last run of a command that was killed waits
// for what the one before still holds, and does most of the work.
const oneRun = 3 * time.Minute

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
	defer func() { _ = cmd.Process.Kill() }() // if the condition fails the test
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	patience, tick := time.NewTimer(oneRun), time.NewTicker(10*time.Millisecond)
	defer patience.Stop()
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			if err != nil {
				w.T.Fatalf("the command ended by itself: %v\n%s", err, &log)
			}
			return false, log.String()
		case <-patience.C:
			_ = cmd.Process.Signal(syscall.SIGQUIT) // it says where it is
			<-ended
			w.T.Fatalf("the command does not end:\n%s", &log)
		case <-tick.C:
			if kill() && cmd.Process.Kill() == nil {
				<-ended
				return true, log.String()
			}
		}
	}
}
