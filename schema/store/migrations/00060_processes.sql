-- +goose Up

-- processes has one row for each running ingest, worker or serve. It is deleted when the process stops.
CREATE TABLE processes (
    id            uuid        PRIMARY KEY,
    host          text        NOT NULL,
    pid           integer     NOT NULL,
    ingest        boolean     NOT NULL,
    worker        boolean     NOT NULL,
    version       text        NOT NULL,
    commit_id     text        NOT NULL,
    mapping_file  text        NOT NULL,
    mapping       text        NOT NULL,                -- fingerprint of the mapping in use
    mapping_since timestamptz NOT NULL DEFAULT now(),
    mapping_error text        NOT NULL DEFAULT '',     -- why the file's current content is not used; empty: it is used
    started_at    timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now()
);

-- +goose Down
DROP TABLE processes;
