package chaos_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// daemon keeps a command of the program running like a service supervisor: if it ends, it is started again.
type daemon struct {
	c    *chaos
	name string
	log  *os.File // output of all its processes
	up   atomic.Bool
	done chan struct{} // closed when it has stopped for good

	mu       sync.Mutex
	process  *os.Process // nil between two
	killed   bool
	stopping bool
}

// run keeps a command running until the test ends. Then it must stop cleanly.
func (c *chaos) run(command string, number int) *daemon {
	d := &daemon{c: c, name: fmt.Sprintf("%s-%d", command, number), done: make(chan struct{})}
	var err error
	if d.log, err = os.Create(filepath.Join(c.dir, d.name+".log")); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		defer close(d.done)
		for d.once(command) {
		}
	}()
	c.t.Cleanup(func() {
		d.stop()
		d.log.Close()
	})
	return d
}

// once runs one process to its end, and reports whether to start another.
func (d *daemon) once(command string) (again bool) {
	cmd := exec.Command(d.c.program, command)
	cmd.Env = d.c.Environ()
	output, err := cmd.StderrPipe()
	if err == nil {
		err = d.start(cmd)
	}
	if err != nil {
		d.c.t.Errorf("starting %s: %v", d.name, err)
		return false
	}
	d.listen(output)
	err = cmd.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	up := d.up.Swap(false)
	switch {
	case d.stopping && up && !d.killed && err != nil:
		d.c.t.Errorf("%s did not stop cleanly: %v", d.name, err)
	case !d.stopping && !d.killed && up: // a process that finds no Postgres at its start may exit
		d.c.t.Errorf("%s ended on its own: %v", d.name, err)
	}
	d.process, d.killed = nil, false
	return !d.stopping
}

// start starts a process, unless the daemon is stopping.
func (d *daemon) start(cmd *exec.Cmd) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	d.process = cmd.Process
	if d.stopping {
		return d.process.Signal(syscall.SIGTERM)
	}
	return nil
}

// listen reads a process's log until it ends, and learns from it when the process is up and where ingest listens.
func (d *daemon) listen(output io.Reader) {
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadBytes('\n')
		d.log.Write(line)
		var entry struct{ Msg, Listener, Addr string }
		if !d.up.Load() && json.Unmarshal(line, &entry) == nil {
			switch {
			case entry.Msg == "listening" && entry.Listener == "ingest":
				d.c.gate.open("http://" + entry.Addr)
			case entry.Msg == "started":
				d.up.Store(true)
			}
		}
		if err != nil {
			return
		}
	}
}

// signal sends a signal to the current process.
func (d *daemon) signal(s syscall.Signal) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.process != nil && d.process.Signal(s) == nil && s == syscall.SIGKILL {
		d.killed = true
	}
}

// stop asks the process to end, and waits for that. No process is started after one that was just killed.
func (d *daemon) stop() {
	d.mu.Lock()
	d.stopping = true
	if d.process != nil {
		d.process.Signal(syscall.SIGCONT) // in case it is stalled
		d.process.Signal(syscall.SIGTERM)
	}
	d.mu.Unlock()
	patience := time.AfterFunc(30*time.Second, func() {
		d.c.t.Errorf("%s does not stop", d.name)
		d.signal(syscall.SIGKILL)
	})
	defer patience.Stop()
	<-d.done
}

// about returns the last log lines about an item.
func (d *daemon) about(item int64, last int) []string {
	text, err := os.ReadFile(d.log.Name())
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for line := range bytes.Lines(text) {
		if bytes.Contains(line, fmt.Appendf(nil, `"item":%d,`, item)) {
			lines = append(lines, strings.TrimSpace(string(line)))
		}
	}
	return lines[max(0, len(lines)-last):]
}

// gate is a proxy to ingest's current address that records which deliveries were answered with 200.
type gate struct {
	*httptest.Server
	target atomic.Pointer[string]

	mu       sync.Mutex
	accepted map[string]int64 // key of the event -> item
	loses    func() bool      // whether a delivery is lost for good although it is answered with 200; nil: none is
	lost     int
}

func newGate(t *testing.T) *gate {
	g := &gate{accepted: map[string]int64{}}
	g.open("http://127.0.0.1:0")
	g.Server = httptest.NewServer(http.HandlerFunc(g.serve))
	t.Cleanup(g.Close)
	return g
}

func (g *gate) open(target string) { g.target.Store(&target) }

func (g *gate) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	if g.drop() {
		return
	}
	req, err := http.NewRequestWithContext(r.Context(), r.Method, *g.target.Load()+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	req.Header = r.Header.Clone()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		g.accept(body)
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// drop reports whether the delivery is lost.
func (g *gate) drop() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.loses == nil || !g.loses() {
		return false
	}
	g.lost++
	return true
}

// lose lets deliveries be lost for good.
func (g *gate) lose(loses func() bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.loses = loses
}

func (g *gate) losses() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost
}

func (g *gate) accept(body []byte) {
	var delivery struct {
		Event struct {
			TriggerUUID, ColumnID string
			PulseID, ItemID       int64
		}
	}
	if err := json.Unmarshal(body, &delivery); err != nil {
		panic(err)
	}
	e := delivery.Event
	item := max(e.PulseID, e.ItemID)
	key := fmt.Sprintf("%s:%d", e.TriggerUUID, item)
	if e.ColumnID != "" {
		key += ":" + e.ColumnID
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.accepted[key] = item
}
