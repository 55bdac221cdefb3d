package cli

import (
	"fmt"

	"crmsync/internal/app"
)

type configCommand struct {
	Role string `help:"Role whose configuration is checked: serve (the default), ingest or worker." enum:"serve,ingest,worker" default:"serve" placeholder:"ROLE"`
	JSON bool   `help:"Print JSON."`
}

// Configuration is the configuration of the program. Its JSON form is stable.
type Configuration struct {
	EnvFile   string     `json:"env_file,omitempty"` // empty: none was read
	Variables []variable `json:"variables"`
	Warnings  []string   `json:"warnings"`
	Problems  []string   `json:"problems"` // why the role would not start
}

type variable struct {
	Name   string `json:"name"`
	Value  string `json:"value"`
	Source string `json:"source"` // default, environment, a file, or file and line of the env file; empty: not set
	Secret bool   `json:"secret"`
}

// Run prints all variables and their problems.
func (c configCommand) Run(p *program) error {
	_, problems := app.ReadConfig(p.getenv, roleNamed(c.Role))
	now := Configuration{EnvFile: p.source.File(), Warnings: p.source.Warnings(), Problems: lines(problems)}
	p.warned = true
	if now.Warnings == nil {
		now.Warnings = []string{}
	}
	for _, s := range p.source.Settings() {
		now.Variables = append(now.Variables, variable{s.Name, s.Value, s.Source, s.Secret})
	}
	if c.JSON {
		if err := p.printJSON(now); err != nil {
			return err
		}
	} else if err := p.printConfiguration(now); err != nil {
		return err
	}
	if problems != nil {
		return app.UsageError{Err: fmt.Errorf("%s would not start: %s", c.Role, plural(len(now.Problems), "problem"))}
	}
	return nil
}

// roleNamed returns the role that a command runs as.
func roleNamed(command string) app.Role {
	return app.Role{Ingest: command != "worker", Worker: command != "ingest"}
}

func (p *program) printConfiguration(now Configuration) error {
	table := newTable(p.stdout)
	fmt.Fprintln(table, "VARIABLE\tVALUE\tSOURCE")
	for _, v := range now.Variables {
		value, source := v.Value, v.Source
		if source == "" {
			value, source = "-", "not set"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.Name, value, source)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(now.Warnings)+len(now.Problems) > 0 {
		fmt.Fprintln(p.stdout)
	}
	for _, problem := range now.Problems {
		fmt.Fprintln(p.stdout, p.mark(p.stdout, failed), problem)
	}
	for _, warning := range now.Warnings {
		fmt.Fprintln(p.stdout, p.mark(p.stdout, doubtful), warning)
	}
	return nil
}
