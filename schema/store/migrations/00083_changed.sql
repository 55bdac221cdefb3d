-- +goose Up

-- changed: the item was left alone because its difference was not the planned one.
ALTER TABLE differences
    DROP CONSTRAINT differences_action_check,
    ADD CONSTRAINT differences_action_check CHECK (action IN ('write', 'leave', 'reject', 'changed'));

-- +goose Down
DELETE FROM differences WHERE action = 'changed';
ALTER TABLE differences
    DROP CONSTRAINT differences_action_check,
    ADD CONSTRAINT differences_action_check CHECK (action IN ('write', 'leave', 'reject'));
