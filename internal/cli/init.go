package cli

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"crmsync/internal/app"
	"crmsync/internal/scaffold"
)

type initCommand struct {
	DatabaseURL            string        `help:"DATABASE_URL." placeholder:"URL"`
	MondayToken            string        `help:"MONDAY_API_TOKEN." placeholder:"TOKEN"`
	SalesforceLoginURL     string        `help:"SALESFORCE_LOGIN_URL." placeholder:"URL"`
	SalesforceClientID     string        `help:"SALESFORCE_CLIENT_ID." placeholder:"KEY"`
	SalesforceClientSecret string        `help:"SALESFORCE_CLIENT_SECRET." placeholder:"SECRET"`
	Board                  []boardNumber `sep:"none" help:"Id of a Monday board to sync. For several boards, repeat it together with --object." placeholder:"ID"`
	Object                 []string      `sep:"none" help:"API name of the Salesforce object for the preceding board." placeholder:"NAME"`
	IngestURL              string        `help:"Address at which Monday will reach crmsync: INGEST_URL." placeholder:"https://..." aliases:"public-url"`
	AdminUser              string        `help:"Operator of the console: ADMIN_USER." placeholder:"NAME"`
	AdminPassword          string        `help:"The operator's password: ADMIN_PASSWORD." placeholder:"PASSWORD"`
	Answers                string        `help:"Read the answers from this file, one on each line in the order of the questions, instead of the standard input." placeholder:"FILE"`
	Dir                    string        `help:"Folder for .env and mapping.yaml. Default: the working directory." default:"." placeholder:"DIR"`
	Force                  bool          `help:"Change existing files without asking."`
}

// Run asks for what crmsync needs, checks each answer, and writes .env and mapping.yaml.
func (c initCommand) Run(ctx context.Context, p *program) error {
	if len(c.Object) > len(c.Board) {
		return app.UsageError{Err: fmt.Errorf("--board, --object: there are %s and only %s",
			plural(len(c.Object), "object"), plural(len(c.Board), "board"))}
	}
	in, done, err := c.input(p)
	if err != nil {
		return app.UsageError{Err: err}
	}
	defer done()
	s := &setup{program: p, command: c, asker: in, values: map[string]string{}, used: map[string]bool{}}
	if s.source, err = s.existing(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		s.database, s.monday, s.salesforce, s.chooseBoards, s.chooseObjects, s.publicAddress, s.secret, s.console,
		s.write,
	} {
		if err := step(ctx); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// input returns where answers come from.
func (c initCommand) input(p *program) (*asker, func(), error) {
	if c.Answers == "" {
		a := &asker{in: bufio.NewReader(p.stdin), out: p.stdout}
		if file, ok := p.stdin.(*os.File); ok && onTerminal(file) {
			a.terminal = file
		}
		return a, func() {}, nil
	}
	file, err := os.Open(c.Answers)
	if err != nil {
		return nil, nil, fmt.Errorf("--answers: %w", err)
	}
	return &asker{in: bufio.NewReader(file), out: p.stdout}, func() { file.Close() }, nil
}

// setup is the state that the steps of init share.
type setup struct {
	*program
	*asker
	command initCommand
	source  *app.Source       // of the environment and the existing .env
	values  map[string]string // variables that were answered
	used    map[string]bool   // variables that init has read
	live    *app.Live
	boards  []int64
	objects []string
	pairs   []scaffold.Pair
}

// existing reads the .env of the folder or, if there is none, the env file that was named. Their values need no answer.
func (s *setup) existing() (*app.Source, error) {
	if s.program.source.File() != "" && s.command.Dir == "." {
		return s.program.source, nil
	}
	source := s.program.source.WithoutFile()
	if _, err := os.Stat(s.envPath()); err != nil {
		if file := s.program.source.File(); file != "" && file != app.EnvFile {
			return s.program.source, nil
		}
		return source, nil
	}
	return source, source.ReadFile(s.envPath())
}

func (s *setup) envPath() string { return filepath.Join(s.command.Dir, app.EnvFile) }

// mappingPath returns the mapping file in the folder, unless MAPPING names another.
func (s *setup) mappingPath() string {
	if path := s.value("MAPPING"); path != "" {
		return path
	}
	return filepath.Join(s.command.Dir, "mapping.yaml")
}

// value returns the value of a variable: the answer or, without one, the value that is set.
func (s *setup) value(name string) string {
	s.used[name] = true
	if value := s.values[name]; value != "" {
		return value
	}
	return s.source.Getenv(name)
}

// known returns the value of a variable that needs no answer, if necessary from its file.
func (s *setup) known(name string) string {
	return app.NewEnvironment(s.value).Text(name)
}

// keep stores an answer for .env. A value that has its own file stays there.
func (s *setup) keep(name, answer string) {
	if s.source.Getenv(name+"_FILE") == "" {
		s.values[name] = answer
	}
}

func (s *setup) say(format string, args ...any) { fmt.Fprintf(s.stdout, format+"\n", args...) }

// printTitle prints the title of a step, and what to do for it.
func (s *setup) printTitle(title, how string) {
	fmt.Fprintf(s.stdout, "\n%s\n", title)
	if how != "" {
		_, _ = io.WriteString(s.stdout, how)
	}
}
