-- +goose Up

-- feeds has one row for each reading of changes in Salesforce: an object, and how late a commit the reading finds.
-- Times are Salesforce's, except those that end in _at.
CREATE TABLE feeds (
    object      text        NOT NULL,
    tier        text        NOT NULL,                 -- now, 5m, 2h, 26h, all
    due_at      timestamptz NOT NULL DEFAULT now(),   -- of the next page
    covered     timestamptz,                          -- when the last complete reading began; null: there was none
    complete_at timestamptz,                          -- the same by our clock
    newest      timestamptz,                          -- SystemModstamp of the newest record seen
    newest_id   text COLLATE "C" NOT NULL DEFAULT '', -- its Id: several records may have that stamp
    newest_at   timestamptz,                          -- when it was first seen
    reading     boolean     NOT NULL DEFAULT false,   -- a reading has begun, and continues after the position below
    began       timestamptz,
    began_at    timestamptz,
    after       timestamptz,
    after_id    text COLLATE "C" NOT NULL DEFAULT '',
    pages       bigint      NOT NULL DEFAULT 0,       -- saved so far: a page is saved once
    failures    integer     NOT NULL DEFAULT 0,       -- consecutive
    failed      text        NOT NULL DEFAULT '',      -- code of the last one
    PRIMARY KEY (object, tier)
);

-- A record that was restored from the recycle bin is found by the Ids of records that are gone.
CREATE INDEX links_ended_ids ON links USING gin (string_to_array(ended_id, ' ')) WHERE salesforce_id IS NULL AND ended_id IS NOT NULL;

-- +goose Down
DROP INDEX links_ended_ids;
DROP TABLE feeds;
