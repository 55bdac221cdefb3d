package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// Kinds of alerts, besides letter and cause, which are named in SQL alone. An end that is reported separately has its
// own kind.
const (
	AlertCauseEnd   = "cause_end"
	AlertDigest     = "digest"
	AlertOutage     = "outage"
	AlertOutageEnd  = "outage_end"
	AlertChannel    = "channel" // another channel does not accept messages
	AlertChannelEnd = "channel_end"
	AlertPause      = "pause" // of a queue
	AlertPauseEnd   = "pause_end"
	AlertHold       = "hold" // of a board's deletions, by the brake
	AlertHoldEnd    = "hold_end"
)

// Alert identifies something that is reported once in each channel.
type Alert struct {
	Kind     string
	Subject  string    // id of the dead letter, cause or outage, name of the channel or queue
	Occasion time.Time // when it began, or ended
}

// Channel is a way to reach people, as all workers know it.
type Channel struct {
	Name         string
	Since        time.Time  // what others received before this time is not sent to it
	FailingSince *time.Time // first consecutive failure; nil: it accepts messages
	FailedAt     *time.Time // last failure
	Failures     int        // in a row
	Error        string     // of the last failure; no secret
}

const channelColumns = `channel, since, failing_since, failed_at, failures, error`

// UseChannel records that a worker uses a channel, and returns what is known of it.
func (s *Store) UseChannel(ctx context.Context, name string) (Channel, error) {
	const query = `
		INSERT INTO alert_channels (channel) VALUES ($1)
		ON CONFLICT (channel) DO UPDATE SET seen_at = now()
		RETURNING ` + channelColumns
	rows, err := s.pool.Query(ctx, query, name)
	if err != nil {
		return Channel{}, doing("reading an alert channel", err)
	}
	channel, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[Channel])
	return channel, doing("reading an alert channel", err)
}

// channelForgotten is how long ago a worker may have used a channel that counts as configured.
const channelForgotten = time.Hour

// Channels returns the channels that workers use, by name.
func (s *Store) Channels(ctx context.Context) ([]Channel, error) {
	const query = `SELECT ` + channelColumns + ` FROM alert_channels WHERE seen_at > now() - $1::interval ORDER BY channel`
	rows, err := s.pool.Query(ctx, query, channelForgotten)
	if err != nil {
		return nil, doing("reading alert channels", err)
	}
	channels, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Channel])
	return channels, doing("reading alert channels", err)
}

// FailChannel records that a channel did not accept a message.
func (s *Store) FailChannel(ctx context.Context, name, reason string) error {
	const query = `
		UPDATE alert_channels
		SET    failing_since = coalesce(failing_since, now()), failed_at = now(), failures = failures + 1, error = $2
		WHERE  channel = $1`
	_, err := s.pool.Exec(ctx, query, name, reason)
	return doing("recording a failed alert channel", err)
}

// channelWorks records that a channel accepted a message.
const channelWorks = `UPDATE alert_channels SET failing_since = NULL, failed_at = NULL, failures = 0, error = '' WHERE channel = $1`

// RecordAlerts records that a channel received alerts.
func (s *Store) RecordAlerts(ctx context.Context, channel string, alerts []Alert) error {
	batch := &pgx.Batch{}
	batch.Queue(addDeliveries, deliveries(channel, alerts)...)
	batch.Queue(channelWorks, channel)
	return doing("recording alerts", s.pool.SendBatch(ctx, batch).Close())
}

// SkipAlerts records that alerts are not meant for a channel.
func (s *Store) SkipAlerts(ctx context.Context, channel string, alerts []Alert) error {
	_, err := s.pool.Exec(ctx, addDeliveries, deliveries(channel, alerts)...)
	return doing("recording alerts", err)
}

const addDeliveries = `
	INSERT INTO alert_deliveries (channel, kind, subject, occasion)
	SELECT $1, t.* FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t(kind, subject, occasion)
	ON CONFLICT DO NOTHING`

func deliveries(channel string, alerts []Alert) []any {
	kinds, subjects, occasions := columns(alerts)
	return []any{channel, kinds, subjects, occasions}
}

