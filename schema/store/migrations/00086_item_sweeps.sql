-- +goose Up

-- A comparison of named items, which a person requests, does not wait for one of the whole board or of other items:
-- the leases of the items ensure that they do not collide. The same comparison is not queued twice.
DROP INDEX sweeps_running;
CREATE UNIQUE INDEX sweeps_running ON sweeps (board_id) WHERE state = 'running' AND kind <> 'recent' AND NOT options ? 'items';
CREATE UNIQUE INDEX sweeps_items ON sweeps (board_id, md5(options::text)) WHERE state = 'running' AND options ? 'items';

-- +goose Down
DROP INDEX sweeps_items, sweeps_running;
UPDATE sweeps SET state = 'failed', finished_at = now(), error = 'The schema was downgraded.'
WHERE  state = 'running' AND options ? 'items';
CREATE UNIQUE INDEX sweeps_running ON sweeps (board_id) WHERE state = 'running' AND kind <> 'recent';
