package cli

import (
	"io"

	"crmsync/internal/progress"
)

// colored reports whether w shows colors: a terminal that has them, unless the user wants none.
//
// https://no-color.org
func (p *program) colored(w io.Writer) bool {
	return progress.OnTerminal(w) && p.getenv("NO_COLOR") == "" && p.getenv("TERM") != "dumb"
}
