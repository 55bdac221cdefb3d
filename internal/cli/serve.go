package cli

import (
	"context"

	"crmsync/internal/app"
)

type (
	ingestCommand struct{}
	workerCommand struct{}
	serveCommand  struct{}
)

// Run receives webhooks until ctx ends.
func (ingestCommand) Run(ctx context.Context, p *program) error {
	return p.serve(ctx, app.Role{Ingest: true})
}

// Run processes the queue until ctx ends.
func (workerCommand) Run(ctx context.Context, p *program) error {
	return p.serve(ctx, app.Role{Worker: true})
}

// Run does both until ctx ends.
func (serveCommand) Run(ctx context.Context, p *program) error {
	return p.serve(ctx, app.Role{Ingest: true, Worker: true})
}

func (p *program) serve(ctx context.Context, r app.Role) error {
	return app.Serve(ctx, p.source, p.stderr, r)
}
