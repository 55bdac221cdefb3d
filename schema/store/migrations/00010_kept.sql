-- +goose Up

CREATE INDEX dead_letters_kind ON dead_letters (kind);

-- crmsync_kept returns how many jobs of a kind are stored, in the queue and as dead letters, and how many bytes their
-- arguments take. Ingest, which may read neither table, uses it to limit the space for unreadable deliveries.
-- +goose StatementBegin
CREATE FUNCTION crmsync_kept(kind text, OUT jobs bigint, OUT bytes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT count(*), coalesce(sum(size), 0)
    FROM   (SELECT pg_column_size(j.args) AS size FROM river_job j WHERE j.kind = $1
            UNION ALL
            SELECT pg_column_size(d.args) FROM dead_letters d WHERE d.kind = $1) AS kept
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION crmsync_kept(text);
DROP INDEX dead_letters_kind;
