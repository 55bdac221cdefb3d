package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"crmsync/internal/app"
	"crmsync/internal/pglocal"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
	"crmsync/schema/mapping"
)

// login is the user and password of the dashboard, which is reachable only from this machine.
const login = "crmsync-demo"

// set sets up the stage, and prints what runs where. If the program ends by itself, it calls stop.
func (d *demo) set(ctx context.Context, stop context.CancelCauseFunc) (err error) {
	if d.log, err = os.CreateTemp("", "crmsync-demo-*.log"); err != nil {
		return fmt.Errorf("creating the log: %w", err)
	}
	log := slog.New(slog.NewTextHandler(d.log, nil))
	d.Stage, err = stage.Set(ctx, stage.Config{
		Postgres: &pglocal.Config{Testing: true, Log: log},
		Monday: mondaysim.Config{
			SigningSecret: rand.Text(), Latency: latency, Seed: 1, Doubled: 0.1, Shuffle: d.size.late, RetryEvery: time.Second,
			ComplexityPerMinute: 50_000_000, // otherwise the migration would wait for the next minute
		},
		Salesforce: sfsim.Config{Latency: latency},
		Messenger:  true,
		Env: map[string]string{
			"INGEST_ADDR": d.address("127.0.0.1:8080"), "ADMIN_ADDR": d.address("127.0.0.1:9090"), "ADMIN_USER": login,
			"ADMIN_PASSWORD":  login,
			"SALESFORCE_POLL": pollEvery.String(), "RETRY_BASE": "500ms", "RETRY_MAX": "10s", "ALERT_INTERVAL": "1s",
			"SHUTDOWN_GRACE": "5s",
		},
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(d.Env["MAPPING"], bothWays(), 0o600); err != nil {
		return fmt.Errorf("writing the mapping: %w", err)
	}
	d.faults = newFaults(d.Salesforce, d.size.endSessionAt)
	d.stands("Postgres", "a private one in %s, removed at the end", d.place())
	d.stands("Monday", "simulated; webhooks arrive up to %s late, out of order, every tenth twice", spoken(d.size.late))
	d.stands("Salesforce", "simulated; a call takes %s, sometimes 1 s; %.0f%% fail, some after writing",
		spoken(latency), 100*faultRate)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := d.startProgram(ctx, log, stop); err != nil {
		return err
	}
	d.Subscribe(d.WebhookURL("http://" + d.ingest))
	d.stands("crmsync", "receives webhooks at http://%s, with the secret in the URL and Monday's JWT", d.ingest)
	d.stands("console", "http://%s/ (user %[2]s, password %[2]s)", d.admin, login)
	d.stands("log", "%s", d.log.Name())
	return nil
}

// tearDown closes the stage.
func (d *demo) tearDown(keepLog bool) (err error) {
	if d.Stage != nil {
		err = d.Close()
	}
	if d.log == nil {
		return err
	}
	info, unknown := d.log.Stat()
	err = errors.Join(err, unknown, d.log.Close())
	if (keepLog || err != nil) && (unknown != nil || info.Size() > 0) {
		d.kept = d.log.Name()
		return err
	}
	return errors.Join(err, os.Remove(d.log.Name()))
}

// place returns the folder of Postgres, which contains its socket.
func (d *demo) place() string {
	u, err := url.Parse(d.Env["DATABASE_URL"])
	if err != nil {
		return "a temporary folder"
	}
	return filepath.Dir(u.Query().Get("host"))
}

// stands prints that a part of the stage is running.
func (d *demo) stands(part, format string, args ...any) {
	fmt.Fprintf(d.out, "  %-12s%s\n", part, fmt.Sprintf(format, args...))
}

// startProgram starts crmsync as `crmsync serve` does, and returns when it accepts webhooks.
func (d *demo) startProgram(ctx context.Context, log *slog.Logger, stop context.CancelCauseFunc) error {
	both := app.Role{Ingest: true, Worker: true}
	c, err := app.ReadConfig(d.Getenv, both)
	if err != nil {
		return err
	}
	m, err := mapping.Parse(d.Env["MAPPING"], bothWays())
	if err != nil {
		return err
	}
	type listener struct{ name, addr string }
	listeners := make(chan listener, 2)
	s := &app.Service{Config: c, Role: both, Mapping: m, Log: log,
		Listening: func(name, addr string) { listeners <- listener{name, addr} }}
	d.program = s
	ended := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			stop(fmt.Errorf("running crmsync: %w", err))
			err = nil
		case errors.Is(err, context.Canceled):
			err = nil // it was stopped while starting
		}
		ended <- err
	}()
	d.Later(func() error { stop(nil); return <-ended })
	for range cap(listeners) {
		select {
		case l := <-listeners:
			if l.name == "admin" {
				d.admin = l.addr
			} else {
				d.ingest = l.addr
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// address returns the usual address if it is free, otherwise any.
func (d *demo) address(usual string) string {
	if d.size.usualPorts {
		if listener, err := net.Listen("tcp", usual); err == nil {
			listener.Close()
			return usual
		}
	}
	return "127.0.0.1:0"
}
