// Package cli is the command line of crmsync, with one file per command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

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
	Worker workerCommand `cmd:"" help:"Process the queue. Run any number."`
	Serve  serveCommand  `cmd:"" help:"Receive webhooks and process the queue in one process, for one machine."`
	Demo   demoCommand   `cmd:"" help:"Show the whole program on this machine: a private Postgres, both systems simulated, a scenario and a scoreboard."`
	Sim    simCommand    `cmd:"" help:"Simulate Monday and Salesforce, for development and load tests."`
	Schema struct {
		Up schemaUpCommand `cmd:"" help:"Apply the pending migrations of the schema."`
	} `cmd:"" help:"Manage the database schema."`
	Migrate migrateCommand `cmd:"" help:"Create and update items on the boards from records of Salesforce. Interrupted runs are resumed."`
	Check   checkCommand   `cmd:"" help:"Check the mapping and report everything that is wrong with it."`
	Mapping struct {
		Schema mappingSchemaCommand `cmd:"" help:"Print the JSON Schema of the mapping file, for editors."`
	} `cmd:"" help:"Help with writing the mapping file."`
	Boards    boardsCommand     `cmd:"" help:"List Monday's boards, or the columns and labels of some."`
	Scaffold  scaffoldCommand   `cmd:"" help:"Print a first mapping for Monday boards and Salesforce objects, or add it to a file."`
	Webhooks  webhooksCommand   `cmd:"" help:"List the webhooks that the mapping needs, and register the missing ones."`
	Errors    errorsCommand     `cmd:"" help:"List what makes events fail, by cause, with advice."`
	Replay    replayCommand     `cmd:"" help:"Replay dead letters: put them back into the queue. Without arguments, list them."`
	Ignore    ignoreCommand     `cmd:"" help:"Close dead letters that need no action."`
	Tail      tailCommand       `cmd:"" help:"Print events as they end, in words, one per line."`
	Status    statusCommand     `cmd:"" help:"Show the queue, dead letters, outages and the last import."`
	Item      itemCommand       `cmd:"" help:"Show whether an item is in sync and, if not, why: both values of every field, and what happened to it."`
	Plan      planCommand       `cmd:"" help:"Compare Monday with Salesforce, and show field by field what would be written. Writes nothing."`
	Apply     applyCommand      `cmd:"" help:"Compare Monday with Salesforce, and write the differences that plan shows."`
	Conflicts conflictsCommands `cmd:"" help:"Show values that were overruled because both sides had changed, and restore them."`
	Held      heldCommands      `cmd:"" help:"Show the deletions that the delete brake holds, and decide about them."`
	Logs      struct {
		Export logsExportCommand `cmd:"" help:"Print the sync log as CSV."`
	} `cmd:"" help:"Read the sync log."`
	Subject subjectCommand `cmd:"" help:"List the items that hold a person's e-mail address or phone number."`
	Erase   eraseCommand   `cmd:"" help:"Remove an item's values from the database. Ids and outcomes stay."`
	Init    initCommand    `cmd:"" help:"Ask for what crmsync needs, check the answers, and write .env and mapping.yaml."`
	Doctor  doctorCommand  `cmd:"" help:"Examine the installation: report present and imminent problems, and what to do about them."`
	Config  configCommand  `cmd:"" help:"Print every variable with its value and where it comes from. Secrets are hidden."`
	Version versionCommand `cmd:"" help:"Print the version, the commit and the database schema."`

	Completion completionCommand `cmd:"" help:"Print a script that completes commands, flags and boards in a shell."`
	Complete   completeCommand   `cmd:"" name:"__complete" hidden:""`
	Man        manCommand        `cmd:"" hidden:"" help:"Print the man page."`

	EnvFile      string           `help:"Read variables from this file. The environment takes precedence. Default: CRMSYNC_ENV, or .env in the working directory." placeholder:"FILE"`
	PrintVersion kong.VersionFlag `name:"version" help:"Print the same as the version command."`
}

// program is what a command has access to.
type program struct {
	source         *app.Source
	getenv         func(string) string // of the source
	stdin          io.Reader
	stdout, stderr io.Writer
	warned         bool // of misspelled names, already
}

// openDatabase opens the database that DATABASE_URL names.
func (p *program) openDatabase(ctx context.Context) (*pgxpool.Pool, error) {
	return app.OpenDatabase(ctx, app.NewEnvironment(p.getenv))
}

// Process is the part of its process that the program has access to.
type Process struct {
	Getenv         func(string) string
	Environ        []string // NAME=value; nil: unknown, without warnings about misspelled names
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run runs a command line and returns its exit code. Everything it has access to is an argument.
func Run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	return Process{Getenv: getenv, Stdin: strings.NewReader(""), Stdout: stdout, Stderr: stderr}.Run(ctx, args)
}

// Run runs a command line and returns its exit code.
func (p Process) Run(ctx context.Context, args []string) int {
	var cli commands
	exited, help, helped := false, p.Stdout, ExitDone
	if len(args) == 0 { // a container without a command must not look as if it had done its work
		args, help, helped = []string{"--help"}, p.Stderr, ExitUsage
	}
	if args[0] == "help" { // as other programs have it
		args = append(slices.Clone(args[1:]), "--help")
	}
	parser, err := newParser(&cli, help, p.Stderr, func(int) { exited = true })
	if err != nil {
		fmt.Fprintln(p.Stderr, "crmsync:", err)
		return ExitFailed
	}
	if err := checkTexts(args); err != nil {
		return p.exitCode(app.UsageError{Err: err}, nil)
	}
	command, err := parser.Parse(args)
	if exited {
		return helped
	}
	if err != nil {
		return p.exitCode(app.UsageError{Err: err}, nil)
	}
	source := app.NewSource(p.Getenv, variableNames(p.Environ))
	if err := source.ReadFile(cli.EnvFile); err != nil {
		return p.exitCode(err, nil)
	}
	run := &program{source: source, getenv: source.Getenv, stdin: p.Stdin, stdout: p.Stdout, stderr: p.Stderr}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(parser.Model)
	err = command.Run(run)
	if run.warned {
		source = nil
	}
	return p.exitCode(err, source)
}

// newParser returns the parser of the command line. exit is called when kong would end the process.
func newParser(cli *commands, stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	version, err := readVersion()
	if err != nil {
		return nil, err
	}
	parser, err := kong.New(cli,
		kong.Name("crmsync"),
		kong.Description("Syncs Monday.com boards to Salesforce.\n\nConfigure it by environment variables or a file .env; "+
			"crmsync config lists them."),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		kong.UsageOnError(),
		kong.Vars{"version": version.String()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err == nil {
		addExamples(parser.Model)
	}
	return parser, err
}

func variableNames(environ []string) (names []string) {
	for _, variable := range environ {
		name, _, _ := strings.Cut(variable, "=")
		names = append(names, name)
	}
	return names
}

// exitCode prints an error and returns its code. If the configuration is at fault, it also warns about names that are
// set but not read, unless the source is nil.
func (p Process) exitCode(err error, source *app.Source) int {
	var usage app.UsageError
	var differ differencesError
	switch {
	case err == nil:
		return ExitDone
	case errors.As(err, &differ):
		return ExitDiffer
	case errors.As(err, &usage):
		fmt.Fprintln(p.Stderr, "crmsync:", err)
		if source != nil {
			for _, warning := range source.Warnings() {
				fmt.Fprintln(p.Stderr, "note:", warning)
			}
		}
		return ExitUsage
	}
	fmt.Fprintln(p.Stderr, "crmsync:", err)
	return ExitFailed
}
