-- +goose Up

-- items holds Monday's items as we know them: for every column its value and the time of that value.
CREATE TABLE items (
    item_id      bigint PRIMARY KEY,
    board_id     bigint      NOT NULL,
    name         text        NOT NULL DEFAULT '',
    name_at      timestamptz,                       -- Monday's time of the name
    columns      jsonb       NOT NULL DEFAULT '{}', -- column id -> {value, "at": Unix microseconds by Monday's clock}
    known        boolean     NOT NULL DEFAULT false, -- read in full at least once
    deleted_at   timestamptz,                       -- null while the item is alive
    existence_at timestamptz,                       -- Monday's time of the last delete or restore
    lease_holder uuid,
    lease_until  timestamptz
) WITH (fillfactor = 70);

-- links connects items with records, and holds what both sides last agreed on.
CREATE TABLE links (
    item_id       bigint  NOT NULL,
    record        text    NOT NULL,               -- the record's name in the mapping
    object        text    NOT NULL,
    salesforce_id text,                           -- null: none, or it ended with its item
    written       jsonb   NOT NULL DEFAULT '{}',  -- field -> value last written
    refused       jsonb   NOT NULL DEFAULT '{}',  -- field -> {value, code, job_id} that Salesforce rejected
    ended_id      text,                           -- Salesforce Ids of records that are gone, separated by spaces
    since         jsonb   NOT NULL DEFAULT '{}',  -- field -> day on which its relative default was first applied
    PRIMARY KEY (item_id, record)
) WITH (fillfactor = 70);
CREATE INDEX links_salesforce_id ON links (salesforce_id);

-- waits has one row for each item whose record refers to a record that does not exist yet.
CREATE TABLE waits (
    target_item_id bigint NOT NULL,
    target_record  text   NOT NULL,
    item_id        bigint NOT NULL,
    board_id       bigint NOT NULL,
    PRIMARY KEY (target_item_id, target_record, item_id)
);

-- leases has one row for each match value or Salesforce Id that one worker is deciding about.
CREATE TABLE leases (
    key          text PRIMARY KEY,
    lease_holder uuid        NOT NULL,
    lease_until  timestamptz NOT NULL
);

-- sync_logs has one row for each event that has ended.
CREATE TABLE sync_logs (
    job_id        bigint PRIMARY KEY,
    event         text        NOT NULL,
    board_id      bigint,
    item_id       bigint,
    column_id     text,
    status        text        NOT NULL CHECK (status IN ('success', 'unchanged', 'skipped', 'failed')),
    attempt       integer     NOT NULL,
    response_data jsonb       NOT NULL DEFAULT '{}',
    received_at   timestamptz NOT NULL,
    finished_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX sync_logs_item_id ON sync_logs (item_id);
CREATE INDEX sync_logs_finished_at ON sync_logs USING brin (finished_at);

-- error_logs has one row for each failed attempt.
CREATE TABLE error_logs (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id        bigint      NOT NULL,
    attempt       integer     NOT NULL,
    event         text        NOT NULL,
    board_id      bigint,
    item_id       bigint,
    column_id     text,
    object        text,
    salesforce_id text,
    class         text        NOT NULL,
    code          text        NOT NULL,
    message       text        NOT NULL,
    trace         text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX error_logs_job_id ON error_logs (job_id);
CREATE INDEX error_logs_created_at ON error_logs USING brin (created_at);

-- dead_letters has one row for each event that failed for good.
CREATE TABLE dead_letters (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id      bigint      NOT NULL UNIQUE,
    kind        text        NOT NULL,
    args        jsonb       NOT NULL,
    reason      text        NOT NULL,
    attempts    integer     NOT NULL,
    ended_at    timestamptz NOT NULL, -- when the job ended, by River's clock
    created_at  timestamptz NOT NULL DEFAULT now(),
    alerted_at  timestamptz,
    replayed_at timestamptz
);
CREATE INDEX dead_letters_unalerted ON dead_letters (id) WHERE alerted_at IS NULL;

-- outages has one row for each time that a system was away, for all workers together.
CREATE TABLE outages (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system       text        NOT NULL,
    code         text        NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    seen_at      timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz,
    started_alert_at timestamptz,
    ended_alert_at   timestamptz
);
CREATE UNIQUE INDEX outages_open ON outages (system) WHERE ended_at IS NULL;

-- +goose Down
DROP TABLE outages, dead_letters, error_logs, sync_logs, leases, waits, links, items;
