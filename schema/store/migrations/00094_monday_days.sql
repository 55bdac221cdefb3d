-- +goose Up

-- monday_days counts, by day in UTC, the calls that all processes have made to Monday: its limit counts them together.
CREATE TABLE monday_days (
    day   date PRIMARY KEY,
    calls integer NOT NULL
);

-- +goose Down
DROP TABLE monday_days;
