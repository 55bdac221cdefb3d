// Package e2e is the language of the end-to-end tests, which run the program's commands with a Postgres of their own
// and simulators of both systems. The tests themselves are in the folders below, by subject.
package e2e

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/deploy"
	"crmsync/ingest"
	"crmsync/internal/cli"
	"crmsync/internal/oracle"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
	"crmsync/schema/schematest"
)

// The parts of every world.
const (
	Secret = "a-webhook-secret-of-32-characters"

	// The boards of the example mapping.
	Accounts = oracle.Accounts
	Contacts = oracle.Contacts
	Leads    = oracle.Leads

	Key = sfsim.KeyField // field that holds the item's id

	// Patience is the limit for conditions. Nothing should take that long, even on a machine that is busy with others.
	Patience = 3 * time.Minute
)

// World is the program and its environment: Postgres, both systems, and the messengers.
type World struct {
	*stage.Stage
	T      *testing.T
	Slack  stage.Slack
	Mail   Mail
	Ingest string // URL of the ingest endpoint, once something serves it
	Admin  string // base URL of the last admin listener
	Logs   []*LogBuffer
}

// Option changes a world before it starts.
type Option func(*World, *stage.Config)

// Setup creates a world in which nothing is running yet.
func Setup(t *testing.T, options ...Option) *World {
	t.Helper()
	w := &World{T: t}
	w.set(stage.Config{Database: schematest.URL(t), Messenger: true}, options)
	t.Cleanup(func() {
		if n := w.Salesforce.InFlightViolations(); n != 0 {
			t.Errorf("%d writes of a record while another one was in flight", n)
		}
	})
	return w
}

// Systems returns a world with only the two systems, without a database.
func Systems(t *testing.T, options ...Option) *World {
	t.Helper()
	w := &World{T: t}
	w.set(stage.Config{}, options)
	w.Ingest = w.WebhookURL("https://sync.example.org")
	return w
}

func (w *World) set(c stage.Config, options []Option) {
	w.T.Helper()
	c.Env = map[string]string{
		"WEBHOOK_SECRET": Secret, "LOG_LEVEL": "debug", "ALERT_INTERVAL": "200ms", "ALERT_PAUSES": "100ms",
		"RETRY_BASE": "50ms", "RETRY_MAX": "1s", "MAPPING": w.Mapping(string(deploy.Mapping)),
	}
	c.Monday = mondaysim.Config{Token: "monday-token", Boards: mondaysim.Example(), RetryEvery: 300 * time.Millisecond}
	c.Salesforce = sfsim.Config{ClientID: "client-id", ClientSecret: "client-secret", Objects: sfsim.Standard()}
	for _, o := range options {
		o(w, &c)
	}
	var err error
	if w.Stage, err = stage.Set(w.T.Context(), c); err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() {
		if err := w.Close(); err != nil {
			w.T.Error(err)
		}
	})
	// All tests can run behind a pooler: E2E_POOLER=session or transaction. The tests themselves ask Postgres directly.
	if mode := os.Getenv("E2E_POOLER"); mode != "" && w.DB != nil {
		w.Env["DATABASE_URL"] = w.Bouncer(mode)
	}
}

// With sets a variable of the environment.
func With(name, value string) Option {
	return func(_ *World, c *stage.Config) { c.Env[name] = value }
}

// Mapped replaces the example mapping.
func Mapped(text string) Option {
	return func(w *World, c *stage.Config) { c.Env["MAPPING"] = w.Mapping(text) }
}

// Scheduled keeps the times at which the example mapping has the systems compared. A comparison may then start at any
// moment of the test.
func Scheduled(_ *World, c *stage.Config) { delete(c.Env, "MAPPING") }

// LeadRecords replaces the example mapping with one of only the leads board, with these records.
func LeadRecords(records string) Option {
	return Mapped("version: 1\nboards:\n  leads:\n    board: 1003\n    records:\n" + records)
}

// Monday changes the account's configuration.
func Monday(change func(*mondaysim.Config)) Option {
	return func(_ *World, c *stage.Config) { change(&c.Monday) }
}

// Salesforce changes the org's configuration.
func Salesforce(change func(*sfsim.Config)) Option {
	return func(_ *World, c *stage.Config) { change(&c.Salesforce) }
}

// ByHand holds back Monday's deliveries for the test to post.
func ByHand(w *World, c *stage.Config) { c.Monday.Deliver = w.Mail.put }

// Slacking sends alerts to Slack too.
func Slacking(w *World, c *stage.Config) {
	url, stop, err := stage.Host("127.0.0.1:0", &w.Slack)
	if err != nil {
		w.T.Fatal(err)
	}
	w.T.Cleanup(func() { _ = stop() })
	c.Env["SLACK_WEBHOOK_URL"] = url
}

