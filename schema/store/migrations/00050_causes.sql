-- +goose Up

-- causes has one row for each thing that makes events fail or wait: dead letters and outages with the same system, code, object,
-- field and reason share one. Nothing in it is a value.
CREATE TABLE causes (
    cause_id  text PRIMARY KEY,                   -- a digest of the five columns below
    system    text        NOT NULL,               -- salesforce, monday, crmsync
    code      text        NOT NULL,
    object    text        NOT NULL DEFAULT '',
    field     text        NOT NULL DEFAULT '',
    reason    text        NOT NULL DEFAULT '',    -- where the code says too little, without numbers, Ids and quotations
    first_at  timestamptz NOT NULL,               -- the first event that failed for it
    last_at   timestamptz NOT NULL,               -- the last one
    opened_at timestamptz NOT NULL DEFAULT now(), -- since when there has always been one that is not settled
    closed_at timestamptz                         -- null: something is not settled
);
CREATE INDEX causes_open ON causes (cause_id) WHERE closed_at IS NULL;

-- Null: not determined yet.
ALTER TABLE dead_letters ADD COLUMN cause_id text;
CREATE INDEX dead_letters_cause_id ON dead_letters (cause_id);
CREATE INDEX dead_letters_uncaused ON dead_letters (id) WHERE cause_id IS NULL;
ALTER TABLE outages ADD COLUMN cause_id text;

-- Who refused what: null in rows from before, and where it does not apply.
ALTER TABLE error_logs ADD COLUMN system text, ADD COLUMN field text;

-- +goose Down
ALTER TABLE error_logs DROP COLUMN system, DROP COLUMN field;
ALTER TABLE outages DROP COLUMN cause_id;
DROP INDEX dead_letters_uncaused, dead_letters_cause_id;
ALTER TABLE dead_letters DROP COLUMN cause_id;
DROP TABLE causes;
