package worker

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
)

// A background task that panics is started again, and ends with its context.
func TestBackground(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := &Pool{config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
		ctx, cancel := context.WithCancel(t.Context())
		runs := 0
		p.background(ctx, "alerts", func(ctx context.Context) {
			if runs++; runs < 3 {
				panic("Jane Doe")
			}
			cancel()
			<-ctx.Done()
		})
		p.done.Wait()
		if runs != 3 {
			t.Errorf("the task ran %d times, want 3", runs)
		}
		text := log.String()
		if n := strings.Count(text, `msg="background task panicked" task=alerts error="panic: string"`); n != 2 || strings.Contains(text, "Jane") {
			t.Errorf("log:\n%s", text)
		}
	})
}