// Ticking gives Monday a clock that never shows the same millisecond twice, the precision of a rename's time.
func Ticking(_ *World, c *stage.Config) {
	var last atomic.Int64
	c.Monday.Now = func() time.Time {
		for {
			before, now := last.Load(), time.Now().UnixMilli()
			now = max(now, before+1)
			if last.CompareAndSwap(before, now) {
				return time.UnixMilli(now)
			}
		}
	}
}

// File writes a file of the test's own.
func (w *World) File(name, text string) (path string) {
	w.T.Helper()
	path = filepath.Join(w.T.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.T.Fatal(err)
	}
	return path
}

// Mapping writes a mapping file. Unless the text says when, nothing is compared on a schedule: otherwise a comparison
// would start in each test that runs at half past or at three o'clock.
func (w *World) Mapping(text string) (path string) {
	w.T.Helper()
	return w.File("mapping.yaml", unscheduled(text))
}

// unscheduled returns a mapping without scheduled comparisons, unless it says when they start.
func unscheduled(text string) string {
	const off = "reconcile: off"
	for _, place := range [][2]string{
		{"\ndefaults: {", "\ndefaults: { " + off + ","}, {"\ndefaults:\n", "\ndefaults:\n  " + off + "\n"},
		{"\nboards:", "\ndefaults: { " + off + " }\nboards:"},
	} {
		if strings.Contains(text, place[0]) && !strings.Contains(text, "reconcile:") {
			return strings.Replace(text, place[0], place[1], 1)
		}
	}
	return text
}

// Start runs a command until the test ends or until stop is called, which returns the exit code.
func (w *World) Start(command string) (stop func() int) {
	w.T.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &LogBuffer{}
	w.Logs = append(w.Logs, log)
	code := make(chan int, 1)
	go func() {
		code <- cli.Run(ctx, []string{command}, w.Getenv, log, log)
	}()
	stop = sync.OnceValue(func() int {
		cancel()
		return <-code
	})
	w.T.Cleanup(func() {
		if got := stop(); got != cli.ExitDone {
			w.T.Errorf("crmsync %s exited with %d", command, got)
		}
		if w.T.Failed() {
			w.T.Logf("log of crmsync %s:\n%s", command, log.Tail(60))
		}
	})
	w.Eventually("crmsync "+command+" has started", func() bool {
		select {
		case got := <-code:
			code <- got
			w.T.Fatalf("crmsync %s exited with %d:\n%s", command, got, log.Tail(60))
		default:
		}
		return log.Contains(`"msg":"started"`)
	})
	if addr := log.listener("ingest"); addr != "" {
		w.Ingest = "http://" + addr + ingest.Path + "/" + Secret
	}
	w.Admin = "http://" + log.listener("admin")
	return stop
}

// Command runs a command that ends on its own.
func (w *World) Command(args ...string) (code int, stdout, stderr string) {
	w.T.Helper()
	return w.Answer("", args...)
}

// Answer runs a command that ends on its own and reads answers from its standard input.
func (w *World) Answer(stdin string, args ...string) (code int, stdout, stderr string) {
	w.T.Helper()
	var out, errs LogBuffer // goroutines of the command write to it, too
	var environ []string
	for name, value := range w.Env {
		environ = append(environ, name+"="+value)
	}
	p := cli.Process{Getenv: w.Getenv, Environ: environ, Stdin: strings.NewReader(stdin), Stdout: &out, Stderr: &errs}
	code = p.Run(w.T.Context(), args)
	return code, out.String(), errs.String()
}

// Subscribe makes Monday deliver all events of the boards to ingest; without boards, those of the example.
func (w *World) Subscribe(boards ...int64) { w.Stage.Subscribe(w.Ingest, boards...) }

// Serving returns a world in which one process has both roles and receives all events.
func Serving(t *testing.T, options ...Option) *World {
	t.Helper()
	w := Setup(t, options...)
	w.Start("serve")
	w.Subscribe()
	return w
}

// Main runs more tests at once than there are processors, unless -parallel is set: they mostly wait.
func Main(m *testing.M) {
	flag.Parse()
	isSet := false
	flag.Visit(func(f *flag.Flag) { isSet = isSet || f.Name == "test.parallel" })
	if !isSet {
		if err := flag.Set("test.parallel", strconv.Itoa(max(8, runtime.GOMAXPROCS(0)))); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// Seed returns the number in the variable SEED, or a random one.
func Seed(t *testing.T) uint64 {
	text := os.Getenv("SEED")
	if text == "" {
		return uint64(rand.Uint32())
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SEED: %v", err)
	}
	return n
}
