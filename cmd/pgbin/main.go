// Command pgbin prints the folder of the PostgreSQL programs that the demo and the tests would run, or fails if none
// is installed.
package main

import (
	"context"
	"fmt"
	"os"

	"crmsync/internal/pglocal"
)

func main() {
	found, err := pglocal.Find(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(found.Dir)
}
