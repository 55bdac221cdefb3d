-- +goose Up

-- migration_failed has one row for each record that the last run could not import completely. The next run attempts it
-- again.
CREATE TABLE migration_failed (
    board_id      bigint      NOT NULL,
    salesforce_id text        COLLATE "C" NOT NULL,   -- 18 characters
    run_id        bigint      NOT NULL,               -- the last run that attempted it
    code          text        NOT NULL DEFAULT '',    -- why the record failed; empty: only columns failed
    columns       text[]      NOT NULL DEFAULT '{}',  -- rejected by Monday, and missing from the item
    runs          integer     NOT NULL DEFAULT 1,     -- how many runs attempted it
    failed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (board_id, salesforce_id)
);

-- Records whose items lack a column that Monday rejected. They also count as created, updated, unchanged or conflicts.
ALTER TABLE migration_runs ADD COLUMN left_out integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE migration_runs DROP COLUMN left_out;
DROP TABLE migration_failed;
