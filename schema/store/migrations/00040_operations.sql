-- +goose Up

-- operations has one row for each act of a person, through the command line or the console.
CREATE TABLE operations (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    actor   text        NOT NULL,               -- account of the command line, or user of the console
    via     text        NOT NULL CHECK (via IN ('cli', 'console')),
    act     text        NOT NULL,               -- replay, ignore, erase, ...
    subject text        NOT NULL,               -- such as "item 7" or "jobs 12, 13"
    reason  text        NOT NULL DEFAULT '',    -- in the person's words
    items   bigint[]    NOT NULL DEFAULT '{}',  -- that it concerns
    at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX operations_items ON operations USING gin (items);
CREATE INDEX operations_at ON operations (at);

-- +goose Down
DROP TABLE operations;
