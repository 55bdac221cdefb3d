package postgres

import (
	"context"
	"math"

	"github.com/jackc/pgx/v5"
)

// looks is how many times two connections are compared, since others may use the pooler at the same time.
const looks = 5

// find finds out what is between us and the server, and how many connections may be opened.
func find(ctx context.Context, c *pgx.ConnConfig) (mode Mode, limit int32) {
	ctx, cancel := context.WithTimeout(ctx, 2*connecting)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return Unknown, math.MaxInt32
	}
	defer conn.Close(context.WithoutCancel(ctx))
	mode = modeOf(ctx, conn, c)
	if mode != Direct {
		return mode, math.MaxInt32 // the pooler sets the limit
	}
	if limit, err = limitOf(ctx, conn); err != nil {
		limit = math.MaxInt32
	}
	return mode, limit
}

// limitOf returns how many connections the role may open, less one for a command. A superuser may open all.
func limitOf(ctx context.Context, conn *pgx.Conn) (limit int32, err error) {
	const query = `
		SELECT CASE WHEN r.rolsuper THEN s.most ELSE least(s.most - s.reserved, nullif(r.rolconnlimit, -1), nullif(d.datconnlimit, -1)) END - 1
		FROM   pg_roles r, pg_database d, (SELECT current_setting('max_connections')::int AS most,
		       current_setting('superuser_reserved_connections')::int AS reserved) s
		WHERE  r.rolname = current_user AND d.datname = current_database()`
	err = conn.QueryRow(ctx, query, pgx.QueryExecModeExec).Scan(&limit)
	return limit, err
}

// modeOf finds out the mode of the pooler in front of the first of two connections. A server reports the process of a
// connection twice: at the connection's start, and on request. A pooler makes up the first report. In transaction
// mode, the server process of an idle connection serves the next request of any other connection.
func modeOf(ctx context.Context, first *pgx.Conn, c *pgx.ConnConfig) Mode {
	process, err := processOf(ctx, first)
	switch {
	case err != nil:
		return Unknown
	case process == first.PgConn().PID():
		return Direct
	}
	second, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return Unknown
	}
	defer second.Close(context.WithoutCancel(ctx))
	for range looks {
		for _, conn := range []*pgx.Conn{second, first} {
			now, err := processOf(ctx, conn)
			if err != nil {
				return Unknown
			}
			if (now == process) == (conn == second) {
				return Transaction
			}
		}
	}
	return Session
}

// processOf returns the server's process that answers a connection.
func processOf(ctx context.Context, conn *pgx.Conn) (process uint32, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()::bigint", pgx.QueryExecModeSimpleProtocol).Scan(&process)
	return process, err
}
