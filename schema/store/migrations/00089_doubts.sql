-- +goose Up

-- doubts are the writes of fields that go both ways whose outcome is not known: field -> {"sent": what Salesforce may
-- hold, and held before, "shown": what Monday may show, and Salesforce held}.
ALTER TABLE links ADD COLUMN doubts jsonb NOT NULL DEFAULT '{}';

-- +goose Down
ALTER TABLE links DROP COLUMN doubts;
