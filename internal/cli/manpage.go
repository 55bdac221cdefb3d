package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"crmsync/internal/app"
	"crmsync/internal/buildinfo"
)

type manCommand struct{}

// Run prints the man page.
func (manCommand) Run(p *program, model *kong.Application) error {
	_, err := fmt.Fprint(p.stdout, manPage(model))
	return err
}

// manPage returns the man page, in the language of man(7).
func manPage(model *kong.Application) string {
	w := &strings.Builder{}
	build := buildinfo.Read()
	fmt.Fprintf(w, ".TH CRMSYNC 1 \"\" \"crmsync %s\" \"crmsync\"\n", roff(build.Version))
	fmt.Fprint(w, ".SH NAME\ncrmsync \\- syncs Monday.com boards to Salesforce\n")
	fmt.Fprint(w, ".SH SYNOPSIS\n.B crmsync\n.I command\n[\\fIarguments\\fR] [\\fB\\-\\-env\\-file\\fR \\fIfile\\fR]\n")
	fmt.Fprint(w, ".SH DESCRIPTION\n",
		roff("crmsync receives Monday's webhooks, stores them as jobs in Postgres, and updates Salesforce "+
			"from them. crmsync init sets it up, crmsync serve runs it, and crmsync doctor examines it."), "\n.SH COMMANDS\n")
	for _, command := range model.Leaves(true) {
		manCommandSection(w, command)
	}
	fmt.Fprint(w, ".SH ENVIRONMENT\n",
		roff("Each variable can also come from a file of its own, by NAME_FILE, or from an env file: "+
			"--env-file, CRMSYNC_ENV, or .env in the working directory."), "\n")
	for _, v := range app.Variables() {
		fmt.Fprintf(w, ".TP\n.B %s\n%s.\n", roff(v.Name), roff(v.About))
		if v.Default != "" {
			fmt.Fprintf(w, "Default: %s.\n", roff(v.Default))
		}
	}
	fmt.Fprint(w, ".SH EXIT STATUS\n.TP\n.B 0\ndone\n.TP\n.B 1\nfailed, or something needs a person\n.TP\n.B 2\nwrong "+
		"usage or configuration\n"+
		".TP\n.B 3\ndifferences found\n")
	return w.String()
}

// manCommandSection writes a command with its flags and examples.
func manCommandSection(w *strings.Builder, command *kong.Node) {
	fmt.Fprintf(w, ".SS %s\n%s\n", roff(command.Summary()), roff(command.Help))
	for _, argument := range command.Positional {
		fmt.Fprintf(w, ".TP\n.I %s\n%s\n", roff(argument.Summary()), roff(argument.Help))
	}
	for _, flag := range command.Flags {
		if flag.Hidden {
			continue
		}
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(flag.String()), roff(flag.Help))
	}
	if lines := examples[command.Path()]; len(lines) > 0 {
		fmt.Fprint(w, ".PP\nExamples:\n.RS 4\n.nf\n")
		for _, line := range lines {
			fmt.Fprintln(w, roff(line))
		}
		fmt.Fprint(w, ".fi\n.RE\n")
	}
}

// roff escapes a text, so that nothing in it is a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(strings.Join(strings.Fields(text), " "))
	if strings.HasPrefix(text, ".") || strings.HasPrefix(text, "'") {
		text = `\&` + text
	}
	return text
}
