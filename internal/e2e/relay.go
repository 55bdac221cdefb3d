package e2e

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// Relay is a relay to Postgres that can be cut.
type Relay struct {
	URL string

	mu    sync.Mutex
	down  bool
	conns map[net.Conn]bool
}

// NewRelay starts a relay to a database.
func NewRelay(t *testing.T, database string) *Relay {
	t.Helper()
	c, err := pgconn.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &Relay{conns: map[net.Conn]bool{}}
	r.URL = fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", url.UserPassword(c.User, c.Password), listener.Addr(),
		c.Database)
	t.Cleanup(func() {
		listener.Close()
		r.Cut()
	})
	go func() {
		for {
			in, err := listener.Accept()
			if err != nil {
				return
			}
			network, addr := pgconn.NetworkAddress(c.Host, c.Port)
			out, err := net.Dial(network, addr)
			if err != nil || !r.add(in, out) {
				in.Close()
				continue
			}
			go r.carry(in, out)
			go r.carry(out, in)
		}
	}()
	return r
}

func (r *Relay) add(conns ...net.Conn) (ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range conns {
		if r.down {
			conn.Close()
		} else {
			r.conns[conn] = true
		}
	}
	return !r.down
}

// carry copies both ways until one of them ends.
func (r *Relay) carry(to, from net.Conn) {
	_, _ = io.Copy(to, from) // an error ends it, too
	to.Close()
	from.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, from)
}

// Cut closes all connections and refuses new ones.
func (r *Relay) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = true
	for conn := range r.conns {
		conn.Close()
	}
}

// Mend accepts connections again.
func (r *Relay) Mend() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = false
}
