package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Mode is what is between a program and its server.
type Mode string

// The modes. In transaction mode, or in an unknown mode because the server does not answer yet, nothing can be expected
// of a session: no prepared statements, no settings, no LISTEN, no locks.
const (
	Direct      Mode = "direct"
	Session     Mode = "pooler in session mode"
	Transaction Mode = "pooler in transaction mode"
	Unknown     Mode = "unknown"
)

// HasSessions reports whether a connection is the same session of the server for as long as it lasts.
func (m Mode) HasSessions() bool { return m == Direct || m == Session }

const (
	// connecting is how long connecting may take.
	connecting = 5 * time.Second

	// fewest is the minimum number of connections of a process: one listens for jobs, and the batches, the queue's own
	// work and the rounds must not wait long for each other.
	fewest = 4
)

// usually are the settings of connections that have sessions, unless the URL contains others.
var usually = map[string]string{
	// A process that freezes within a transaction holds its locks no longer than this.
	"idle_in_transaction_session_timeout": "60s",

	// Our statements take milliseconds, and compiling one takes hundreds of them. Postgres does that if it expects a
	// statement to be expensive, also because of enable_seqscan = off, see Split.
	"jit": "off",
}

// startup lists the parameters that every pooler accepts at the start of a connection. Others are set once it is open.
var startup = []string{"application_name", "client_encoding", "datestyle", "options", "standard_conforming_strings",
	"timezone"}

// Open opens a pool of atLeast connections, and finds out what is in front of the server. It opens fewer if the URL
// (pool_max_conns), the role, the database or the server allows fewer. The server need not answer yet.
func Open(ctx context.Context, url string, atLeast int32) (*pgxpool.Pool, Mode, error) {
	c, err := ParseURL(url)
	if err != nil {
		return nil, Unknown, fmt.Errorf("DATABASE_URL: %w", err)
	}
	asked := strings.Contains(url, "pool_max_conns")
	if !asked {
		c.MaxConns = max(c.MaxConns, atLeast)
	}
	c.ConnConfig.RuntimeParams["application_name"] = "crmsync"
	c.ConnConfig.ConnectTimeout = connecting
	settings := map[string]string{}
	maps.Copy(settings, c.ConnConfig.RuntimeParams)
	for name := range settings {
		if slices.Contains(startup, strings.ToLower(name)) {
			delete(settings, name)
		} else {
			delete(c.ConnConfig.RuntimeParams, name)
		}
	}
	mode, limit := find(ctx, c.ConnConfig)
	if c.MaxConns = min(c.MaxConns, max(limit, 1)); c.MaxConns < min(fewest, atLeast) {
		return nil, mode, fmt.Errorf("DATABASE_URL: %d connections are not enough, each process needs at least %d. %s",
			c.MaxConns, min(fewest, atLeast), more(asked))
	}
	if mode == Transaction && len(settings) > 0 {
		return nil, mode, fmt.Errorf("DATABASE_URL leads through a pooler in transaction mode, where %s cannot be set: "+
			"set it for the role (ALTER ROLE ... SET), or use a pooler in session mode",
			strings.Join(slices.Sorted(maps.Keys(settings)), ", "))
	}
	if mode.HasSessions() {
		for name, usual := range usually {
			settings[name] = cmp.Or(settings[name], usual)
		}
	}
	c.ConnConfig.DefaultQueryExecMode = execMode(mode, c.ConnConfig.DefaultQueryExecMode)
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error { return set(ctx, conn, settings) }
	db, err := pgxpool.NewWithConfig(ctx, c)
	if err != nil {
		return nil, mode, errors.New("DATABASE_URL: its pool_ settings contradict each other")
	}
	return db, mode, nil
}

// Split closes a pool and opens two with its settings and, together, its number of connections. Commits on those of the
// second pool do not wait for the disk: if the server crashes, the commits of the last moments are lost, unless one of
// the first pool followed. The server must be reached directly, since a pooler could lend such a connection to others.
//
// The second pool's statements are planned at each execution: a plan that Postgres keeps from when the queue is empty
// compares each fetched job with each other one, until autovacuum looks at the table again. Statements without
// parameters have their plans kept, and avoid sequential scans.
func Split(ctx context.Context, db *pgxpool.Pool, loose int32) (first, second *pgxpool.Pool, err error) {
	ours, theirs := db.Config(), db.Config()
	db.Close()
	ours.MaxConns, theirs.MaxConns = ours.MaxConns-loose, loose
	ours.MinConns, ours.MinIdleConns = min(ours.MinConns, ours.MaxConns), min(ours.MinIdleConns, ours.MaxConns)
	theirs.MinConns, theirs.MinIdleConns = 0, 0
	theirs.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := ours.AfterConnect(ctx, conn); err != nil {
			return err
		}
		return set(ctx, conn, map[string]string{"synchronous_commit": "off", "plan_cache_mode": "force_custom_plan",
			"enable_seqscan": "off"})
	}
	if first, err = pgxpool.NewWithConfig(ctx, ours); err != nil {
		return nil, nil, err
	}
	if second, err = pgxpool.NewWithConfig(ctx, theirs); err != nil {
		first.Close()
		return nil, nil, err
	}
	return first, second, nil
}

// more returns the advice on how to allow more connections.
func more(asked bool) string {
	if asked {
		return "Raise pool_max_conns"
	}
	return "Raise the limit of the role or the database (CONNECTION LIMIT) or the server's max_connections"
}

// execMode returns how statements are sent. Without sessions, and for the modes in which parameters have no types,
// statements are described, and prepared without a name.
func execMode(mode Mode, asked pgx.QueryExecMode) pgx.QueryExecMode {
	switch {
	case !mode.HasSessions():
		return pgx.QueryExecModeCacheDescribe
	case asked == pgx.QueryExecModeExec, asked == pgx.QueryExecModeSimpleProtocol, asked == pgx.QueryExecModeDescribeExec:
		return pgx.QueryExecModeCacheDescribe
	}
	return asked
}

// set sets parameters of a session.
func set(ctx context.Context, conn *pgx.Conn, settings map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if _, err := conn.Exec(ctx, "SELECT set_config($1, $2, false)", pgx.QueryExecModeExec, name,
			settings[name]); err != nil {
			return err
		}
	}
	return nil
}
