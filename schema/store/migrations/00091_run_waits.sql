-- +goose Up

-- Why a running comparison or import waits, and when it looks again. It does not wait once that time is over.
ALTER TABLE sweeps ADD COLUMN waits_for text NOT NULL DEFAULT '', ADD COLUMN waits_until timestamptz;
ALTER TABLE migration_runs ADD COLUMN waits_for text NOT NULL DEFAULT '', ADD COLUMN waits_until timestamptz;

-- +goose Down
ALTER TABLE migration_runs DROP COLUMN waits_for, DROP COLUMN waits_until;
ALTER TABLE sweeps DROP COLUMN waits_for, DROP COLUMN waits_until;
