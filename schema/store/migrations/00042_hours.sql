-- +goose Up

-- hours has one row for each hour: what the console's charts show.
CREATE TABLE hours (
    hour             timestamptz PRIMARY KEY,
    counted_to       timestamptz NOT NULL,                -- logs up to here are counted
    success          integer     NOT NULL DEFAULT 0,      -- events that ended
    unchanged        integer     NOT NULL DEFAULT 0,
    skipped          integer     NOT NULL DEFAULT 0,
    failed           integer     NOT NULL DEFAULT 0,
    lags             integer[]   NOT NULL DEFAULT '{}',   -- synced events by time since delivery: below 25 ms, 50 ms, 100 ms, ...
    queued           bigint      NOT NULL DEFAULT 0,      -- maximum number of events that waited at once
    oldest           real        NOT NULL DEFAULT 0,      -- longest wait of a due event, in seconds
    salesforce_used  integer,                             -- calls in 24 hours; null: unknown
    salesforce_limit integer,
    monday_used      integer,                             -- calls in the current day, UTC
    monday_limit     integer
);

-- An index for the few items with rejected values.
CREATE INDEX links_refused ON links (item_id) WHERE refused <> '{}';

-- +goose Down
DROP INDEX links_refused;
DROP TABLE hours;
