package operate_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// exits lists every command with wrong usage, and what it does without a database.
var exits = map[string]struct {
	wrong    string // arguments
	args     string // correct ones
	unset    int    // exit code without DATABASE_URL; -1: it needs none
	stranded int    // exit code if Postgres cannot be reached; -1: it is not asked
}{
	"ingest":         {wrong: "x", unset: 2, stranded: 1},
	"worker":         {wrong: "x", unset: 2, stranded: 1},
	"serve":          {wrong: "x", unset: 2, stranded: 1},
	"demo":           {wrong: "x", unset: -1, stranded: -1},
	"sim":            {wrong: "--port x", unset: -1, stranded: -1},
	"schema up":      {wrong: "x", unset: 2, stranded: 1},
	"migrate":        {wrong: "nowhere", unset: 2, stranded: 1},
	"check":          {wrong: "x", unset: 0, stranded: 0},
	"mapping schema": {wrong: "x", unset: 0, stranded: 0},
	"boards":         {wrong: "x", unset: 0, stranded: 0},
	"scaffold":       {wrong: "--board 1001", args: "--board 1001 --object Account", unset: 0, stranded: 0},
	"webhooks":       {wrong: "--url x", unset: 0, stranded: 0},
	"errors":         {wrong: "x", unset: 2, stranded: 1},
	"replay":         {wrong: "--all 1", unset: 2, stranded: 1},
	"ignore":         {wrong: "", args: "1", unset: 2, stranded: 1},
	"tail":           {wrong: "--board nowhere", unset: 2, stranded: 1},
	"status":         {wrong: "x", unset: 2, stranded: 1},
	"item":           {wrong: "x", args: "1", unset: 2, stranded: 1},
	"plan":           {wrong: "nowhere", unset: 2, stranded: 1},
	"apply":          {wrong: "--yes --plan nowhere.json", args: "--yes", unset: 2, stranded: 1},
	"conflicts list": {wrong: "--board nowhere", unset: 2, stranded: 1},
	"conflicts take": {wrong: "nobody 1", args: "monday 1", unset: 2, stranded: 1},
	"held list":      {wrong: "x", unset: 2, stranded: 1},
	"held release":   {wrong: "", args: "1", unset: 2, stranded: 1},
	"held drop":      {wrong: "--board nowhere", args: "--all", unset: 2, stranded: 1},
	"logs export":    {wrong: "--since x", unset: 2, stranded: 1},
	"subject":        {wrong: "", args: "--email ada@example.org", unset: 2, stranded: 1},
	"erase":          {wrong: "", args: "--item 1", unset: 2, stranded: 1},
	"init":           {wrong: "--board x", unset: -1, stranded: -1},
	"doctor":         {wrong: "--role nobody", unset: 1, stranded: 1}, // something is wrong
	"config":         {wrong: "--role nobody", unset: 2, stranded: 0}, // the role would not start
	"completion":     {wrong: "tcsh", args: "bash", unset: 0, stranded: 0},
	"version":        {wrong: "x", unset: 0, stranded: 0},
}

// TestExitCodes: wrong usage and a database that is not configured lead to exit code 2, a database that cannot be
// reached to 1, for every command.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(commandsOf(t))), slices.Sorted(maps.Keys(exits))); diff != "" {
		t.Errorf("commands of the program (-) and of this test (+):\n%s", diff)
	}
	for command, tt := range exits {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			w := e2e.Systems(t)
			w.Subscribe()
			w.Env["INGEST_ADDR"], w.Env["ADMIN_ADDR"] = "127.0.0.1:0", "127.0.0.1:0"
			try := func(what, url, args string, want int) {
				t.Helper()
				if want < 0 {
					return
				}
				w.Env["DATABASE_URL"] = url
				code, stdout, stderr := w.Command(append(strings.Fields(command), strings.Fields(args)...)...)
				if code != want {
					t.Errorf("%s: exit code %d, want %d\n%s%s", what, code, want, stdout, stderr)
				}
				if want != cli.ExitDone && stderr == "" && command != "doctor" {
					t.Errorf("%s: nothing says why", what)
				}
			}
			const nowhere = "postgres://127.0.0.1:1/nowhere"
			try("wrong usage", nowhere, tt.wrong, cli.ExitUsage)
			try("an unknown flag", nowhere, tt.args+" --no-such-flag", cli.ExitUsage)
			try("no database", "", tt.args, tt.unset)
			try("a database out of reach", nowhere, tt.args, tt.stranded)
		})
	}
}

