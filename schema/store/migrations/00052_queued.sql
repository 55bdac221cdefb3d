-- +goose Up

-- crmsync_queued returns those of River's unique keys, in hex, that are in the queue. Ingest, which may not read the
-- queue, uses it to recognize repeated deliveries.
-- +goose StatementBegin
CREATE FUNCTION crmsync_queued(keys text[]) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT encode(j.unique_key, 'hex')
    FROM   river_job j
    WHERE  j.unique_key = ANY (ARRAY(SELECT decode(k, 'hex') FROM unnest(keys) AS k))
    AND    j.unique_states IS NOT NULL AND river_job_state_in_bitmask(j.unique_states, j.state)
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION crmsync_queued(text[]);
