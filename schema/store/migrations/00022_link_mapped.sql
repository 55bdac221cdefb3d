-- +goose Up

-- mapped says which version of its field each value in written was made by, so that a change of the field's source is
-- noticed.
ALTER TABLE links ADD COLUMN mapped jsonb NOT NULL DEFAULT '{}'; -- field -> fingerprint; a missing one: the mapping in force

-- +goose Down
ALTER TABLE links DROP COLUMN mapped;
