-- +goose Up

-- archive means that the item is to be archived because its record was deleted in Salesforce, and not that its records
-- are to be deleted.
ALTER TABLE deletions ADD COLUMN archive boolean NOT NULL DEFAULT false;
UPDATE deletions SET archive = true
WHERE  state = 'held' AND EXISTS (SELECT FROM items i WHERE i.item_id = deletions.item_id AND i.deleted_at IS NULL);

-- +goose Down
ALTER TABLE deletions DROP COLUMN archive;
