package pglocal

import (
	"bufio"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// superviseScript outlives the program, and stops the server when the program cannot. It is a shell script because a
// killed program cannot run code, and a death signal (Pdeathsig) is tied to one thread.
//
//go:embed supervise.sh
var superviseScript string

// poll is the interval for checking states that are not announced.
const poll = 10 * time.Millisecond

// attach attaches to the running server. If none is running, it returns the lock for the next supervisor to hold;
// while one is stopping, it waits.
func (s *Server) attach(ctx context.Context) (running *os.File, err error) {
	err = await(ctx, func() (bool, error) {
		if pipe, err := s.openPipe(); err == nil {
			s.pipe = pipe
			return true, nil
		}
		running, err = tryLock(s.folder.path("running"))
		return running != nil, err
	})
	return running, err
}

// openPipe fails if no supervisor reads. The empty line tells a supervisor that is about to leave to stay.
func (s *Server) openPipe() (*os.File, error) {
	pipe, err := os.OpenFile(s.folder.path("users"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintln(pipe); err != nil {
		pipe.Close()
		return nil, err
	}
	return pipe, nil
}

// launch starts the supervisor, and with it the server; running is the lock that the supervisor holds.
func (s *Server) launch(ctx context.Context, running *os.File) error {
	if err := s.prepareCluster(ctx); err != nil {
		return err
	}
	input, err := s.makePipe()
	if err != nil {
		return fmt.Errorf("creating the supervisor's pipe: %w", err)
	}
	defer input.Close()
	if s.pipe, err = s.openPipe(); err != nil {
		return fmt.Errorf("opening the supervisor's pipe: %w", err)
	}
	answer, output, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("creating a pipe: %w", err)
	}
	defer answer.Close()
	err = s.supervise(ctx, input, output, running)
	output.Close()
	if err != nil {
		return fmt.Errorf("starting the supervisor: %w", err)
	}
	return s.hear(ctx, answer)
}

// supervise starts the supervisor, which does not end with the context.
func (s *Server) supervise(ctx context.Context, input, output, running *os.File) error {
	cmd := s.account.command(context.WithoutCancel(ctx), s.folder, "/bin/sh", "-c", superviseScript, "supervise",
		s.bin.Dir)
	cmd.Stdin, cmd.Stdout = input, output
	cmd.ExtraFiles = []*os.File{running}
	cmd.SysProcAttr.Setsid = true // Ctrl-C is for the program, which stops the server last
	if err := cmd.Start(); err != nil {
		return err
	}
	s.child = cmd.Process
	return nil
}

// hear waits for the supervisor to report that the server is up.
func (s *Server) hear(ctx context.Context, answer *os.File) error {
	stop := context.AfterFunc(ctx, func() { _ = answer.SetReadDeadline(time.Now()) })
	defer stop()
	line, _ := bufio.NewReader(answer).ReadString('\n') // an error means that it is not ready
	if line == "ready\n" {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	s.reap()
	return fmt.Errorf("the server did not start; its log ends with:\n%s", s.folder.logTail())
}

// makePipe creates the fifo again and opens its reading end without waiting for a writer.
func (s *Server) makePipe() (*os.File, error) {
	name := s.folder.path("users")
	for _, old := range []string{name, s.folder.path("closing")} {
		if err := os.Remove(old); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		return nil, err
	}
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := syscall.SetNonblock(fd, false); err != nil {
		syscall.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

// ready waits for a postmaster that satisfies wanted.
func (s *Server) ready(ctx context.Context, wanted func(postmaster) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	err := await(ctx, func() (bool, error) { return wanted(s.folder.postmaster()), nil })
	if err != nil {
		return fmt.Errorf("waiting for the server: %w; its log ends with:\n%s", err, s.folder.logTail())
	}
	return nil
}

// await waits until done returns true or fails, or ctx ends.
func await(ctx context.Context, done func() (bool, error)) error {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
