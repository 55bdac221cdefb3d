package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"crmsync/internal/stage"
)

// process is a running measured program.
type process struct {
	cmd   *exec.Cmd
	addr  string // of its endpoint, if it has one
	admin string // of its internal listener

	last  []byte        // last line of its log, which may say why it ended
	ended chan struct{} // closed when its log has ended
}

// otherBuild before a role means that another build of crmsync has it.
const otherBuild = "other "

// start starts a measured program and waits until it reports that it has started: this program in a role of stands, or
// crmsync's command of that name.
func (s *testbed) start(ctx context.Context, role string) (*process, error) {
	return s.startOn(ctx, s.Stage, role)
}

// startOn starts a measured program on other systems than the testbed's.
func (s *testbed) startOn(ctx context.Context, y *stage.Stage, role string) (*process, error) {
	cmd := exec.Command(s.crmsync, role)
	if name, other := strings.CutPrefix(role, otherBuild); other {
		cmd = exec.Command(s.other, name)
	}
	cmd.Env = s.Environ(y.Env)
	if stands[role] != nil {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
		cmd = exec.Command(self)
		cmd.Env = append(s.Environ(y.Env), "BENCH_ROLE="+role)
	}
	up := make(chan bool, 1)
	p, err := launch(cmd, up)
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", role, err)
	}
	select {
	case <-up:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("starting %s: it ended: %w\n%s", role, p.wait(), p.last)
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), p.stop())
	}
}

// launch starts a program, and signals on a channel, unless it is nil, that the program has reported its start.
func launch(cmd *exec.Cmd, up chan<- bool) (*process, error) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the bench, which stops the program
	log, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.listen(log, up)
	}()
	return p, nil
}

// listen reads the log to its end: a full pipe would stop the program.
func (p *process) listen(log io.Reader, up chan<- bool) {
	lines := bufio.NewReader(log)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			p.last = line
		}
		var entry struct{ Msg, Listener, Addr string }
		if up != nil && json.Unmarshal(line, &entry) == nil {
			switch {
			case entry.Msg == "listening" && entry.Listener == "ingest":
				p.addr = entry.Addr
			case entry.Msg == "listening" && entry.Listener == "admin":
				p.admin = entry.Addr
			case entry.Msg == "started":
				up <- true
				up = nil
			}
		}
		if err != nil {
			return
		}
	}
}

// while returns a context that ends with the program, since waiting for its results would be pointless then.
func (p *process) while(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.ended:
			end(fmt.Errorf("%s ended on its own: %s", p.cmd.Path, p.last))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// stop ends the program cleanly.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	patience := time.AfterFunc(30*time.Second, func() { _ = p.cmd.Process.Kill() })
	defer patience.Stop()
	if err := p.wait(); err != nil {
		return fmt.Errorf("stopping %s: %w\n%s", p.cmd.Path, err, p.last)
	}
	return nil
}

func (p *process) wait() error {
	<-p.ended
	return p.cmd.Wait()
}

// peak returns the peak memory of the program, in MiB.
func (p *process) peak() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading a process's memory: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			return kib / 1024, err
		}
	}
	return 0, errors.New("reading a process's memory: its peak is missing")
}

// cpu is CPU time, in seconds since the start.
type cpu struct{ program, postgres, bench float64 }

// used returns the CPU time of the programs, all of Postgres and this process so far.
func (s *testbed) used(programs ...*process) (c cpu, err error) {
	for _, p := range programs {
		program, err := statOf(p.cmd.Process.Pid)
		if err != nil {
			return c, err
		}
		c.program += program.own
	}
	own, err := statOf(os.Getpid())
	if err != nil {
		return c, err
	}
	postmaster, err := statOf(s.postmaster)
	if err != nil {
		return c, err
	}
	// The time of ended backends is counted in their parent.
	c.bench, c.postgres = own.own, postmaster.own+postmaster.ended
	entries, err := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if backend, err := statOf(pid); err == nil && backend.parent == s.postmaster { // it may have ended just now
			c.postgres += backend.own
		}
	}
	return c, err
}

// since returns the CPU time since an earlier measurement, in microseconds per event.
func (c cpu) since(before cpu, events int) cpu {
	each := 1e6 / float64(events)
	return cpu{(c.program - before.program) * each, (c.postgres - before.postgres) * each, (c.bench - before.bench) * each}
}

// total returns the cost of an event without this process, whose part is done elsewhere in production.
func (c cpu) total() float64 { return c.program + c.postgres }

// stat is the content of /proc for a process; CPU times are in seconds.
type stat struct {
	parent     int
	own, ended float64 // its own, and that of its ended children
}

func statOf(pid int) (s stat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, fmt.Errorf("reading a process's CPU time: %w", err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // the name before it may have spaces
	if len(fields) < 15 {
		return s, errors.New("reading a process's CPU time: fields are missing")
	}
	const ticks = 100 // per second, on every Linux that Go supports
	numbers := make([]float64, 15)
	for n := range numbers {
		numbers[n], _ = strconv.ParseFloat(string(fields[n]), 64) // except the state, which is not a number
	}
	return stat{int(numbers[1]), (numbers[11] + numbers[12]) / ticks, (numbers[13] + numbers[14]) / ticks}, nil
}
