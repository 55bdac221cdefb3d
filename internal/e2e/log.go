package e2e

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// LogBuffer holds the output of a program that is still running.
type LogBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

// Write implements io.Writer.
func (b *LogBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

// String returns all of the output so far.
func (b *LogBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

// Contains reports whether the output contains a text.
func (b *LogBuffer) Contains(text string) bool { return strings.Contains(b.String(), text) }

// Tail returns the last lines, without River's log of its own parts.
func (b *LogBuffer) Tail(lines int) string {
	all := slices.DeleteFunc(strings.Split(strings.TrimSpace(b.String()), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"DEBUG"`) && !strings.Contains(line, `"kind":`)
	})
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// listener returns the address of a listener from the log.
func (b *LogBuffer) listener(name string) string {
	for line := range strings.Lines(b.String()) {
		var entry struct{ Msg, Listener, Addr string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" && entry.Listener == name {
			return entry.Addr
		}
	}
	return ""
}
