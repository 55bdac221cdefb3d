-- +goose Up

-- alert_channels has one row for each way to reach people, such as telegram.
CREATE TABLE alert_channels (
    channel       text PRIMARY KEY,
    since         timestamptz NOT NULL DEFAULT now(), -- what others received before is not sent to it
    seen_at       timestamptz NOT NULL DEFAULT now(), -- when a worker last used it
    failing_since timestamptz,                        -- first consecutive failure; null: it accepts messages
    failed_at     timestamptz,                        -- last failure
    failures      integer     NOT NULL DEFAULT 0,     -- consecutive
    error         text        NOT NULL DEFAULT ''     -- of the last failure
);

-- alert_deliveries has one row for each alert that a channel received.
CREATE TABLE alert_deliveries (
    channel      text        NOT NULL,
    kind         text        NOT NULL, -- letter, outage, outage_end, channel, channel_end, pause
    subject      text        NOT NULL, -- id of the dead letter or outage, name of the channel or queue
    occasion     timestamptz NOT NULL, -- when it began, or ended: a subject may have several
    delivered_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, subject, occasion, channel)
);
CREATE INDEX alert_deliveries_delivered_at ON alert_deliveries USING brin (delivered_at);

-- +goose Down
DROP TABLE alert_deliveries, alert_channels;
