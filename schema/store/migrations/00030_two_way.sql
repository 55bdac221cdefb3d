-- +goose Up

-- held is what Salesforce holds in the fields that are written to Monday, turns how often each was written lately.
ALTER TABLE links
    ADD COLUMN held  jsonb NOT NULL DEFAULT '{}', -- field -> {"v": value, "unsaid", "apart"}; a missing field was never compared
    ADD COLUMN turns jsonb NOT NULL DEFAULT '{}'; -- field -> {"n": times, "since": Unix seconds}

-- name_own is true if we wrote the name and Monday has not confirmed it yet.
ALTER TABLE items ADD COLUMN name_own boolean NOT NULL DEFAULT false;

-- conflicts has one row for each decision between two changes.
CREATE TABLE conflicts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    board_id      bigint      NOT NULL,
    item_id       bigint      NOT NULL,
    record        text        NOT NULL,
    salesforce_id text        NOT NULL,
    field         text        NOT NULL,
    column_id     text        NOT NULL,
    base          jsonb,                              -- what both sides last agreed on; null: nothing, or null
    monday        jsonb,                              -- the values, as the field holds them
    salesforce    jsonb,
    monday_at     timestamptz,                        -- Monday's time of its value
    salesforce_at timestamptz,                        -- when Salesforce last saved the record
    rule          text        NOT NULL,               -- monday, salesforce: the side that wins by the mapping; event: a first meeting
    decided_at    timestamptz NOT NULL DEFAULT now(),
    take          text CHECK (take IN ('monday', 'salesforce')), -- the side whose value a person chose for both
    taken_at      timestamptz,
    taken_by      text
);
CREATE INDEX conflicts_item_id ON conflicts (item_id);
CREATE INDEX conflicts_decided_at ON conflicts (decided_at);

-- planned_mappings has one row for each set of directions that a plan was made with.
CREATE TABLE planned_mappings (
    fingerprint text PRIMARY KEY,
    planned_at  timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE planned_mappings, conflicts;
ALTER TABLE items DROP COLUMN name_own;
ALTER TABLE links DROP COLUMN held, DROP COLUMN turns;
