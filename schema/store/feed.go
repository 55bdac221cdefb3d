package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/jackc/pgx/v5"

	"crmsync/schema/ledger"
)

// Feed is one reading of the changed records of an object. Times are by Salesforce's clock unless noted otherwise;
// zero: unknown.
type Feed struct {
	Object string
	Tier   string

	Due        bool          // the next page is due
	Wait       time.Duration // until then
	Covered    time.Time     // when the last complete reading began: it saw everything that was visible then
	CompleteAt time.Time     // the same by our clock
	Newest     FeedPosition  // the newest record seen
	Reading    bool          // a reading has begun
	Began      time.Time     // when it did
	BeganAt    time.Time     // the same by our clock
	After      FeedPosition  // where it continues; zero: at its beginning
	Pages      int64         // saved so far
	Failures   int           // consecutive
	Failed     string        // code of the last one
}

// FollowTier is the tier that follows changes as they appear. Others read them again.
const FollowTier = "now"

// FeedPosition is a place in the order by SystemModstamp and Id.
type FeedPosition struct {
	At time.Time
	ID string
}

// Before reports whether p comes before q.
func (p FeedPosition) Before(q FeedPosition) bool {
	return p.At.Before(q.At) || p.At.Equal(q.At) && p.ID < q.ID
}

// Feeds are all readings.
type Feeds struct {
	Now     time.Time     // by our clock
	Horizon time.Time     // a time that has passed by Salesforce's clock; zero: unknown
	Idle    time.Duration // since a changed record was last seen
	Feeds   []Feed
}

// Feed returns the reading of an object and a tier, or nil.
func (f *Feeds) Feed(object, tier string) *Feed {
	for n := range f.Feeds {
		if f.Feeds[n].Object == object && f.Feeds[n].Tier == tier {
			return &f.Feeds[n]
		}
	}
	return nil
}

// Feeds returns the readings of the objects; nil: of all. The time on Salesforce's clock is derived from the newest
// stamp seen and the time that has passed since.
func (s *Store) Feeds(ctx context.Context, objects []string) (f Feeds, err error) {
	const clock = `
		SELECT now(), max(newest + (now() - newest_at)), coalesce(extract(epoch FROM now() - max(newest_at)), 0)::float8
		FROM   feeds`
	const query = `
		SELECT object, tier, due_at <= now(), greatest(due_at - now(), interval '0'), covered, complete_at, newest, newest_id,
		       reading, began, began_at, after, after_id, pages, failures, failed
		FROM   feeds
		WHERE  $1::text[] IS NULL OR object = ANY($1)
		ORDER  BY due_at, object, tier`
	batch := &pgx.Batch{}
	batch.Queue(clock).QueryRow(func(row pgx.Row) error {
		var horizon *time.Time
		var idle float64
		err := row.Scan(&f.Now, &horizon, &idle)
		f.Horizon, f.Idle = value(horizon), time.Duration(idle*float64(time.Second))
		return err
	})
	batch.Queue(query, objects).Query(func(rows pgx.Rows) (err error) {
		f.Feeds, err = pgx.CollectRows(rows, scanFeed)
		return err
	})
	return f, doing("reading the feeds", s.pool.SendBatch(ctx, batch).Close())
}

func scanFeed(row pgx.CollectableRow) (f Feed, err error) {
	var covered, complete, newest, began, beganAt, after *time.Time
	err = row.Scan(&f.Object, &f.Tier, &f.Due, &f.Wait, &covered, &complete, &newest, &f.Newest.ID,
		&f.Reading, &began, &beganAt, &after, &f.After.ID, &f.Pages, &f.Failures, &f.Failed)
	f.Covered, f.CompleteAt, f.Newest.At = value(covered), value(complete), value(newest)
	f.Began, f.BeganAt, f.After.At = value(began), value(beganAt), value(after)
	return f, err
}

