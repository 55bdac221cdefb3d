-- +goose Up

-- migration_runs has one row for each run that imports records of Salesforce into a board.
CREATE TABLE migration_runs (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint      NOT NULL UNIQUE,
    board_id    bigint      NOT NULL,
    board       text        NOT NULL,               -- its name in the mapping
    started_at  timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    state       text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    total       integer     NOT NULL DEFAULT 0,     -- records to read when the run began
    read        integer     NOT NULL DEFAULT 0,     -- created + updated + unchanged + conflicts + failed
    created     integer     NOT NULL DEFAULT 0,
    updated     integer     NOT NULL DEFAULT 0,
    unchanged   integer     NOT NULL DEFAULT 0,
    conflicts   integer     NOT NULL DEFAULT 0,
    failed      integer     NOT NULL DEFAULT 0,
    cursor      jsonb       NOT NULL DEFAULT '{}',  -- the record after which the run continues, and the next one begins
    error       text        NOT NULL DEFAULT '',
    holder      uuid                                -- of the leases of the running slice; null: none
);
CREATE UNIQUE INDEX migration_runs_running ON migration_runs (board_id) WHERE state = 'running';

-- migration_documents has one row for each call that creates items and whose result is not stored completely: if the
-- call is repeated, it must be exactly the same.
CREATE TABLE migration_documents (
    key      text PRIMARY KEY,                   -- Idempotency-Key
    board_id bigint      NOT NULL,
    records  text[]      NOT NULL,               -- Salesforce Ids, by position in creates
    creates  jsonb       NOT NULL,
    sent_at  timestamptz NOT NULL DEFAULT now(),
    answer   jsonb                               -- [{id, code}] by position; null: unknown
);
CREATE INDEX migration_documents_board_id ON migration_documents (board_id);

-- migration_schedules says since when a schedule has been in force, so that a run is noticed that became due while no
-- worker was running.
CREATE TABLE migration_schedules (
    board_id bigint PRIMARY KEY,
    schedule text        NOT NULL,
    since    timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE migration_schedules, migration_documents, migration_runs;
