-- +goose Up

-- causes has one row for each reason why events fail or wait: dead letters and outages with the same system, code,
-- object, field and reason share one. It contains no values.
CREATE TABLE causes (
    cause_id  text PRIMARY KEY,                   -- a digest of the five columns below
    system    text        NOT NULL,               -- salesforce, monday, crmsync
    code      text        NOT NULL,
    object    text        NOT NULL DEFAULT '',
    field     text        NOT NULL DEFAULT '',
    reason    text        NOT NULL DEFAULT '',    -- if the code says too little; without numbers, Ids and quotations
    first_at  timestamptz NOT NULL,               -- the first event that failed for it
    last_at   timestamptz NOT NULL,               -- the last one
    opened_at timestamptz NOT NULL DEFAULT now(), -- since when something has always been open
    closed_at timestamptz                         -- null: something is open
);
CREATE INDEX causes_open ON causes (cause_id) WHERE closed_at IS NULL;

-- null: not determined yet.
ALTER TABLE dead_letters ADD COLUMN cause_id text;
CREATE INDEX dead_letters_cause_id ON dead_letters (cause_id);
CREATE INDEX dead_letters_uncaused ON dead_letters (id) WHERE cause_id IS NULL;
ALTER TABLE outages ADD COLUMN cause_id text;

-- What was rejected, and by whom: null in older rows, and where it does not apply.
ALTER TABLE error_logs ADD COLUMN system text, ADD COLUMN field text;

-- +goose Down
ALTER TABLE error_logs DROP COLUMN system, DROP COLUMN field;
ALTER TABLE outages DROP COLUMN cause_id;
DROP INDEX dead_letters_uncaused, dead_letters_cause_id;
ALTER TABLE dead_letters DROP COLUMN cause_id;
DROP TABLE causes;
