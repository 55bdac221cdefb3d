package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// process is a measured program.
type process struct {
	cmd  *exec.Cmd
	addr string // of its endpoint, where it has one
}

// start runs a measured program until it says that it has started. Without a role it is crmsync with the arguments;
// with one it is this program in that role.
func (b *bench) start(ctx context.Context, role string, args ...string) (*process, error) {
	program := b.binary
	if role != "" {
		self, err := os.Executable()
		if err != nil {
			return nil, err
		}
		program = self
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), "BENCH_ROLE="+role)
	for name, value := range b.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	log, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd}
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var entry struct{ Msg, Listener, Addr string }
		if json.Unmarshal(lines.Bytes(), &entry) != nil {
			continue
		}
		if entry.Msg == "listening" && entry.Listener == "ingest" {
			p.addr = entry.Addr
		}
		if entry.Msg == "started" {
			go func() { // a full pipe would stop it
				for lines.Scan() {
				}
			}()
			return p, nil
		}
	}
	return nil, fmt.Errorf("%s did not start: %w", strings.Join(append([]string{program}, args...), " "), cmd.Wait())
}

// stop ends the program and waits for it.
func (p *process) stop() {
	p.cmd.Process.Signal(os.Interrupt)
	p.cmd.Wait()
}

// rss is the most memory that the program had, in MiB.
func (p *process) rss() float64 {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, _ := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024
		}
	}
	return 0
}

// cpu is what the program, if there is one, and Postgres with all its backends have used, in seconds.
func (b *bench) cpu(p *process) float64 {
	total, program := 0.0, -1
	if p != nil {
		program = p.cmd.Process.Pid
	}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if used, parent := usage(pid); pid == program || pid == b.postgres || parent == b.postgres {
			total += used
		}
	}
	// Backends that have ended are in the postmaster's account of its children.
	return total + children(b.postgres)
}

// usage is the CPU time of a process in seconds, and its parent.
func usage(pid int) (seconds float64, parent int) {
	f := stat(pid)
	if len(f) < 16 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(f[1])
	return ticks(f[11]) + ticks(f[12]), parent
}

func children(pid int) float64 {
	f := stat(pid)
	if len(f) < 16 {
		return 0
	}
	return ticks(f[13]) + ticks(f[14])
}

// stat are the fields of /proc/PID/stat after the program's name.
func stat(pid int) []string {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}

func ticks(text string) float64 {
	n, _ := strconv.ParseFloat(text, 64)
	return n / 100
}

// postmaster finds the process that Postgres' backends are children of.
func postmaster(ctx context.Context, db *pgxpool.Pool) (int, error) {
	var backend int
	if err := db.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return 0, err
	}
	_, parent := usage(backend)
	return parent, nil
}

// host serves a handler on loopback.
func host(handler http.Handler) (url string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(listener)
	return "http://" + listener.Addr().String(), func() { server.Close() }, nil
}
