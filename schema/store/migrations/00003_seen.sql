-- +goose Up

-- Since when an item is known: a record that carries its key and is younger was made for it.
ALTER TABLE items ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();

-- +goose Down
ALTER TABLE items DROP COLUMN seen_at;
