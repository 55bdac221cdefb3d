package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// looks is how often two connections are compared: others may use the pooler at the same time.
const looks = 5

// find finds out what stands between us and the server. A server tells the process of a connection twice: when it begins,
// and on a question. A pooler makes up the first. In transaction mode, a connection that waits has lent its server process
// to whoever asks next.
func find(ctx context.Context, c *pgx.ConnConfig) Mode {
	ctx, cancel := context.WithTimeout(ctx, 2*connecting)
	defer cancel()
	first, err := pgx.ConnectConfig(ctx, c)
	if err != nil {
		return Unknown
	}
	defer first.Close(context.WithoutCancel(ctx))
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

// processOf is the server's process that answers a connection.
func processOf(ctx context.Context, conn *pgx.Conn) (process uint32, err error) {
	err = conn.QueryRow(ctx, "SELECT pg_backend_pid()::bigint", pgx.QueryExecModeSimpleProtocol).Scan(&process)
	return process, err
}
