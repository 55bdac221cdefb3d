package cli

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

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/deploy"
	"crmsync/internal/app"
	"crmsync/internal/pglocal"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
	"crmsync/schema/mapping"
)

// demoLogin is user and password of the app.Dashboard, which only this machine can reach.
const demoLogin = "demo"

// demoStage is what stands around the people: servers, files, the program.
type demoStage struct {
	log           *os.File
	database      string // URL
	admin, ingest string // addresses
	kept          string // path of a log that is not removed
	undo          []func() error
}

// later has something done when the stage is struck, before what was asked for earlier.
func (s *demoStage) later(undo func() error) { s.undo = append(s.undo, undo) }

// strike takes everything down again.
func (s *demoStage) strike(keepLog bool) (err error) {
	for n := range s.undo {
		err = errors.Join(err, s.undo[len(s.undo)-1-n]())
	}
	if s.log == nil {
		return err
	}
	info, unknown := s.log.Stat()
	err = errors.Join(err, unknown, s.log.Close())
	if (keepLog || err != nil) && (unknown != nil || info.Size() > 0) {
		s.kept = s.log.Name()
		return err
	}
	return errors.Join(err, os.Remove(s.log.Name()))
}

// set sets the stage, and says what stands where. Should the program end on its own, stop is told.
func (d *demo) set(ctx context.Context, stop context.CancelCauseFunc) (err error) {
	s := d.stage
	if s.log, err = os.CreateTemp("", "crmsync-demo-*.log"); err != nil {
		return fmt.Errorf("making the log: %w", err)
	}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	if err := d.startPostgres(ctx, log); err != nil {
		return err
	}
	env, err := d.startSystems()
	if err != nil {
		return err
	}
	if err := d.startProgram(ctx, env, log, stop); err != nil {
		return err
	}
	for _, board := range mondaysim.Example() {
		for _, event := range []string{"change_column_value", "create_item", "change_name", "item_deleted", "item_archived", "item_restored"} {
			d.monday.AddWebhook(board.ID, event, "http://"+s.ingest+"/webhooks/monday/"+env["WEBHOOK_SECRET"])
		}
	}
	d.stands("crmsync", "takes webhooks at http://%s, with the secret in the URL and Monday's JWT", s.ingest)
	d.stands("dashboard", "http://%s%s/ (user %[3]s, password %[3]s)", s.admin, app.Dashboard, demoLogin)
	d.stands("log", "%s", s.log.Name())
	return nil
}

// place is the folder of Postgres, in which its socket is.
func (s *demoStage) place() string {
	u, err := url.Parse(s.database)
	if err != nil {
		return "a temporary folder"
	}
	return filepath.Dir(u.Query().Get("host"))
}

// stands says that a part of the stage stands.
func (d *demo) stands(part, format string, args ...any) {
	fmt.Fprintf(d.out, "  %-12s%s\n", part, fmt.Sprintf(format, args...))
}

// startPostgres starts a private server. A Ctrl-C waits until it is up: half a server could not be taken down.
func (d *demo) startPostgres(ctx context.Context, log *slog.Logger) error {
	server, err := pglocal.Start(context.WithoutCancel(ctx), pglocal.Config{Testing: true, Log: log})
	if err != nil {
		return err
	}
	d.stage.later(server.Stop)
	d.stage.database = server.URL("postgres")
	if d.db, err = pgxpool.New(ctx, d.stage.database); err != nil {
		return fmt.Errorf("connecting to Postgres: %w", err)
	}
	d.stage.later(func() error { d.db.Close(); return nil })
	d.stands("Postgres", "a private one in %s, removed at the end", d.stage.place())
	return ctx.Err()
}

