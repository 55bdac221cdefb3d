// Command crmsync keeps Salesforce in sync with Monday.com boards.
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
	p := cli.Process{Getenv: os.Getenv, Environ: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	os.Exit(p.Run(ctx, os.Args[1:]))
}
