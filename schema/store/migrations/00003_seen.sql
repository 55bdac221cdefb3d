-- +goose Up

-- seen_at is when the item became known: a newer record that carries its key was created for it.
ALTER TABLE items ADD COLUMN seen_at timestamptz NOT NULL DEFAULT now();

-- +goose Down
ALTER TABLE items DROP COLUMN seen_at;
