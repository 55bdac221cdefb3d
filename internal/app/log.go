package app

import (
	"io"
	"log/slog"
	"time"
)

// NewLog returns a logger that writes one line per entry to stderr: stdout is for the results of commands.
func NewLog(stderr io.Writer, c Config) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel, ReplaceAttr: withUnit}
	if c.LogFormat == "text" {
		return slog.New(slog.NewTextHandler(stderr, options))
	}
	return slog.New(slog.NewJSONHandler(stderr, options))
}

// NewCommandLog returns a logger for a command that a person runs and that prints its own progress: warnings and errors
// as text, and everything only at the level debug.
func NewCommandLog(stderr io.Writer, c Config) *slog.Logger {
	if c.LogFormat = "text"; c.LogLevel > slog.LevelDebug {
		c.LogLevel = max(c.LogLevel, slog.LevelWarn)
	}
	return NewLog(stderr, c)
}

// withUnit formats durations with their unit instead of JSON's number of nanoseconds.
func withUnit(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().Round(100 * time.Microsecond).String())
	}
	return a
}
