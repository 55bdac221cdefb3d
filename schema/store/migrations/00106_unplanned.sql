-- +goose Up

-- unplanned lists the fields whose changes in Salesforce the process does not write to Monday, although its mapping says
-- so, because no plan was made with that.
ALTER TABLE processes ADD COLUMN unplanned text[] NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE processes DROP COLUMN unplanned;
