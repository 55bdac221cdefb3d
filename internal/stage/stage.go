// Package stage sets up the environment of the program: Postgres, both simulated systems, a messenger, and the
// variables that point to them. The demo, the benchmark and the end-to-end tests use it.
package stage

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/deploy"
	"crmsync/ingest"
	"crmsync/internal/pglocal"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/mondayclient"
)

// Config configures a stage.
type Config struct {
	// Postgres starts a private server. Database is the URL of an existing database. Neither: no database.
	Postgres *pglocal.Config
	Database string

	Monday     mondaysim.Config // an empty Token becomes a random one
	Salesforce sfsim.Config     // an empty ClientID or ClientSecret becomes a random one

	// Messenger starts a simulated Telegram and configures the program to use it.
	Messenger bool

	// Env contains further variables. They override those of the stage.
	Env map[string]string
}

// Stage is the environment of the program.
type Stage struct {
	Dir        string // of the stage's files, such as the mapping; removed by Close
	Env        map[string]string
	Postgres   *pglocal.Server // nil: the database existed already, or there is none
	DB         *pgxpool.Pool   // on the program's database; nil: there is none
	Monday     *mondaysim.Sim
	Salesforce *sfsim.Sim
	Telegram   *Telegram

	undo []func() error
}

// Set sets up a stage. If that fails, it removes everything it created.
func Set(ctx context.Context, c Config) (*Stage, error) {
	s := &Stage{Env: map[string]string{}}
	for _, part := range []func(context.Context, Config) error{s.writeMapping, s.startPostgres, s.startSystems,
		s.startMessenger} {
		if err := errors.Join(part(ctx, c), ctx.Err()); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	maps.Copy(s.Env, c.Env)
	return s, nil
}

// Later adds a function for Close to call, before those added earlier.
func (s *Stage) Later(undo func() error) { s.undo = append(s.undo, undo) }

// Close removes everything the stage set up.
func (s *Stage) Close() (err error) {
	for n := range s.undo {
		err = errors.Join(err, s.undo[len(s.undo)-1-n]())
	}
	s.undo = nil
	return err
}

// Getenv returns a variable of the program's environment.
func (s *Stage) Getenv(name string) string { return s.Env[name] }

// Environ returns this process's environment for another process, with variables replaced by the stage's and then by
// those given.
func (s *Stage) Environ(replaced ...map[string]string) []string {
	all := maps.Clone(s.Env)
	for _, more := range replaced {
		maps.Copy(all, more)
	}
	env := os.Environ()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env
}

// WebhookURL returns the URL for Monday's webhooks if ingest listens at base, such as http://127.0.0.1:8080.
func (s *Stage) WebhookURL(base string) string {
	return base + ingest.Path + "/" + s.Env["WEBHOOK_SECRET"]
}

// Subscribe subscribes a URL to all events of the boards; without boards, of those in the example mapping.
func (s *Stage) Subscribe(url string, boards ...int64) {
	if len(boards) == 0 {
		for _, board := range mondaysim.Example() {
			boards = append(boards, board.ID)
		}
	}
	for _, board := range boards {
		for _, event := range mondayclient.Subscriptions() {
			s.Monday.AddWebhook(board, event, url)
		}
	}
}

// writeMapping creates the stage's folder, with the example mapping in it.
func (s *Stage) writeMapping(context.Context, Config) (err error) {
	if s.Dir, err = os.MkdirTemp("", "crmsync-stage-"); err != nil {
		return fmt.Errorf("creating the stage's folder: %w", err)
	}
	s.Later(func() error { return os.RemoveAll(s.Dir) })
	s.Env["MAPPING"] = filepath.Join(s.Dir, "mapping.yaml")
	if err := os.WriteFile(s.Env["MAPPING"], deploy.Mapping, 0o600); err != nil {
		return fmt.Errorf("writing the mapping: %w", err)
	}
	return nil
}

// startPostgres starts the server, if one is configured. It ignores the end of ctx, since a half-started server could
// not be stopped.
func (s *Stage) startPostgres(ctx context.Context, c Config) (err error) {
	url := c.Database
	if c.Postgres != nil {
		if s.Postgres, err = pglocal.Start(context.WithoutCancel(ctx), *c.Postgres); err != nil {
			return err
		}
		s.Later(s.Postgres.Stop)
		url = s.Postgres.URL("postgres")
	}
	if url == "" {
		return nil
	}
	s.Env["DATABASE_URL"] = url
	if s.DB, err = pgxpool.New(ctx, url); err != nil {
		return fmt.Errorf("connecting to Postgres: %w", err)
	}
	s.Later(func() error { s.DB.Close(); return nil })
	return nil
}

// startSystems serves both simulators.
func (s *Stage) startSystems(_ context.Context, c Config) error {
	for _, secret := range []*string{&c.Monday.Token, &c.Salesforce.ClientID, &c.Salesforce.ClientSecret} {
		if *secret == "" {
			*secret = rand.Text()
		}
	}
	s.Monday, s.Salesforce = mondaysim.New(c.Monday), sfsim.New(c.Salesforce)
	s.Later(func() error { s.Monday.Close(); return nil })
	monday, err := s.Host(s.Monday)
	if err != nil {
		return fmt.Errorf("serving Monday: %w", err)
	}
	salesforce, err := s.Host(s.Salesforce)
	if err != nil {
		return fmt.Errorf("serving Salesforce: %w", err)
	}
	maps.Copy(s.Env, map[string]string{
		"WEBHOOK_SECRET": rand.Text(), "INGEST_ADDR": "127.0.0.1:0", "ADMIN_ADDR": "127.0.0.1:0",
		"MONDAY_API_TOKEN": c.Monday.Token, "MONDAY_API_URL": monday + "/v2", "MONDAY_SIGNING_SECRET": c.Monday.SigningSecret,
		"SALESFORCE_LOGIN_URL": salesforce, "SALESFORCE_CLIENT_ID": c.Salesforce.ClientID,
		"SALESFORCE_CLIENT_SECRET": c.Salesforce.ClientSecret,
	})
	return nil
}

func (s *Stage) startMessenger(_ context.Context, c Config) error {
	s.Telegram = &Telegram{}
	if !c.Messenger {
		return nil
	}
	url, err := s.Host(s.Telegram)
	if err != nil {
		return fmt.Errorf("serving Telegram: %w", err)
	}
	maps.Copy(s.Env, map[string]string{
		"TELEGRAM_BOT_TOKEN": "123456:" + rand.Text(), "TELEGRAM_CHAT_ID": "-1001", "TELEGRAM_API_URL": url,
	})
	return nil
}

// Host serves a handler on this machine until the stage is closed.
func (s *Stage) Host(handler http.Handler) (url string, err error) {
	url, stop, err := Host("127.0.0.1:0", handler)
	if err == nil {
		s.Later(stop)
	}
	return url, err
}

// Host serves a handler at an address. It returns its URL and a function that stops it.
func Host(addr string, handler http.Handler) (url string, stop func() error, err error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", nil, err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed after stop
	return "http://" + listener.Addr().String(), server.Close, nil
}