// startSystems starts both simulators and the messenger, and returns the environment in which the program finds them.
func (d *demo) startSystems() (env map[string]string, err error) {
	env = map[string]string{
		"DATABASE_URL": d.stage.database, "WEBHOOK_SECRET": rand.Text(), "MONDAY_SIGNING_SECRET": rand.Text(),
		"MONDAY_API_TOKEN": rand.Text(), "SALESFORCE_CLIENT_ID": rand.Text(), "SALESFORCE_CLIENT_SECRET": rand.Text(),
		"TELEGRAM_BOT_TOKEN": "123456:" + rand.Text(), "TELEGRAM_CHAT_ID": "-1001",
		"ADMIN_USER": demoLogin, "ADMIN_PASSWORD": demoLogin,
		"RETRY_BASE": "500ms", "RETRY_MAX": "10s", "ALERT_INTERVAL": "1s", "SHUTDOWN_GRACE": "5s",
	}
	d.monday = mondaysim.New(mondaysim.Config{
		Token: env["MONDAY_API_TOKEN"], SigningSecret: env["MONDAY_SIGNING_SECRET"], Latency: demoLatency,
		Seed: 1, Doubled: 0.1, Shuffle: d.size.late, RetryEvery: time.Second,
		ComplexityPerMinute: 50_000_000, // else the migration would wait for the next minute
	})
	d.stage.later(func() error { d.monday.Close(); return nil })
	d.salesforce = sfsim.New(sfsim.Config{ClientID: env["SALESFORCE_CLIENT_ID"], ClientSecret: env["SALESFORCE_CLIENT_SECRET"], Latency: demoLatency})
	d.faults = newDemoFaults(d.salesforce, d.size.endSessionAt)
	d.chat = &demoChat{}
	monday, stopMonday, err := stage.Host("127.0.0.1:0", d.monday)
	if err != nil {
		return nil, fmt.Errorf("serving Monday: %w", err)
	}
	d.stage.later(func() error { return stopMonday() })
	salesforce, stopSalesforce, err := stage.Host("127.0.0.1:0", d.salesforce)
	if err != nil {
		return nil, fmt.Errorf("serving Salesforce: %w", err)
	}
	d.stage.later(func() error { stopSalesforce(); return nil })
	telegram, stopTelegram, err := stage.Host("127.0.0.1:0", d.chat)
	if err != nil {
		return nil, fmt.Errorf("serving Telegram: %w", err)
	}
	d.stage.later(func() error { stopTelegram(); return nil })
	env["MONDAY_API_URL"], env["SALESFORCE_LOGIN_URL"], env["TELEGRAM_API_URL"] = monday+"/v2", salesforce, telegram
	d.stands("Monday", "simulated; webhooks come up to %s late, out of order, and every tenth twice", spoken(d.size.late))
	d.stands("Salesforce", "simulated; a call takes %s, now and then 1 s; %.0f%% fail, some after they wrote", spoken(demoLatency), 100*demoFaultRate)
	return env, nil
}

// startProgram starts crmsync as `crmsync serve` does, and returns when it takes webhooks.
func (d *demo) startProgram(ctx context.Context, env map[string]string, log *slog.Logger, stop context.CancelCauseFunc) error {
	env["INGEST_ADDR"], env["ADMIN_ADDR"] = d.address("127.0.0.1:8080"), d.address("127.0.0.1:9090")
	both := app.Role{Ingest: true, Worker: true}
	c, err := app.ReadConfig(func(name string) string { return env[name] }, both)
	if err != nil {
		return err
	}
	m, err := mapping.Parse("mapping.example.yaml", deploy.Mapping)
	if err != nil {
		return err
	}
	type listener struct{ name, addr string }
	listeners := make(chan listener, 2)
	s := &app.Service{Config: c, Role: both, Mapping: m, Log: log, Listening: func(name, addr string) { listeners <- listener{name, addr} }}
	d.program = s
	ended := make(chan error, 1)
	go func() {
		err := s.Run(ctx)
		if err != nil && ctx.Err() == nil {
			stop(fmt.Errorf("running crmsync: %w", err))
			err = nil
		}
		ended <- err
	}()
	d.stage.later(func() error { stop(nil); return <-ended })
	for range cap(listeners) {
		select {
		case l := <-listeners:
			if l.name == "admin" {
				d.stage.admin = l.addr
			} else {
				d.stage.ingest = l.addr
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// address is the usual one where it is free, else any.
func (d *demo) address(usual string) string {
	if d.size.usualPorts {
		if listener, err := net.Listen("tcp", usual); err == nil {
			listener.Close()
			return usual
		}
	}
	return "127.0.0.1:0"
}
