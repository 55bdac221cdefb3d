-- +goose Up

-- sweeps has one row for each run that compares the items of a board with Salesforce.
CREATE TABLE sweeps (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    board_id    bigint      NOT NULL,
    board       text        NOT NULL,               -- its name in the mapping
    kind        text        NOT NULL CHECK (kind IN ('apply', 'reconcile')),
    options     jsonb       NOT NULL DEFAULT '{}',
    state       text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    pages       integer     NOT NULL DEFAULT 0,     -- pages compared so far
    cursor      text        NOT NULL DEFAULT '',    -- of the next page; empty before the first one, and after the last
    items       integer     NOT NULL DEFAULT 0,
    fields      integer     NOT NULL DEFAULT 0,     -- fields compared so far
    differing   integer     NOT NULL DEFAULT 0,     -- fields that differed
    written     integer     NOT NULL DEFAULT 0,     -- fields that were written
    ended       integer     NOT NULL DEFAULT 0,     -- items that Monday has archived or deleted
    busy        integer     NOT NULL DEFAULT 0,     -- items that are resynced later instead
    skipped     integer     NOT NULL DEFAULT 0,     -- items whose difference is not the planned one
    error       text        NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX sweeps_running ON sweeps (board_id) WHERE state = 'running';

-- differences has one row for each difference that a sweep found, without values.
CREATE TABLE differences (
    run_id        bigint      NOT NULL,
    board_id      bigint      NOT NULL,
    item_id       bigint      NOT NULL,
    record        text        NOT NULL,
    object        text        NOT NULL,
    salesforce_id text        NOT NULL,
    field         text        NOT NULL,               -- empty: the record, or the item
    kind          text        NOT NULL,
    code          text        NOT NULL,               -- why it cannot be sent
    action        text        NOT NULL CHECK (action IN ('write', 'leave')),
    found_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX differences_run_id ON differences (run_id);
CREATE INDEX differences_item_id ON differences (item_id);

-- swept is the last sweep whose pages showed the item.
ALTER TABLE items ADD COLUMN swept bigint;

-- +goose Down
ALTER TABLE items DROP COLUMN swept;
DROP TABLE differences, sweeps;
