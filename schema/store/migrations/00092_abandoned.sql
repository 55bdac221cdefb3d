-- +goose Up

-- abandoned means that the holder before the current one never committed. A claim sets it, so that it need not look up
-- each item a second time to know it.
ALTER TABLE items ADD COLUMN abandoned boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE items DROP COLUMN abandoned;
