// Command crmsync keeps Salesforce in step with Monday.com boards.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"crmsync/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal exits at once
	os.Exit(cli.Run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
