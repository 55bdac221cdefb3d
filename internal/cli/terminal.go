package cli

import (
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/mattn/go-isatty"

	"crmsync/internal/progress"
)

// colored reports whether w shows colors: a terminal that supports them, unless the user disabled them.
//
// https://no-color.org
func (p *program) colored(w io.Writer) bool {
	return progress.OnTerminal(w) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}

// onTerminal reports whether a file is a terminal, with a person at it.
func onTerminal(file *os.File) bool { return isatty.IsTerminal(file.Fd()) }

// verdict is the result of one check in a list.
type verdict string

// The verdicts.
const (
	passed   verdict = "ok"
	doubtful verdict = "warning" // it works, but may soon fail or is not as it should be
	failed   verdict = "failed"
)

// mark returns the sign of a verdict, in color if w supports it.
func (p *program) mark(w io.Writer, v verdict) string {
	sign := map[verdict]string{passed: "✓", doubtful: "!", failed: "✗"}[v]
	if !p.colored(w) {
		return sign
	}
	return map[verdict]string{passed: "\x1b[32m", doubtful: "\x1b[1;33m", failed: "\x1b[1;31m"}[v] + sign + "\x1b[0m"
}

// newTable returns a writer that aligns the columns of a table, which are separated by tabs.
func newTable(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }

// lines returns the lines of an error, or nil.
func lines(err error) []string {
	if err == nil {
		return []string{}
	}
	return strings.Split(err.Error(), "\n")
}
