-- +goose Up

-- deletions has one row for each item whose records end with it, or would. The brake recognizes mass deletion by these
-- rows.
CREATE TABLE deletions (
    item_id    bigint PRIMARY KEY,
    board_id   bigint      NOT NULL,
    state      text        NOT NULL CHECK (state IN ('done', 'held', 'released', 'dropped')),
    at         timestamptz NOT NULL DEFAULT now(), -- when the brake first saw the item's end
    alerted_at timestamptz,
    decided_at timestamptz,                        -- when a person released or dropped it
    decided_by text
);
CREATE INDEX deletions_board_id ON deletions (board_id, at);

-- +goose Down
DROP TABLE deletions;
