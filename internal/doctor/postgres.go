package doctor

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/app"
	"crmsync/schema/postgres"
	"crmsync/schema/store"
)

const (
	oldestPostgres = 140000

	// manyConnections is the percentage of max_connections above which there may soon be none left.
	manyConnections = 80
)

// server is what Postgres says of itself.
type server struct {
	Version            string
	Number             int
	IsStandby          bool
	Database, User     string
	Schema             string // empty: no schema in the search_path exists
	MayCreate          bool
	Connections, Limit int
	IsEncrypted        bool
}

// Postgres examines the server and, unless the process only receives, the rights and the schema. The pool is nil if the
// server does not answer; it is the caller's to close.
func Postgres(ctx context.Context, c app.Config, r app.Role) ([]Finding, *pgxpool.Pool) {
	f := &findings{subject: "Postgres"}
	db, mode, err := postgres.Open(ctx, c.DatabaseURL, 0)
	if err != nil {
		f.wrong("Correct DATABASE_URL.", "%v", err)
		return f.all, nil
	}
	const query = `
		SELECT current_setting('server_version'), current_setting('server_version_num')::int, pg_is_in_recovery(),
		       current_database()::text, current_user::text, coalesce(current_schema()::text, ''),
		       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false),
		       (SELECT count(*)::int FROM pg_stat_activity), current_setting('max_connections')::int,
		       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false)`
	var s server
	err = db.QueryRow(ctx, query).Scan(&s.Version, &s.Number, &s.IsStandby, &s.Database, &s.User, &s.Schema,
		&s.MayCreate, &s.Connections, &s.Limit, &s.IsEncrypted)
	if err != nil {
		advice := "Start Postgres, or correct DATABASE_URL."
		if _, answered := errors.AsType[*pgconn.PgError](err); answered {
			advice = "Correct DATABASE_URL, or what Postgres refuses."
		}
		f.wrong(advice, "%v", postgres.Wrap("asking Postgres", err))
		db.Close()
		return f.all, nil
	}
	config := db.Config().ConnConfig
	f.fine("version %s at %s, database %s, user %s", s.Version, config.Host, s.Database, s.User)
	s.examine(f)
	if !s.IsEncrypted && !isLocal(config.Host) && mode == postgres.Direct {
		f.doubtful("Add sslmode=verify-full to DATABASE_URL.", "the connection to %s is not encrypted", config.Host)
	}
	pooled(f, c, mode)
	if r.Worker {
		schema(ctx, f, db, c, s)
	}
	return f.all, db
}

func (s server) examine(f *findings) {
	if s.Number < oldestPostgres {
		f.wrong("Use Postgres 14 or later.", "Postgres %s is too old", s.Version)
	}
	if s.IsStandby {
		f.wrong("DATABASE_URL must lead to the primary.", "the server is a standby, which accepts no writes")
	}
	if s.Schema == "" {
		f.wrong("Create the schema, or correct the search_path.", "no schema of the search_path exists")
	}
	if s.Connections*100 > s.Limit*manyConnections {
		f.doubtful("Raise max_connections, or put a pooler in front.", "%d of %d connections are used", s.Connections,
			s.Limit)
	}
}

// isLocal reports whether a host is this machine: a loopback address, or the folder of a socket.
func isLocal(host string) bool {
	return strings.HasPrefix(host, "/") || host == "localhost" || net.ParseIP(host).IsLoopback()
}

// pooled reports what is between us and the server.
func pooled(f *findings, c app.Config, mode postgres.Mode) {
	switch {
	case mode == postgres.Direct:
		f.fine("connected directly")
	case mode == postgres.Session:
		f.fine("connected through a %s", mode)
	case c.DirectURL != "":
		f.fine("connected through a %s: workers poll for jobs every 100 ms; migrations use DATABASE_DIRECT_URL", mode)
	default:
		f.doubtful("Set DATABASE_DIRECT_URL to an address without the pooler; a pooler in session mode is faster.",
			"connected through a %s: workers poll for jobs, and migrations run through it, too", mode)
	}
}

// schema compares the schema of the database with the program's, and examines the rights on its tables.
func schema(ctx context.Context, f *findings, db *pgxpool.Pool, c app.Config, s server) {
	st := store.New(db)
	own, river, err := st.Applied(ctx)
	wantOwn, wantRiver, reading := store.Versions()
	switch {
	case err != nil:
		f.wrong("", "%v", err)
		return
	case reading != nil:
		f.wrong("", "%v", reading)
		return
	case own > wantOwn || river > wantRiver:
		f.doubtful("Upgrade this program.", "the schema (%d, River's %d) is newer than the program (%d, River's %d)",
			own, river, wantOwn, wantRiver)
	case own == wantOwn && river == wantRiver:
		f.fine("the schema is up to date (%d, River's %d)", own, river)
	case !c.SchemaUp:
		f.wrong("crmsync schema up", "the schema (%d, River's %d) is older than the program (%d, River's %d)", own,
			river, wantOwn, wantRiver)
	case !s.MayCreate:
		f.wrong("Run crmsync schema up as the owner of the tables, as postgres/roles.sql says.",
			"the schema is older than the program, and %s may not create tables in the schema %s", s.User, s.Schema)
	case own == 0:
		f.doubtful("Start crmsync serve, or run crmsync schema up.", "the tables do not exist yet")
		return
	default:
		f.doubtful("Start crmsync serve, or run crmsync schema up.",
			"the schema (%d, River's %d) is older than the program (%d, River's %d)",
			own, river, wantOwn, wantRiver)
	}
	if own > 0 {
		rights(ctx, f, st, s)
	}
}

// rights examines whether the role may read and write the tables.
func rights(ctx context.Context, f *findings, st *store.Store, s server) {
	tables, err := st.Forbidden(ctx)
	switch {
	case err != nil:
		f.doubtful("", "rights were not examined: %v", err)
	case len(tables) > 0:
		f.wrong("Run postgres/roles.sql again, as after every upgrade, and use crmsync_worker here.",
			"%s lacks rights on %s", s.User, strings.Join(tables, ", "))
	default:
		f.fine("%s may read and write all tables", s.User)
	}
}

// clock returns by how much Postgres's clock is ahead of ours.
func clock(ctx context.Context, db *pgxpool.Pool) (ahead time.Duration, err error) {
	before := time.Now()
	theirs, err := store.New(db).Now(ctx)
	if err != nil {
		return 0, err
	}
	return theirs.Sub(before.Add(time.Since(before) / 2)), nil
}
