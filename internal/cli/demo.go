package cli

import (
	"context"

	"crmsync/internal/demo"
)

type demoCommand struct {
	Once bool `help:"Exit with the verdict: 0 if the scoreboard is correct, 1 otherwise."`
}

// Run runs the demo on this machine.
func (c demoCommand) Run(ctx context.Context, p *program) error {
	return demo.Run(ctx, demo.Config{Once: c.Once, Out: p.stdout})
}
