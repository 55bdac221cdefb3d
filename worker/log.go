package worker

import (
	"context"
	"log/slog"
)

// QueueLog returns the log for River and its dashboard. It contains only warnings and above, because they log routine
// work at info; with debug logging on, it contains everything.
func QueueLog(log *slog.Logger) *slog.Logger {
	if log.Enabled(context.Background(), slog.LevelDebug) {
		return log
	}
	return slog.New(warnings{log.Handler()})
}

// warnings passes records of level warning and above.
type warnings struct{ slog.Handler }

// Enabled reports whether a level passes.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs returns a handler of the same kind with more attributes.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler of the same kind with a group.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
