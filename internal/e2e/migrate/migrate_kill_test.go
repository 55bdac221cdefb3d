package migrate_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"crmsync/internal/e2e"
	"crmsync/internal/stage"
)

// TestChaosMigrate kills the command at random moments, while both systems fail occasionally, even after taking effect,
// and Monday's index lags by some seconds. In the end every record has exactly one item.
//
// CHAOS=full migrates 5,000 records and kills ten times; SEED=n repeats the same moments.
func TestChaosMigrate(t *testing.T) {
	t.Parallel()
	seed, pairs, kills := e2e.Seed(t), 600, 4
	if os.Getenv("CHAOS") == "full" {
		pairs, kills = 2500, 10
	}
	t.Logf("SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	w := e2e.Migrated(t, "", e2e.With("MAX_ATTEMPTS", "30"), e2e.With("LOG_LEVEL", "info"), func(_ *e2e.World, c *stage.Config) {
		m, s := &c.Monday, &c.Salesforce
		m.FaultRate, m.IndexLag, m.Seed, m.Latency = 0.05, 3*time.Second, int64(seed), 20*time.Millisecond
		m.ComplexityPerMinute = 100_000_000 // else a minute's budget is what the test waits for
		s.FaultRate, s.Seed, s.Latency = 0.05, int64(seed), 20*time.Millisecond
	})
	w.Plant(pairs)
	program := filepath.Join(t.TempDir(), "crmsync")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", program, "crmsync/cmd/crmsync").CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	env := os.Environ()
	for name, value := range w.Env {
		env = append(env, name+"="+value)
	}
	killed := 0
	for {
		var log bytes.Buffer
		cmd := exec.Command(program, "migrate")
		cmd.Env, cmd.Stdout, cmd.Stderr = env, &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		if killed < kills && strike(w, rng, cmd.Process, ended) {
			killed++
			continue
		}
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("the command ended on its own: %v\n%s", err, &log)
			}
			t.Logf("%d kills\n%s", killed, &log)
		case <-time.After(3 * time.Minute):
			cmd.Process.Signal(syscall.SIGQUIT) // it says where it is
			<-ended
			t.Fatalf("the last command does not end:\n%s", &log)
		}
		break
	}
	w.Paired("Account", e2e.Accounts, pairs)
	w.Paired("Contact", e2e.Contacts, pairs)
	if n := w.Count("SELECT sum(created) FROM migration_runs"); n != 2*pairs {
		t.Logf("%d are counted as created, of %d", n, 2*pairs)
	}
	if n := w.Count("SELECT count(*) FROM migration_documents") + w.Count("SELECT count(*) FROM dead_letters"); n != 0 {
		t.Errorf("%d documents or dead letters are left", n)
	}
}

// strike kills a process some time after it has started to work, unless it ends before.
func strike(w *e2e.World, rng *rand.Rand, process *os.Process, ended chan error) bool {
	begun := w.Monday.TotalCalls()
	over := false
	w.Eventually("the command works", func() bool {
		select {
		case err := <-ended:
			ended <- err // for who waits for its end
			over = true
		default:
		}
		return over || w.Monday.TotalCalls() > begun
	})
	pause := time.NewTimer(time.Duration(rng.IntN(1200)) * time.Millisecond)
	defer pause.Stop()
	select {
	case err := <-ended:
		ended <- err
		return false
	case <-pause.C:
	}
	if err := process.Kill(); err != nil {
		return false
	}
	<-ended
	return true
}
