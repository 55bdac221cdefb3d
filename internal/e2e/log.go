package e2e

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// LogBuffer takes the program's output.
type LogBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *LogBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *LogBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

func (b *LogBuffer) Contains(text string) bool { return strings.Contains(b.String(), text) }

// Tail are the last lines, without what River says of its own parts.
func (b *LogBuffer) Tail(lines int) string {
	all := slices.DeleteFunc(strings.Split(strings.TrimSpace(b.String()), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"DEBUG"`) && !strings.Contains(line, `"kind":`)
	})
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// listener is the address that the log tells of a listener.
func (b *LogBuffer) listener(name string) string {
	for line := range strings.Lines(b.String()) {
		var entry struct{ Msg, Listener, Addr string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" && entry.Listener == name {
			return entry.Addr
		}
	}
	return ""
}