// AddFeeds adds the readings that are missing, each due after its wait, and deletes those of other objects that no
// worker has run for a day.
func (s *Store) AddFeeds(ctx context.Context, objects []string, feeds []Feed) error {
	const drop = `DELETE FROM feeds WHERE object <> ALL($1) AND due_at < now() - interval '1 day'`
	const add = `
		INSERT INTO feeds (object, tier, due_at, covered, complete_at, newest, newest_id, newest_at)
		SELECT object, tier, now() + wait, covered, now(), newest, newest_id, CASE WHEN newest IS NOT NULL THEN now() END
		FROM   unnest($1::text[], $2::text[], $3::interval[], $4::timestamptz[], $5::timestamptz[], $6::text[])
		       AS f(object, tier, wait, covered, newest, newest_id)
		ON CONFLICT DO NOTHING`
	n := len(feeds)
	named, tiers, waits, covered := make([]string, n), make([]string, n), make([]time.Duration, n), make([]*time.Time, n)
	newest, ids := make([]*time.Time, n), make([]string, n)
	for n, f := range feeds {
		named[n], tiers[n], waits[n], covered[n] = f.Object, f.Tier, f.Wait, null(f.Covered)
		newest[n], ids[n] = null(f.Newest.At), f.Newest.ID
	}
	batch := &pgx.Batch{}
	batch.Queue(drop, objects)
	batch.Queue(add, named, tiers, waits, covered, newest, ids)
	return doing("adding feeds", s.pool.SendBatch(ctx, batch).Close())
}

// SaveFeed stores the progress of a reading, and runs also in the same transaction: the position and what follows from
// the page are committed together or not at all. The next page is due after the feed's wait. It fails with
// ErrOvertaken if another process has saved a page of the reading meanwhile.
func (s *Store) SaveFeed(ctx context.Context, f Feed, also func(ctx context.Context, tx pgx.Tx) error) error {
	const query = `
		UPDATE feeds
		SET    pages = pages + 1, due_at = now() + $4::interval, covered = $5, complete_at = $6,
		       newest_at = CASE WHEN (newest, newest_id) IS DISTINCT FROM ($7, $8) THEN now() ELSE newest_at END,
		       newest = $7, newest_id = $8, reading = $9, began = $10, began_at = $11, after = $12, after_id = $13,
		       failures = $14, failed = $15
		WHERE  object = $1 AND tier = $2 AND pages = $3`
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, query, f.Object, f.Tier, f.Pages, f.Wait, null(f.Covered), null(f.CompleteAt),
			null(f.Newest.At), f.Newest.ID, f.Reading, null(f.Began), null(f.BeganAt), null(f.After.At), f.After.ID,
			f.Failures, f.Failed)
		if err == nil && tag.RowsAffected() == 0 {
			return ErrOvertaken
		}
		if err != nil || also == nil {
			return err
		}
		return also(ctx, tx)
	})
	if errors.Is(err, ErrOvertaken) {
		return ErrOvertaken
	}
	return doing("saving a page of a feed", err)
}

// FeedRow is a changed record of Salesforce.
type FeedRow struct {
	ID     string // 18 characters
	Gone   bool   // it was deleted, or merged into another record
	Fields []byte // JSON object of the fields in Salesforce's answer; others are unknown
	Leaves bool   // the next reading does not contain it, unless it changes again
}

// FeedWay is a record of a board, with the fields whose values are written to Monday.
type FeedWay struct {
	BoardID int64
	Record  string
	Fields  []string
}

// FeedDifference is a link to a changed record that does not hold what both sides last agreed on. Of the link, only its
// names and what is known of the record are loaded.
type FeedDifference struct {
	*ledger.Link
	Row     int // its index among the rows
	BoardID int64
	Leased  bool // a worker is processing the item, perhaps by an older value of the record
}

