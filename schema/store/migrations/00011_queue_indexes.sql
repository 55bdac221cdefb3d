-- +goose Up

-- River's GIN indexes on arguments and metadata are the most expensive part of inserting a job, and no statement needs
-- them: see docs/decisions/0011-queue-indexes.md.
DROP INDEX IF EXISTS river_job_args_index;
DROP INDEX IF EXISTS river_job_metadata_index;

-- +goose Down
CREATE INDEX IF NOT EXISTS river_job_args_index ON river_job USING gin (args);
CREATE INDEX IF NOT EXISTS river_job_metadata_index ON river_job USING gin (metadata);
