-- +goose Up

-- The row is about archiving the item, because its record was deleted in Salesforce; not about deleting its records.
ALTER TABLE deletions ADD COLUMN archive boolean NOT NULL DEFAULT false;
UPDATE deletions SET archive = true
WHERE  state = 'held' AND EXISTS (SELECT FROM items i WHERE i.item_id = deletions.item_id AND i.deleted_at IS NULL);

-- +goose Down
ALTER TABLE deletions DROP COLUMN archive;
