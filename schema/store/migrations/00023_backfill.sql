-- +goose Up

-- board_mappings has one row for each board, with the part of the mapping by which all of its items were last
-- compared.
CREATE TABLE board_mappings (
    board_id bigint PRIMARY KEY,
    mapped   jsonb       NOT NULL,               -- record, and record.field -> fingerprint
    since    timestamptz NOT NULL DEFAULT now()
);

ALTER TABLE sweeps
    ADD COLUMN mapped jsonb NOT NULL DEFAULT '{}', -- fingerprints of the mapping by which it compares
    DROP CONSTRAINT sweeps_kind_check,
    ADD CONSTRAINT sweeps_kind_check CHECK (kind IN ('apply', 'reconcile', 'recent', 'backfill')),
    DROP CONSTRAINT sweeps_state_check,
    ADD CONSTRAINT sweeps_state_check CHECK (state IN ('running', 'done', 'failed', 'stopped'));

-- +goose Down
DELETE FROM sweeps WHERE kind IN ('recent', 'backfill') OR state = 'stopped';
ALTER TABLE sweeps
    DROP COLUMN mapped,
    DROP CONSTRAINT sweeps_kind_check,
    ADD CONSTRAINT sweeps_kind_check CHECK (kind IN ('apply', 'reconcile')),
    DROP CONSTRAINT sweeps_state_check,
    ADD CONSTRAINT sweeps_state_check CHECK (state IN ('running', 'done', 'failed'));
DROP TABLE board_mappings;
