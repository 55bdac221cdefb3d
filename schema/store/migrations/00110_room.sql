-- +goose Up

-- Each event updates the row of its item twice, for the lease and for its values, and those of its links once. Without
-- room on its page a row moves to another one, and all indexes of the table get a new entry.
ALTER TABLE items SET (fillfactor = 40);
ALTER TABLE links SET (fillfactor = 50);

-- +goose Down
ALTER TABLE links SET (fillfactor = 70);
ALTER TABLE items SET (fillfactor = 70);