// TestExitDiffer: only differences lead to exit code 3, and only on request.
func TestExitDiffer(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Monday.CreateItem(e2e.Accounts, "Engines", nil)
	for _, step := range []struct {
		command string
		want    int
	}{
		{"schema up", cli.ExitDone}, {"plan", cli.ExitDone}, {"plan --check", cli.ExitDiffer}, {"apply --yes", cli.ExitDone},
		{"plan --check", cli.ExitDone},
	} {
		if code, stdout, stderr := w.Command(strings.Fields(step.command)...); code != step.want {
			t.Errorf("%s: exit code %d, want %d\n%s%s", step.command, code, step.want, stdout, stderr)
		}
	}
}

// TestCheckUnplanned: check reports a two-way mapping that was never planned, with the same exit code with and without
// --live. Without a database it says that this is unknown.
func TestCheckUnplanned(t *testing.T) {
	t.Parallel()
	const both = `version: 1
boards:
  accounts:
    board: 1001
    records:
      account: { object: Account, sync: both, fields: { Name: name } }
`
	w := e2e.Setup(t, e2e.Mapped(both))
	w.Subscribe()
	check := func(when string, want int, says string) {
		t.Helper()
		for _, command := range []string{"check", "check --live", "check --json", "check --live --json"} {
			code, stdout, stderr := w.Command(strings.Fields(command)...)
			if code != want || !strings.Contains(stdout+stderr, says) {
				t.Errorf("%s, %s: exit code %d, want %d, and %q\n%s%s", when, command, code, want, says, stdout, stderr)
			}
		}
	}
	check("without a plan", cli.ExitUsage, "but that was never planned")
	url := w.Env["DATABASE_URL"]
	w.Env["DATABASE_URL"] = ""
	check("without a database", cli.ExitDone, "DATABASE_URL is not set")
	w.Env["DATABASE_URL"] = "postgres://127.0.0.1:1/nowhere"
	check("without Postgres", cli.ExitDone, "is unknown")
	w.Env["DATABASE_URL"] = url
	if code, _, stderr := w.Command("plan"); code != cli.ExitDone {
		t.Fatal(stderr)
	}
	check("with a plan", cli.ExitDone, "")
	w.Exec("DROP SCHEMA public CASCADE")
	w.Exec("CREATE SCHEMA public")
	check("in a database without tables", cli.ExitUsage, "but that was never planned")
}

// TestStoppingHasNoShare: a worker that is stopping, and still waits for an answer, no longer counts among the workers
// that divide the items.
func TestStoppingHasNoShare(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t)
	w.Start("ingest")
	stop := w.Start("worker")
	w.Subscribe()
	w.Eventually("the worker has logged in", func() bool { return w.Monday.Calls()["me+platform_api"] > 0 })
	busy, release := make(chan struct{}), make(chan struct{})
	reached := sync.OnceFunc(func() { close(busy) })
	w.Monday.OnCall(func(mondaysim.Call) *mondaysim.Fault {
		reached()
		<-release
		return nil
	})
	goOn := sync.OnceFunc(func() { close(release) })
	defer goOn()
	w.Deliver(fmt.Sprintf(`{"event":{"type":"create_pulse","boardId":%d,"pulseId":1,"pulseName":"x","triggerUuid":"busy"}}`, e2e.Leads))
	<-busy
	w.Expect(1, "SELECT count(*) FROM processes WHERE worker AND NOT stopping")
	stopped := make(chan int, 1)
	go func() { stopped <- stop() }()
	w.Eventually("the worker is stopping", func() bool {
		return w.Count("SELECT count(*) FROM processes WHERE worker AND stopping") == 1
	})
	goOn()
	if code := <-stopped; code != cli.ExitDone {
		t.Errorf("exit code %d", code)
	}
	w.Expect(0, "SELECT count(*) FROM processes WHERE worker")
}
