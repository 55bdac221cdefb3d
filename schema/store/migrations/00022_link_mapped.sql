-- +goose Up

-- mapped tells from which fields of the mapping the values in written were made, so that a field that is made from something
-- else since is noticed.
ALTER TABLE links ADD COLUMN mapped jsonb NOT NULL DEFAULT '{}'; -- field -> fingerprint; a missing one: the mapping in force

-- +goose Down
ALTER TABLE links DROP COLUMN mapped;
