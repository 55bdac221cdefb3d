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
)

// process is a measured program that runs.
type process struct {
	cmd  *exec.Cmd
	addr string // of its endpoint, where it has one

	last  []byte        // line of its log: it may say why it ended
	ended chan struct{} // closed when its log has
}

// start runs a measured program until it says that it has started: this one in a role of stands, else crmsync's
// command of that name.
func (s *testbed) start(ctx context.Context, role string) (*process, error) {
	cmd := exec.Command(s.crmsync, role)
	cmd.Env = s.Environ()
	if stands[role] != nil {
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("finding this program: %w", err)
		}
		cmd = exec.Command(self)
		cmd.Env = append(s.Environ(), "BENCH_ROLE="+role)
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

// launch starts a program, and says on a channel when it has told that it is up; nil: nobody asks.
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

// while returns a context that ends with the program: whoever waits for what it does would wait in vain.
func (p *process) while(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-p.ended:
			end(fmt.Errorf("%s ended by itself: %s", p.cmd.Path, p.last))
		case <-ctx.Done():
		}
	}()
	return ctx, func() { end(nil) }
}

// stop ends the program in peace.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	patience := time.AfterFunc(30*time.Second, func() { p.cmd.Process.Kill() })
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

// peak is the most memory that the program had, in MiB.
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
	return 0, errors.New("reading a process's memory: it says nothing of its peak")
}

// cpu is time on a core, in seconds since the start.
type cpu struct{ program, postgres, bench float64 }

// used is what the programs, all of Postgres and this process have used so far.
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
	// Backends that have ended are in their parent's account.
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

// since is what was used since an earlier look, in microseconds an event.
func (c cpu) since(before cpu, events int) cpu {
	each := 1e6 / float64(events)
	return cpu{(c.program - before.program) * each, (c.postgres - before.postgres) * each, (c.bench - before.bench) * each}
}

// total is what the event cost: what this process did of it would in production be done elsewhere.
func (c cpu) total() float64 { return c.program + c.postgres }

// stat is what /proc tells of a process; CPU time in seconds.
type stat struct {
	parent     int
	own, ended float64 // of itself; of its children that have ended
}

func statOf(pid int) (s stat, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return s, fmt.Errorf("reading a process's CPU time: %w", err)
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // the name before it may have spaces
	if len(fields) < 15 {
		return s, errors.New("reading a process's CPU time: too little is told")
	}
	const ticks = 100 // a second, on every Linux that Go runs on
	numbers := make([]float64, 15)
	for n := range numbers {
		numbers[n], _ = strconv.ParseFloat(string(fields[n]), 64) // the state is none
	}
	return stat{int(numbers[1]), (numbers[11] + numbers[12]) / ticks, (numbers[13] + numbers[14]) / ticks}, nil
}
