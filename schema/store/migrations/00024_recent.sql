-- +goose Up

-- A comparison of the newest items of a board may run beside a comparison of all of them.
DROP INDEX sweeps_running;
CREATE UNIQUE INDEX sweeps_running ON sweeps (board_id) WHERE state = 'running' AND kind <> 'recent';
CREATE UNIQUE INDEX sweeps_recent ON sweeps (board_id) WHERE state = 'running' AND kind = 'recent';
CREATE INDEX sweeps_board_id ON sweeps (board_id, started_at);

-- +goose Down
DROP INDEX sweeps_board_id, sweeps_recent, sweeps_running;
CREATE UNIQUE INDEX sweeps_running ON sweeps (board_id) WHERE state = 'running';
