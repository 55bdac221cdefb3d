package worker

import (
	"context"
	"log/slog"
)

// QueueLog is the log for River and its dashboard: from warnings on, since they tell at info of every turn of their
// wheels. Where debugging is on, it takes everything.
func QueueLog(log *slog.Logger) *slog.Logger {
	if log.Enabled(context.Background(), slog.LevelDebug) {
		return log
	}
	return slog.New(warnings{log.Handler()})
}

// warnings lets pass what is at least a warning.
type warnings struct{ slog.Handler }

// Enabled reports whether a level passes.
func (w warnings) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && w.Handler.Enabled(ctx, level)
}

// WithAttrs returns a handler with more attributes, and of the same kind.
func (w warnings) WithAttrs(attrs []slog.Attr) slog.Handler {
	return warnings{w.Handler.WithAttrs(attrs)}
}

// WithGroup returns a handler with a group, and of the same kind.
func (w warnings) WithGroup(name string) slog.Handler { return warnings{w.Handler.WithGroup(name)} }
