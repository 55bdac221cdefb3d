// Package cli is the command line of crmsync, one file a command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
)

// Exit codes.
const (
	ExitDone   = 0
	ExitFailed = 1
	ExitUsage  = 2 // wrong usage or configuration
	ExitDiffer = 3 // plan --check found differences
)

// commands is the command line.
type commands struct {
	Ingest ingestCommand `cmd:"" help:"Receive Monday's webhooks and queue them. Run any number."`
	Worker workerCommand `cmd:"" help:"Process the queue: update Salesforce. Run any number."`
	Serve  serveCommand  `cmd:"" help:"Both in one process, for one machine."`
	Demo   demoCommand   `cmd:"" help:"Show the whole program on this machine: a private Postgres, both systems simulated, a scenario and a scoreboard."`
	Sim    simCommand    `cmd:"" help:"Simulate Monday and Salesforce, for development and load tests."`
	Schema struct {
		Up schemaUpCommand `cmd:"" help:"Apply the migrations of the schema that are missing."`
	} `cmd:"" help:"Manage the database schema."`
	Migrate migrateCommand `cmd:"" help:"Create and update items on the boards from records of Salesforce. Interrupted runs are resumed."`
	Check   checkCommand   `cmd:"" help:"Check the mapping and report everything that is wrong with it."`
	Mapping struct {
		Schema mappingSchemaCommand `cmd:"" help:"Print the JSON Schema of the mapping file, for editors."`
	} `cmd:"" help:"Help with the mapping file."`
	Scaffold scaffoldCommand `cmd:"" help:"Print a first mapping for a Monday board and a Salesforce object."`
	Webhooks webhooksCommand `cmd:"" help:"List the webhooks that the mapping needs, and register the missing ones."`
	Replay   replayCommand   `cmd:"" help:"Put dead letters back into the queue. Without arguments, list them."`
	Ignore   ignoreCommand   `cmd:"" help:"Close dead letters that nothing is to be done about."`
	Status   statusCommand   `cmd:"" help:"Show the queue, dead letters, outages and the last migration."`
	Plan     planCommand     `cmd:"" help:"Compare Monday with Salesforce, and say field by field what would be written. Writes nothing."`
	Apply    applyCommand    `cmd:"" help:"Do what plan says: compare Monday with Salesforce, and write what differs."`
	Held     heldCommands    `cmd:"" help:"What the delete brake holds for a person to decide."`
	Logs     struct {
		Export logsExportCommand `cmd:"" help:"Print the sync log as CSV."`
	} `cmd:"" help:"Read the sync log."`
	Erase   eraseCommand   `cmd:"" help:"Remove an item's values from the database. Ids and outcomes stay."`
	Version versionCommand `cmd:"" help:"Print the version, the commit and the database schema."`

	PrintVersion kong.VersionFlag `name:"version" help:"Print the same as the version command."`
}

// program is what a command has access to.
type program struct {
	getenv         func(string) string
	stdout, stderr io.Writer
}

// openDatabase opens the database that DATABASE_URL names.
func (p *program) openDatabase(ctx context.Context) (*pgxpool.Pool, error) {
	return app.OpenDatabase(ctx, app.NewEnvironment(p.getenv))
}

// Run runs a command line and returns its exit code. Everything it has access to is an argument.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	var cli commands
	exited := false
	version, err := readVersion()
	if err != nil {
		fmt.Fprintln(stderr, "crmsync:", err)
		return ExitFailed
	}
	parser, err := kong.New(&cli,
		kong.Name("crmsync"),
		kong.Description("Syncs Monday.com boards to Salesforce.\n\nConfigure it by environment variables; docs/operating.md lists them."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { exited = true }),
		kong.UsageOnError(),
		kong.Vars{"version": version.String()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "crmsync:", err)
		return ExitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited {
		return ExitDone // it was help
	}
	if err == nil {
		command.BindTo(ctx, (*context.Context)(nil))
		err = command.Run(&program{getenv: getenv, stdout: stdout, stderr: stderr})
	} else {
		err = app.UsageError{Err: err}
	}
	var usage app.UsageError
	var differ differencesError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &differ):
		return ExitDiffer
	case errors.As(err, &usage):
		fmt.Fprintln(stderr, "crmsync:", err)
		return ExitUsage
	}
	fmt.Fprintln(stderr, "crmsync:", err)
	return ExitFailed
}
