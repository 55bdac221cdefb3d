-- +goose Up

-- suppressed_at marks an erased item that must not return: its events are skipped, and no comparison or import adds it
-- again.
ALTER TABLE items ADD COLUMN suppressed_at timestamptz;
CREATE INDEX items_suppressed ON items (item_id) WHERE suppressed_at IS NOT NULL;

-- Values of deleted items are erased after the retention period.
CREATE INDEX items_deleted ON items (deleted_at) WHERE deleted_at IS NOT NULL;

-- +goose Down
DROP INDEX items_deleted, items_suppressed;
ALTER TABLE items DROP COLUMN suppressed_at;
