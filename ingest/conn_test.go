package ingest_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"crmsync/ingest"
	"crmsync/schema/schematest"
)

// one is a listener with a single connection.
type one struct {
	net.Listener
	conn net.Conn
}

func (o one) Accept() (net.Conn, error) { return o.conn, nil }

// accepted returns a connection of the server, and its other end.
func accepted(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	inner, theirs := net.Pipe()
	ours, err := ingest.Listener(one{conn: inner}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ours.Close() })
	return ours, theirs
}

// direction is one of the two directions of a connection.
type direction struct {
	limit func(net.Conn, time.Time) error
	call  func(net.Conn) error
	other func(net.Conn) error // what the other end does
}

var directions = map[string]direction{
	"read":                {net.Conn.SetReadDeadline, readByte, writeByte},
	"write":               {net.Conn.SetWriteDeadline, writeByte, readByte},
	"read, both limited":  {net.Conn.SetDeadline, readByte, writeByte},
	"write, both limited": {net.Conn.SetDeadline, writeByte, readByte},
}

func readByte(c net.Conn) error {
	_, err := c.Read(make([]byte, 1))
	return err
}

func writeByte(c net.Conn) error {
	_, err := c.Write([]byte{1})
	return err
}

// TestLimits: a call ends when its limit passes, also if the limit is set while the call waits. Each step waits, and then
// sets the limit, counted from that moment.
func TestLimits(t *testing.T) {
	t.Parallel()
	type step struct{ after, limit time.Duration } // limit 0: none
	const past = -time.Hour
	tests := map[string]struct {
		before time.Duration // limit that is set before the call; 0: none
		steps  []step
		ends   time.Duration // from the start of the call
	}{
		"set before":             {5 * time.Second, nil, 5 * time.Second},
		"in the past":            {past, nil, 0},
		"set meanwhile":          {0, []step{{time.Second, 2 * time.Second}}, 3 * time.Second},
		"ended meanwhile":        {0, []step{{time.Second, past}}, time.Second},
		"moved ahead":            {5 * time.Second, []step{{time.Second, 10 * time.Second}}, 11 * time.Second},
		"moved ahead twice":      {5 * time.Second, []step{{time.Second, 10 * time.Second}, {8 * time.Second, 60 * time.Second}}, 69 * time.Second},
		"moved back":             {60 * time.Second, []step{{time.Second, 5 * time.Second}}, 6 * time.Second},
		"moved back after ahead": {5 * time.Second, []step{{time.Second, 60 * time.Second}, {6 * time.Second, 2 * time.Second}}, 9 * time.Second},
		"lifted, set again":      {5 * time.Second, []step{{time.Second, 0}, {60 * time.Second, time.Second}}, 62 * time.Second},
	}
	for name, tt := range tests {
		for way, d := range directions {
			t.Run(name+", "+way, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ours, theirs := accepted(t)
					set := func(limit time.Duration) {
						var at time.Time
						if limit != 0 {
							at = time.Now().Add(limit)
						}
						if err := d.limit(ours, at); err != nil {
							t.Error(err)
						}
					}
					set(tt.before)
					began := time.Now()
					go func() {
						for _, s := range tt.steps {
							time.Sleep(s.after)
							set(s.limit)
						}
					}()
					err := d.call(ours)
					var timeout net.Error
					if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &timeout) || !timeout.Timeout() {
						t.Errorf("call = %v, want a timeout", err)
					}
					if took := time.Since(began); took != tt.ends {
						t.Errorf("the call took %v, want %v", took, tt.ends)
					}
					if err := d.call(ours); !errors.Is(err, os.ErrDeadlineExceeded) {
						t.Errorf("call after the limit = %v, want a timeout", err)
					}
					set(time.Minute)
					go func() { _ = d.other(theirs) }()
					if err := d.call(ours); err != nil {
						t.Errorf("call within the next limit = %v", err)
					}
				})
			})
		}
	}
}

// counting is a listener that counts the reads of its connections.
type counting struct {
	net.Listener
	reads atomic.Int64
}

func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return countedConn{c.(*net.TCPConn), l}, nil
}

type countedConn struct {
	*net.TCPConn
	by *counting
}

func (c countedConn) Read(p []byte) (int, error) {
	c.by.reads.Add(1)
	return c.TCPConn.Read(p)
}

// dial connects to a server of the handler.
func dial(t *testing.T, h http.Handler) (net.Conn, *counting) {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l, s := &counting{Listener: inner}, ingest.Server("", h)
	go func() { _ = s.Serve(ingest.Listener(l)) }()
	t.Cleanup(func() { _ = s.Close() })
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn, l
}

// TestRefusedBody: the answer to a body that is not read arrives, and after it the end of the connection, not a reset.
func TestRefusedBody(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	conn, _ := dial(t, b)
	request := "POST /webhooks/monday/" + secret + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"
	if _, err := io.WriteString(conn, request+strings.Repeat(" ", 64<<10)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(got), "HTTP/1.1 413 ") {
		t.Errorf("answer = %q, %v", got, err)
	}
}

// TestOneConnection sends deliveries over one connection, one after the other, and then all at once. While they wait,
// their connection is not read, except if the server's goroutine for that is very quick.
func TestOneConnection(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	conn, l := dial(t, b)
	answers := bufio.NewReader(conn)
	receive := func(want string) {
		t.Helper()
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(resp.Body); err != nil || string(body) != want {
			t.Errorf("answer = %s, %v, want %s", body, err, want)
		}
	}
	post := func(id string) string {
		body := event("create_pulse", `,"triggerUuid":"`+id+`"`)
		return "POST /webhooks/monday/" + secret + " HTTP/1.1\r\nHost: a\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
	}
	const alone = 20
	for n := range int64(alone) {
		if _, err := io.WriteString(conn, post("alone "+strconv.FormatInt(n, 10))); err != nil {
			t.Fatal(err)
		}
		receive(`{"status":"accepted"}`)
	}
	if reads := l.reads.Load(); reads >= 2*alone {
		t.Errorf("%d deliveries took %d reads of the connection, so it was watched", alone, reads)
	}
	if _, err := io.WriteString(conn, strings.Join([]string{post("4"), post("4"), post("5")}, "")); err != nil {
		t.Fatal(err)
	}
	receive(`{"status":"accepted"}`)
	receive(`{"status":"duplicate"}`)
	receive(`{"status":"accepted"}`)
}

// TestClientLeft: a delivery that was received is stored although its client has left.
func TestClientLeft(t *testing.T) {
	t.Parallel()
	b := setup(t, schematest.New(t), ingest.Config{Secrets: []string{secret}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/webhooks/monday/"+secret, strings.NewReader(event("create_pulse", "")))
	w := httptest.NewRecorder()
	b.ServeHTTP(w, r)
	if kinds, _ := b.jobs(t); w.Code != http.StatusOK || len(kinds) != 1 {
		t.Errorf("answer = %d, jobs = %v", w.Code, kinds)
	}
}