// FeedDifferences returns the links of live items that differ from their rows: the record is gone, a record that was
// gone exists again, or a field of a way holds something other than Salesforce last held or we last wrote. Postgres
// compares, and returns neither rows without a link nor rows without a difference. A record that is gone is left out,
// too, while its item waits for a person's decision. A row that leaves is returned also if its item is leased: the worker
// may have read the record before, and what it will store may differ.
//
// Links that have ended are looked up at once, by an index, for all rows. Postgres expects few of them, and otherwise
// compares each with each row: a page of 2,000 rows took it half a minute if 20,000 links have ended.
func (s *Store) FeedDifferences(ctx context.Context, rows []FeedRow, ways []FeedWay) ([]FeedDifference, error) {
	const query = `
		WITH rows AS (
			SELECT id, gone, fields::jsonb, leaves, n
			FROM   unnest($1::text[], $2::boolean[], $3::text[], $7::boolean[]) WITH ORDINALITY AS r(id, gone, fields, leaves, n)
		), ways AS (
			SELECT board_id, record, string_to_array(fields, ' ') AS fields
			FROM   unnest($4::bigint[], $5::text[], $6::text[]) AS w(board_id, record, fields)
		), ended AS MATERIALIZED (
			SELECT item_id, record, salesforce_id, written, held, closed, was
			FROM   links l, unnest(string_to_array(ended_id, ' ')) AS was
			WHERE  ended_id IS NOT NULL AND string_to_array(ended_id, ' ') && ARRAY(SELECT id FROM rows WHERE NOT gone)
			AND    (salesforce_id IS NULL) IS TRUE -- without an index: links may have ended since the last ANALYZE
		)
		SELECT l.item_id, l.record, l.salesforce_id, l.written, l.held, r.n, i.board_id, i.lease_until IS NOT NULL AND i.lease_until > now()
		FROM   rows r
		JOIN   links l ON l.salesforce_id = r.id
		JOIN   items i ON i.item_id = l.item_id AND i.deleted_at IS NULL
		JOIN   ways w ON w.board_id = i.board_id AND w.record = l.record
		WHERE  r.gone AND (i.item_id IN (SELECT item_id FROM deletions WHERE archive AND state <> 'done')) IS NOT TRUE
		OR     NOT r.gone AND r.leaves AND i.lease_until > now()
		OR     NOT r.gone AND EXISTS (
		           SELECT FROM unnest(w.fields) AS f(name)
		           WHERE  jsonb_exists(r.fields, f.name)
		           AND    coalesce(l.held->f.name->'v', l.written->f.name, 'null') IS DISTINCT FROM r.fields->f.name)
		UNION  ALL
		SELECT l.item_id, l.record, l.salesforce_id, l.written, l.held, r.n, i.board_id, i.lease_until IS NOT NULL AND i.lease_until > now()
		FROM   ended l
		JOIN   rows r ON r.id = l.was
		JOIN   items i ON i.item_id = l.item_id AND i.deleted_at IS NULL
		JOIN   ways w ON w.board_id = i.board_id AND w.record = l.record
		WHERE  NOT r.gone AND coalesce(l.closed, 'deleted') = 'deleted'
		ORDER  BY n, item_id`
	ids, gone, fields := make([]string, len(rows)), make([]bool, len(rows)), make([]string, len(rows))
	leaves := make([]bool, len(rows))
	for n, r := range rows {
		ids[n], gone[n], fields[n], leaves[n] = r.ID, r.Gone, string(r.Fields), r.Leaves
	}
	boards, records, names := make([]int64, len(ways)), make([]string, len(ways)), make([]string, len(ways))
	for n, w := range ways {
		boards[n], records[n], names[n] = w.BoardID, w.Record, strings.Join(w.Fields, " ")
	}
	found, err := s.pool.Query(ctx, query, ids, gone, fields, boards, records, names, leaves)
	if err != nil {
		return nil, doing("comparing changed records", err)
	}
	differences, err := pgx.CollectRows(found, scanDifference)
	return differences, doing("comparing changed records", err)
}

func scanDifference(row pgx.CollectableRow) (d FeedDifference, err error) {
	d.Link = &ledger.Link{}
	var id *string
	var written, held []byte
	if err := row.Scan(&d.ItemID, &d.Record, &id, &written, &held, &d.Row, &d.BoardID, &d.Leased); err != nil {
		return d, err
	}
	d.SalesforceID = value(id)
	d.Row--
	var stored map[string]any
	if err := errors.Join(jsonv2.Unmarshal(written, &stored), jsonv2.Unmarshal(held, &d.Held)); err != nil {
		return d, fmt.Errorf("reading link %s of item %d: %w", d.Record, d.ItemID, err)
	}
	d.ReadWritten(stored)
	return d, nil
}
