-- +goose Up

-- A process that is stopping takes no more events: its share of the items falls to the others.
ALTER TABLE processes ADD COLUMN stopping boolean NOT NULL DEFAULT false;

-- +goose Down
ALTER TABLE processes DROP COLUMN stopping;
