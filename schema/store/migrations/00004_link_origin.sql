-- +goose Up

-- closed says why a record ended for good, origin how the item got it.
ALTER TABLE links ADD COLUMN closed text, ADD COLUMN origin text;
COMMENT ON COLUMN links.ended_id IS 'Salesforce Ids of records that are gone, separated by spaces, the last one last';

-- +goose Down
ALTER TABLE links DROP COLUMN closed, DROP COLUMN origin;
