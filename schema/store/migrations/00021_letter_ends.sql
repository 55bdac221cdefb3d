-- +goose Up

-- A dead letter is open until it is put back, closed because a later event did what it could not, or ignored by a
-- person.
ALTER TABLE dead_letters ADD COLUMN closed_at timestamptz, ADD COLUMN closed_by text;
COMMENT ON COLUMN dead_letters.closed_by IS 'the later job, such as "job 12", or who ignored it, such as "ignored by root"';
CREATE INDEX dead_letters_open ON dead_letters (id) WHERE replayed_at IS NULL AND closed_at IS NULL;

-- sync_log_history has one row for each end of an event that was replaced by another end, as after a replay.
CREATE TABLE sync_log_history (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint      NOT NULL,
    event         text        NOT NULL,
    board_id      bigint,
    item_id       bigint,
    column_id     text,
    status        text        NOT NULL,
    attempt       integer     NOT NULL,
    response_data jsonb       NOT NULL,
    received_at   timestamptz NOT NULL,
    finished_at   timestamptz NOT NULL
);
CREATE INDEX sync_log_history_job_id ON sync_log_history (job_id);
CREATE INDEX sync_log_history_item_id ON sync_log_history (item_id);
CREATE INDEX sync_log_history_finished_at ON sync_log_history USING brin (finished_at);

-- +goose StatementBegin
CREATE FUNCTION crmsync_keep_sync_log() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO sync_log_history (job_id, event, board_id, item_id, column_id, status, attempt, response_data, received_at, finished_at)
    VALUES (OLD.job_id, OLD.event, OLD.board_id, OLD.item_id, OLD.column_id, OLD.status, OLD.attempt, OLD.response_data, OLD.received_at, OLD.finished_at);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- sync_logs keeps one row for each job; the row that it replaces is stored here, whoever writes it.
CREATE TRIGGER sync_logs_keep AFTER UPDATE ON sync_logs
    FOR EACH ROW WHEN (OLD.finished_at IS DISTINCT FROM NEW.finished_at) EXECUTE FUNCTION crmsync_keep_sync_log();

-- +goose Down
DROP TRIGGER sync_logs_keep ON sync_logs;
DROP FUNCTION crmsync_keep_sync_log();
DROP TABLE sync_log_history;
DROP INDEX dead_letters_open;
ALTER TABLE dead_letters DROP COLUMN closed_at, DROP COLUMN closed_by;
