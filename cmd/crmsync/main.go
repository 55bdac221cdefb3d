// Command crmsync keeps Salesforce in step with Monday.com boards.
package main

import (
	"context"
	"os"

	"crmsync/internal/cli"
	"crmsync/internal/signals"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		<-signals.Stop
		signals.Reset() // a second signal exits at once
		stop()
	}()
	os.Exit(cli.Run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}
