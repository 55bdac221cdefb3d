-- +goose Up

-- River's GIN indexes on arguments and metadata cost more than anything else when a job is inserted, and no statement needs
-- them: docs/decisions/0011-queue-indexes.md says why.
DROP INDEX IF EXISTS river_job_args_index;
DROP INDEX IF EXISTS river_job_metadata_index;

-- +goose Down
CREATE INDEX IF NOT EXISTS river_job_args_index ON river_job USING gin (args);
CREATE INDEX IF NOT EXISTS river_job_metadata_index ON river_job USING gin (metadata);
