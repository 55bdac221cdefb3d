package cli

import (
	"context"
	"fmt"

	"crmsync/internal/doctor"
)

type doctorCommand struct {
	TestAlerts bool   `help:"Send a test message to each alert channel."`
	Role       string `help:"Role whose settings must be complete: serve (the default), ingest or worker." enum:"serve,ingest,worker" default:"serve" placeholder:"ROLE"`
	JSON       bool   `help:"Print JSON."`
}

// Diagnosis is the result of doctor. Its JSON form is stable.
type Diagnosis struct {
	Failed   int              `json:"failed"`
	Warnings int              `json:"warnings"`
	Findings []doctor.Finding `json:"findings"`
}

// Run examines the installation.
func (c doctorCommand) Run(ctx context.Context, p *program) error {
	p.warned = true // warnings are findings
	all := doctor.Examine(ctx, doctor.Input{Source: p.source, Role: roleNamed(c.Role), Test: c.TestAlerts})
	if err := ctx.Err(); err != nil {
		return err
	}
	d := Diagnosis{Failed: doctor.Count(all, doctor.Wrong), Warnings: doctor.Count(all, doctor.Doubtful), Findings: all}
	if c.JSON {
		if err := p.printJSON(d); err != nil {
			return err
		}
	} else {
		p.printFindings(all)
		fmt.Fprintf(p.stdout, "\n%s, %s.\n", plural(d.Failed, "problem"), plural(d.Warnings, "warning"))
	}
	if d.Failed > 0 {
		return fmt.Errorf("%s found", plural(d.Failed, "problem"))
	}
	return nil
}

// printFindings prints one finding per line, and below it what to do.
func (p *program) printFindings(all []doctor.Finding) {
	marks := map[doctor.Verdict]verdict{doctor.Fine: passed, doctor.Doubtful: doubtful, doctor.Wrong: failed}
	for _, f := range all {
		fmt.Fprintf(p.stdout, "%s %s: %s\n", p.mark(p.stdout, marks[f.Verdict]), f.Subject, f.Text)
		if f.Do != "" {
			fmt.Fprintf(p.stdout, "    → %s\n", f.Do)
		}
	}
}
