package cli

import (
	"fmt"
	"io"
	"sync"
	"time"

	"crmsync/internal/report"
	"crmsync/schema/mapping"
)

// tellWaiting returns a function that prints, once for each board and reason, that the work on a board waits.
func tellWaiting(w io.Writer, m *mapping.Mapping) func(board int64, reason string, until time.Time) {
	type about struct {
		board  int64
		reason string
	}
	var mu sync.Mutex
	told := map[about]bool{}
	return func(board int64, reason string, until time.Time) {
		mu.Lock()
		defer mu.Unlock()
		if told[about{board, reason}] {
			return
		}
		told[about{board, reason}] = true
		fmt.Fprintf(w, "%s %s\n", boardWords(m, board), report.WaitWords(reason, until))
	}
}
