-- +goose Up

-- The reason why River discarded a job, without River's own words in front of it.
-- +goose StatementBegin
CREATE FUNCTION crmsync_reason(errors jsonb[]) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(coalesce(errors[array_upper(errors, 1)]->>'error', 'cancelled'), '^(JobCancelError|JobSnoozeError): ', '')
$$;
-- +goose StatementEnd

-- A job that River discards becomes a dead letter, and its event ends, in the same transaction, whatever the cause: a
-- worker, a person in the dashboard, or River's rescuer after a worker died. So there is no moment at which all seems
-- well.
-- +goose StatementBegin
CREATE FUNCTION crmsync_keep_letter() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
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

CREATE TRIGGER crmsync_keep_letter AFTER UPDATE OF state ON river_job
    FOR EACH ROW WHEN (NEW.state IN ('discarded', 'cancelled') AND OLD.state NOT IN ('discarded', 'cancelled'))
    EXECUTE FUNCTION crmsync_keep_letter();

-- Jobs that were discarded just before.
WITH gone AS (
    SELECT j.id, j.kind, j.args, j.attempt, j.finalized_at, crmsync_reason(j.errors) AS reason
    FROM   river_job j
    WHERE  j.state IN ('discarded', 'cancelled')
    AND    NOT EXISTS (SELECT FROM dead_letters d WHERE d.job_id = j.id AND d.ended_at = j.finalized_at)
), logged AS (
    INSERT INTO sync_logs AS s (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at)
    SELECT id, coalesce(args->>'type', kind), (args->>'board_id')::bigint, (args->>'item_id')::bigint, args->>'column_id',
           'failed', attempt, jsonb_build_object('reason', reason), coalesce((args->>'received_at')::timestamptz, now())
    FROM   gone
    ON CONFLICT (job_id) DO UPDATE SET status = 'failed', attempt = excluded.attempt, finished_at = now()
    WHERE  s.status <> 'failed'
)
INSERT INTO dead_letters (job_id, kind, args, reason, attempts, ended_at)
SELECT id, kind, args, reason, attempt, finalized_at FROM gone
ON CONFLICT (job_id) DO UPDATE
SET    reason = excluded.reason, attempts = excluded.attempts, ended_at = excluded.ended_at, created_at = now(), alerted_at = NULL,
       replayed_at = NULL, closed_at = NULL, closed_by = NULL, cause_id = NULL;

-- Reasons that were stored before, which still have River's words.
UPDATE dead_letters SET reason = crmsync_reason(ARRAY[jsonb_build_object('error', reason)])
WHERE  reason ~ '^(JobCancelError|JobSnoozeError): ';
UPDATE sync_logs SET response_data = jsonb_set(response_data, '{reason}', to_jsonb(crmsync_reason(ARRAY[jsonb_build_object('error', response_data->>'reason')])))
WHERE  response_data->>'reason' ~ '^(JobCancelError|JobSnoozeError): ';
UPDATE sync_log_history SET response_data = jsonb_set(response_data, '{reason}', to_jsonb(crmsync_reason(ARRAY[jsonb_build_object('error', response_data->>'reason')])))
WHERE  response_data->>'reason' ~ '^(JobCancelError|JobSnoozeError): ';
UPDATE sweeps SET error = crmsync_reason(ARRAY[jsonb_build_object('error', error)]) WHERE error ~ '^(JobCancelError|JobSnoozeError): ';
UPDATE migration_runs SET error = crmsync_reason(ARRAY[jsonb_build_object('error', error)]) WHERE error ~ '^(JobCancelError|JobSnoozeError): ';

-- +goose Down
DROP TRIGGER crmsync_keep_letter ON river_job;
DROP FUNCTION crmsync_keep_letter();
DROP FUNCTION crmsync_reason(jsonb[]);