// MarkAlerted sets the time at which dead letters and outages were alerted, for those that all of the channels have
// received. If no channels are given, any channel will do.
func (s *Store) MarkAlerted(ctx context.Context, channels []string) error {
	const letters = `
		UPDATE dead_letters d SET alerted_at = now()
		WHERE  alerted_at IS NULL
		AND    (SELECT array_agg(channel) @> $1 FROM alert_deliveries a WHERE a.kind = 'letter' AND a.subject = d.id::text AND a.occasion = d.ended_at)`
	const starts = `
		UPDATE outages o SET started_alert_at = now()
		WHERE  started_alert_at IS NULL
		AND    (SELECT array_agg(channel) @> $1 FROM alert_deliveries a WHERE a.kind = 'outage' AND a.subject = o.id::text)`
	const ends = `
		UPDATE outages o SET ended_alert_at = now()
		WHERE  ended_at IS NOT NULL AND ended_alert_at IS NULL
		AND    (SELECT array_agg(channel) @> $1 FROM alert_deliveries a WHERE a.kind = 'outage_end' AND a.subject = o.id::text AND a.occasion = o.ended_at)`
	batch := &pgx.Batch{}
	for _, statement := range []string{letters, starts, ends} {
		batch.Queue(statement, channels)
	}
	return doing("marking alerts", s.pool.SendBatch(ctx, batch).Close())
}

// UntoldOutages returns, oldest first, the outages whose start or end a channel has to receive: those that no channel
// has received, those that are ongoing, and the ends of those that it has received. Told refers to this channel.
func (s *Store) UntoldOutages(ctx context.Context, c Channel) ([]Outage, error) {
	const query = `
		SELECT id, split_part(system, ' ', 1), substr(system, length(split_part(system, ' ', 1)) + 2), code, started_at, ended_at, told
		FROM   outages o
		CROSS  JOIN LATERAL (SELECT
		         EXISTS (SELECT FROM alert_deliveries a WHERE a.kind = 'outage' AND a.subject = o.id::text AND a.channel = $1),
		         EXISTS (SELECT FROM alert_deliveries a WHERE a.kind = 'outage' AND a.subject = o.id::text),
		         EXISTS (SELECT FROM alert_deliveries a WHERE a.kind = 'outage_end' AND a.subject = o.id::text AND a.channel = $1)
		       ) AS a(told, others, told_end)
		WHERE  NOT told AND (started_alert_at IS NULL OR ended_at IS NULL AND started_alert_at >= $2 AND others)
		OR     ended_at IS NOT NULL AND NOT told_end AND (ended_alert_at IS NULL OR told)
		ORDER  BY id`
	rows, err := s.pool.Query(ctx, query, c.Name, c.Since)
	if err != nil {
		return nil, doing("reading outages", err)
	}
	outages, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Outage])
	return outages, doing("reading outages", err)
}

// Untold returns those of the alerts that a channel has not received.
func (s *Store) Untold(ctx context.Context, channel string, alerts []Alert) ([]Alert, error) {
	const query = `
		SELECT t.* FROM unnest($2::text[], $3::text[], $4::timestamptz[]) AS t(kind, subject, occasion)
		WHERE  NOT EXISTS (SELECT FROM alert_deliveries a
		                   WHERE a.kind = t.kind AND a.subject = t.subject AND a.occasion = t.occasion AND a.channel = $1)`
	kinds, subjects, occasions := columns(alerts)
	return s.alerts(ctx, query, channel, kinds, subjects, occasions)
}

// TakenWithoutEnd returns the alerts of a kind that a channel received in the last week without having received their
// end.
func (s *Store) TakenWithoutEnd(ctx context.Context, channel, kind, end string) ([]Alert, error) {
	const query = `
		SELECT a.kind, a.subject, a.occasion FROM alert_deliveries a
		WHERE  a.channel = $1 AND a.kind = $2 AND a.delivered_at > now() - interval '7 days'
		AND    NOT EXISTS (SELECT FROM alert_deliveries e
		                   WHERE e.kind = $3 AND e.subject = a.subject AND e.occasion = a.occasion AND e.channel = a.channel)`
	return s.alerts(ctx, query, channel, kind, end)
}

func (s *Store) alerts(ctx context.Context, query string, args ...any) ([]Alert, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading alerts", err)
	}
	alerts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Alert])
	return alerts, doing("reading alerts", err)
}

// columns lays alerts out in arrays.
func columns(alerts []Alert) (kinds, subjects []string, occasions []time.Time) {
	for _, a := range alerts {
		kinds, subjects, occasions = append(kinds, a.Kind), append(subjects, a.Subject), append(occasions, a.Occasion)
	}
	return kinds, subjects, occasions
}
