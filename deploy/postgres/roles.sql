-- Four roles, so that each process may do what it needs and nothing else:
--
--   crmsync_owner    owns the tables and migrates: `crmsync schema up`
--   crmsync_ingest   puts jobs into the queue:     `crmsync ingest`, with SCHEMA_UP=off. It may not read them
--   crmsync_worker   reads and writes rows:        `crmsync worker`, `crmsync replay`, with SCHEMA_UP=off
--   crmsync_console  only reads rows:              `crmsync status`, `crmsync errors`, reports
--
-- Run it on a database that only crmsync uses, as a superuser, or as a role that may create roles and is a member of
-- the tables' owner. Run it before the first `crmsync schema up`, and again after each one that applied migrations, to
-- set the owner of new objects and grant rights on them. It is one transaction, can be repeated at any time, and
-- revokes all rights that it does not grant.
--
--   psql -v ON_ERROR_STOP=1 -f roles.sql crmsync
--   crmsync schema up                               (as crmsync_owner)
--   psql -v ON_ERROR_STOP=1 -f roles.sql crmsync
--
-- The roles have no passwords yet: \password crmsync_worker, and so on. Roles belong to the whole server: two databases of
-- crmsync on one server share them.

BEGIN;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['crmsync_owner', 'crmsync_ingest', 'crmsync_worker', 'crmsync_console'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
                EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another session created it at the same moment
        END;
    END LOOP;
END
$$;

-- Nobody else may connect, and only the owner creates objects.
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC, crmsync_ingest, crmsync_worker, crmsync_console', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO crmsync_owner, crmsync_ingest, crmsync_worker, crmsync_console', current_database());
END
$$;
REVOKE ALL ON SCHEMA public FROM PUBLIC, crmsync_ingest, crmsync_worker, crmsync_console;
GRANT USAGE, CREATE ON SCHEMA public TO crmsync_owner;
GRANT USAGE ON SCHEMA public TO crmsync_ingest, crmsync_worker, crmsync_console;

-- Existing objects that another role has created become the owner's. Sequences follow their tables.
DO $$
DECLARE
    change text;
BEGIN
    FOR change IN
        SELECT format('ALTER TABLE %s OWNER TO crmsync_owner', oid::regclass)
        FROM   pg_class
        WHERE  relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner <> 'crmsync_owner'::regrole
        AND    NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL
        SELECT format('ALTER ROUTINE %s OWNER TO crmsync_owner', oid::regprocedure)
        FROM   pg_proc
        WHERE  pronamespace = 'public'::regnamespace AND proowner <> 'crmsync_owner'::regrole
        AND    NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
        UNION ALL
        SELECT format('ALTER TYPE %s OWNER TO crmsync_owner', oid::regtype)
        FROM   pg_type
        WHERE  typnamespace = 'public'::regnamespace AND typtype = 'e' AND typowner <> 'crmsync_owner'::regrole
        AND    NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_type.oid AND deptype = 'e')
    LOOP
        EXECUTE change;
    END LOOP;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, crmsync_ingest, crmsync_worker, crmsync_console;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM PUBLIC, crmsync_ingest, crmsync_worker, crmsync_console;

-- The worker reads and writes rows, and reads which migrations were applied. The console role only reads. Default
-- privileges cover what a later migration creates.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO crmsync_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO crmsync_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO crmsync_console;
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO crmsync_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO crmsync_worker;
ALTER DEFAULT PRIVILEGES FOR ROLE crmsync_owner IN SCHEMA public GRANT SELECT ON TABLES TO crmsync_console;

DO $$
DECLARE
    migrations regclass;
BEGIN
    FOREACH migrations IN ARRAY ARRAY[to_regclass('public.river_migration'), to_regclass('public.goose_db_version')] LOOP
        IF migrations IS NOT NULL THEN
            EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON %s FROM crmsync_worker', migrations);
        END IF;
    END LOOP;

    IF to_regclass('public.river_job') IS NULL THEN
        RETURN; -- before the first migration
    END IF;

    -- Ingest inserts jobs by COPY, and reads nothing: neither the queue nor items, links, logs and dead letters. Two
    -- functions, which read with the owner's rights and return keys and numbers, tell it which deliveries are repeats
    -- and how many unreadable ones are stored.
    GRANT INSERT ON river_job TO crmsync_ingest;
    GRANT USAGE ON SEQUENCE river_job_id_seq TO crmsync_ingest;
    IF to_regprocedure('public.crmsync_queued(text[])') IS NOT NULL THEN
        REVOKE ALL ON FUNCTION crmsync_queued(text[]), crmsync_kept(text) FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION crmsync_queued(text[]), crmsync_kept(text) TO crmsync_ingest, crmsync_worker;
    END IF;

    -- Each process reports its version and mapping in this table.
    IF to_regclass('public.processes') IS NOT NULL THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON processes TO crmsync_ingest;
    END IF;

    -- River's leader rebuilds indexes at midnight UTC. Postgres 17 and later can grant this. Before, only the owner
    -- may, and the worker logs an error once a day: runbook.md says what to do.
    IF current_setting('server_version_num')::int >= 170000 THEN
        EXECUTE 'GRANT MAINTAIN ON river_job TO crmsync_worker';
    END IF;
END
$$;

COMMIT;
