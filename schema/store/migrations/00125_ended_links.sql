-- The feed finds links that have ended by links_ended, whatever Postgres expects of the number of ended links.

-- +goose Up
DROP INDEX IF EXISTS links_ended_ids;

-- +goose Down
CREATE INDEX links_ended_ids ON links USING gin (string_to_array(ended_id, ' ')) WHERE salesforce_id IS NULL AND ended_id IS NOT NULL;
