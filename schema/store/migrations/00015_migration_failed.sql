-- +goose Up

-- migration_failed has one row for each record that the last run which took it up could not bring to its board as a whole. The
-- next run takes it up again.
CREATE TABLE migration_failed (
    board_id      bigint      NOT NULL,
    salesforce_id text        COLLATE "C" NOT NULL,   -- 18 characters
    run_id        bigint      NOT NULL,               -- the last run that attempted it
    code          text        NOT NULL DEFAULT '',    -- why the record failed; empty: only the columns did
    columns       text[]      NOT NULL DEFAULT '{}',  -- that Monday refused, and that its item lacks
    runs          integer     NOT NULL DEFAULT 1,     -- how many runs attempted it
    failed_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (board_id, salesforce_id)
);

-- Records whose items lack a column that Monday refused; they count as created, updated, unchanged or conflicts too.
ALTER TABLE migration_runs ADD COLUMN left_out integer NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE migration_runs DROP COLUMN left_out;
DROP TABLE migration_failed;
