package cli

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// logBuffer takes the program's output.
type logBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}

func (b *logBuffer) contains(text string) bool { return strings.Contains(b.String(), text) }

// tail are the last lines, without what River says of its own parts.
func (b *logBuffer) tail(lines int) string {
	all := slices.DeleteFunc(strings.Split(strings.TrimSpace(b.String()), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"DEBUG"`) && !strings.Contains(line, `"kind":`)
	})
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// listener is the address that the log tells of a listener.
func (b *logBuffer) listener(name string) string {
	for line := range strings.Lines(b.String()) {
		var entry struct{ Msg, Listener, Addr string }
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == "listening" && entry.Listener == name {
			return entry.Addr
		}
	}
	return ""
}
