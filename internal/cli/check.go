package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"crmsync/internal/app"
	"crmsync/internal/audit"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
)

type checkCommand struct {
	Live   bool `help:"Check against Monday and Salesforce, too. Their variables must be set."`
	Fields bool `help:"Also report the direction in which each field is synced."`
	JSON   bool `help:"Print JSON."`
}

// Report is the result of a check. Its JSON form is stable.
type Report struct {
	Mapping  string          `json:"mapping"`
	Errors   int             `json:"errors"`
	Warnings int             `json:"warnings"`
	Findings []audit.Finding `json:"findings"`
}

// Run reads the mapping and prints its faults and, with --live, everything that does not fit the two systems.
func (c checkCommand) Run(ctx context.Context, p *program) error {
	e := app.NewEnvironment(p.getenv)
	path := e.Mapping()
	m, err := app.ReadMapping(path)
	faults, faulty := errors.AsType[mapping.Faults](err)
	switch {
	case faulty:
		if err := c.print(p, p.stderr, path, audit.Faults(faults), ""); err != nil {
			return err
		}
		return app.UsageError{Err: fmt.Errorf("%s: %s", path, plural(len(faults), "error"))}
	case err != nil:
		return app.UsageError{Err: err}
	}
	var findings []audit.Finding
	var known audit.Live
	if c.Live {
		if findings, known, err = c.live(ctx, e, m); err != nil {
			return err
		}
	}
	findings = append(findings, unplanned(ctx, p, m)...)
	findings = audit.Sort(append(findings, audit.Ways(m, known, c.Fields)...))
	if err := c.print(p, p.stdout, path, findings, counts(m, findings)); err != nil {
		return err
	}
	return failedCheck(path, findings)
}

// failedCheck returns an error if there are errors among the findings. Errors of the mapping itself count as wrong
// configuration, with and without --live; those that depend on the systems do not.
func failedCheck(path string, findings []audit.Finding) error {
	n := audit.Errors(findings)
	if n == 0 {
		return nil
	}
	err := fmt.Errorf("%s: %s", path, plural(n, "error"))
	if slices.ContainsFunc(findings, func(f audit.Finding) bool {
		return f.System == audit.File && f.Severity == audit.Error
	}) {
		return app.UsageError{Err: err}
	}
	return err
}

// unplanned finds boards that are synced both ways although no plan was made with that setting: nobody has seen yet
// what the first comparison would change. Without a database this is unknown.
func unplanned(ctx context.Context, p *program, m *mapping.Mapping) (findings []audit.Finding) {
	boards := map[string]*mapping.Board{}
	for _, b := range m.Boards {
		if ways := b.Ways(); ways != "" {
			boards[ways] = b
		}
	}
	if len(boards) == 0 {
		return nil
	}
	find := func(b *mapping.Board, s audit.Severity, format string, args ...any) {
		at := b.At("records")
		findings = append(findings, audit.Finding{
			Severity: s, System: audit.File, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...),
		})
	}
	missing, err := askUnplanned(ctx, p, slices.Collect(maps.Keys(boards)))
	for ways, b := range boards {
		switch {
		case errors.Is(err, errNoDatabase):
			find(b, audit.Note, "board %s is synced both ways; whether that was planned is unknown: DATABASE_URL is "+
				"not set", b.Name)
		case err != nil:
			find(b, audit.Warning, "board %s is synced both ways; whether that was planned is unknown: %v", b.Name, err)
		case slices.Contains(missing, ways):
			find(b, audit.Error, "board %s is synced both ways, but that was never planned; see what would change: "+
				"crmsync plan %s", b.Name, b.Name)
		}
	}
	return findings
}

var errNoDatabase = errors.New("DATABASE_URL is not set")

// askUnplanned returns the directions with which no plan has been made.
func askUnplanned(ctx context.Context, p *program, ways []string) ([]string, error) {
	if p.getenv("DATABASE_URL") == "" && p.getenv("DATABASE_URL_FILE") == "" {
		return nil, errNoDatabase
	}
	db, err := p.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	missing, err := store.New(db).Unplanned(ctx, ways)
	if errors.Is(err, store.ErrOldSchema) { // nothing was ever planned
		return ways, nil
	}
	return missing, err
}

// live compares the mapping with both systems.
func (checkCommand) live(
	ctx context.Context, e *app.Environment, m *mapping.Mapping,
) ([]audit.Finding, audit.Live, error) {
	var settings app.Config
	settings.ReadMonday(e)
	settings.ReadSalesforce(e)
	if err := e.Err(); err != nil {
		return nil, audit.Live{}, err
	}
	l, err := app.NewLive(settings)
	if err != nil {
		return nil, audit.Live{}, app.UsageError{Err: err}
	}
	findings, known := l.Check(ctx, m)
	return findings, known, ctx.Err()
}

// print writes the findings, one per line in the form of editors and compilers, and a summary line. JSON always goes to
// the standard output.
func (c checkCommand) print(p *program, w io.Writer, path string, findings []audit.Finding, about string) error {
	if c.JSON {
		if findings == nil {
			findings = []audit.Finding{}
		}
		return p.printJSON(Report{
			Mapping: path, Errors: audit.Errors(findings), Warnings: audit.Warnings(findings), Findings: findings,
		})
	}
	colored := p.colored(w)
	for _, f := range findings {
		fmt.Fprintln(w, line(path, f, colored))
	}
	if about == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, "%s: %s\n", path, about)
	return err
}

// counts returns the summary: how many findings, and in what.
func counts(m *mapping.Mapping, findings []audit.Finding) string {
	records := 0
	for _, board := range m.Boards {
		records += len(board.Records)
	}
	errors, warnings := plural(audit.Errors(findings), "error"), plural(audit.Warnings(findings), "warning")
	return fmt.Sprintf("%s, %s; %s, %s.", errors, warnings, plural(len(m.Boards), "board"), plural(records, "record"))
}

// line returns a finding as file:line:column: severity: text. A finding without a place is shown at the beginning of
// the file, and names the system that it concerns.
func line(path string, f audit.Finding, colored bool) string {
	severity := string(f.Severity)
	if colored {
		severity = colors[f.Severity] + severity + "\x1b[0m"
	}
	if f.Line == 0 {
		return fmt.Sprintf("%s:1:1: %s: %s: %s", path, severity, f.System, f.Message)
	}
	return fmt.Sprintf("%s:%d:%d: %s: %s", path, f.Line, f.Column, severity, f.Message)
}

// colors are those of a terminal: bold red, bold yellow and cyan.
var colors = map[audit.Severity]string{audit.Error: "\x1b[1;31m", audit.Warning: "\x1b[1;33m", audit.Note: "\x1b[36m"}

func (p *program) printJSON(v any) error {
	out := json.NewEncoder(p.stdout)
	out.SetIndent("", "  ")
	return out.Encode(v)
}

// plural returns a number with its noun.
func plural(n int, of string) string {
	if n != 1 {
		of += "s"
	}
	return fmt.Sprintf("%d %s", n, of)
}
