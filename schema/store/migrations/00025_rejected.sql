-- +goose Up

ALTER TABLE sweeps ADD COLUMN rejected integer NOT NULL DEFAULT 0; -- differences that were sent and not accepted
ALTER TABLE differences
    DROP CONSTRAINT differences_action_check,
    ADD CONSTRAINT differences_action_check CHECK (action IN ('write', 'leave', 'reject'));

-- +goose Down
UPDATE differences SET action = 'leave' WHERE action = 'reject';
ALTER TABLE differences
    DROP CONSTRAINT differences_action_check,
    ADD CONSTRAINT differences_action_check CHECK (action IN ('write', 'leave'));
ALTER TABLE sweeps DROP COLUMN rejected;
