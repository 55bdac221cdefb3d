package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"crmsync/internal/app"
	"crmsync/internal/audit"
	"crmsync/schema/mapping"
)

type checkCommand struct {
	Live bool `help:"Ask Monday and Salesforce too. Needs their variables of the environment."`
	JSON bool `help:"For scripts."`
}

// Report is what a check says. Its JSON form is stable.
type Report struct {
	Mapping  string          `json:"mapping"`
	Errors   int             `json:"errors"`
	Warnings int             `json:"warnings"`
	Findings []audit.Finding `json:"findings"`
}

// Run reads the mapping and says what is wrong with it, and with --live what does not agree with the two systems.
func (c checkCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	path := e.Mapping()
	m, err := app.ReadMapping(path)
	if err != nil {
		return c.faulty(p, path, err)
	}
	if !c.Live {
		return c.sound(p, path, m)
	}
	var settings app.Config
	settings.ReadMonday(e)
	settings.ReadSalesforce(e)
	if err := e.Err(); err != nil {
		return err
	}
	l, err := app.NewLive(settings)
	if err != nil {
		return app.UsageError{Err: err}
	}
	findings := l.Check(ctx, m)
	if err := ctx.Err(); err != nil {
		return err
	}
	r := Report{Mapping: path, Errors: audit.Errors(findings), Warnings: audit.Warnings(findings), Findings: findings}
	if c.JSON {
		err = p.printJSON(r)
	} else {
		err = p.printReport(r)
	}
	if err == nil && r.Errors > 0 {
		err = fmt.Errorf("%s: %s", path, plural(r.Errors, "error"))
	}
	return err
}

// faulty says what is wrong with the file itself.
func (c checkCommand) faulty(p *program, path string, err error) error {
	var faults mapping.Faults
	if !errors.As(err, &faults) {
		return app.UsageError{Err: err}
	}
	if !c.JSON {
		return app.UsageError{Err: fmt.Errorf("%s:\n%w", plural(len(faults), "fault"), err)}
	}
	r := Report{Mapping: path, Errors: len(faults)}
	for _, f := range faults {
		r.Findings = append(r.Findings, audit.Finding{
			Severity: audit.Error, System: "mapping", Line: f.Line, Column: f.Column, Message: f.Message,
		})
	}
	if err := p.printJSON(r); err != nil {
		return err
	}
	return app.UsageError{Err: fmt.Errorf("%s: %s", path, plural(len(faults), "fault"))}
}

func (c checkCommand) sound(p *program, path string, m *mapping.Mapping) error {
	if c.JSON {
		return p.printJSON(Report{Mapping: path, Findings: []audit.Finding{}})
	}
	records := 0
	for _, board := range m.Boards {
		records += len(board.Records)
	}
	fmt.Fprintf(p.stdout, "%s is sound: %d boards, %d records.\n", path, len(m.Boards), records)
	p.printLeft(path, m)
	return nil
}

func (p *program) printJSON(v any) error {
	out := json.NewEncoder(p.stdout)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

func (p *program) printReport(r Report) error {
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	for n, f := range r.Findings {
		if n == 0 {
			fmt.Fprintln(table, "SEVERITY\tLINE\tSYSTEM\tFINDING")
		}
		at := "-"
		if f.Line > 0 {
			at = fmt.Sprintf("%d:%d", f.Line, f.Column)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", f.Severity, at, f.System, f.Message)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(p.stdout, "%s: %s, %s.\n", r.Mapping, plural(r.Errors, "error"), plural(r.Warnings, "warning"))
	return err
}

// plural is a number of something.
func plural(n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprintf("%d %s", n, of)
}
