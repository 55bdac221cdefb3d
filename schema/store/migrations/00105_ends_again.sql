-- +goose Up

-- A job that River discards again, after a replay or a retry in its dashboard, has another end, which is logged, too:
-- also if no worker could log it, since River's rescuer gave the job up. A worker that logs the end itself does so after
-- the attempt began and before River discards the job; that end is not logged twice.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION crmsync_keep_letter() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE
    begun timestamptz := greatest(NEW.attempted_at, (SELECT replayed_at FROM dead_letters WHERE job_id = NEW.id));
BEGIN
    INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
    VALUES (NEW.id, NEW.kind, NEW.args, crmsync_reason(NEW.errors), NEW.attempt, NEW.finalized_at)
    ON CONFLICT (job_id) DO UPDATE
    SET    reason = excluded.reason, attempts = excluded.attempts, ended_at = excluded.ended_at, created_at = now(), alerted_at = NULL,
           replayed_at = NULL, closed_at = NULL, closed_by = NULL, cause_id = NULL;
    INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
    VALUES (NEW.id, coalesce(NEW.args->>'type', NEW.kind), (NEW.args->>'board_id')::bigint, (NEW.args->>'item_id')::bigint,
            NEW.args->>'column_id', 'failed', NEW.attempt, jsonb_build_object('reason', crmsync_reason(NEW.errors)),
            coalesce((NEW.args->>'received_at')::timestamptz, now()))
    ON CONFLICT (job_id) DO UPDATE
    SET    status = 'failed', attempt = excluded.attempt, finished_at = now(),
           response_data = CASE WHEN s.status = 'failed' THEN excluded.response_data ELSE s.response_data END
    WHERE  s.status <> 'failed' OR s.finished_at < begun;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION crmsync_keep_letter() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
    VALUES (NEW.id, NEW.kind, NEW.args, crmsync_reason(NEW.errors), NEW.attempt, NEW.finalized_at)
    ON CONFLICT (job_id) DO UPDATE
    SET    reason = excluded.reason, attempts = excluded.attempts, ended_at = excluded.ended_at, created_at = now(), alerted_at = NULL,
           replayed_at = NULL, closed_at = NULL, closed_by = NULL, cause_id = NULL;
    INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
    VALUES (NEW.id, coalesce(NEW.args->>'type', NEW.kind), (NEW.args->>'board_id')::bigint, (NEW.args->>'item_id')::bigint,
            NEW.args->>'column_id', 'failed', NEW.attempt, jsonb_build_object('reason', crmsync_reason(NEW.errors)),
            coalesce((NEW.args->>'received_at')::timestamptz, now()))
    ON CONFLICT (job_id) DO UPDATE SET status = 'failed', attempt = excluded.attempt, finished_at = now()
    WHERE  s.status <> 'failed';
    RETURN NULL;
END
$$;
-- +goose StatementEnd
