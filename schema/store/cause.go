package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cause is the reason why events fail for good, or wait for an unavailable system.
type Cause struct {
	ID string
	CauseKey
	FirstAt  time.Time  // the first event that failed for it, or start of the first outage
	LastAt   time.Time  // the last one
	OpenedAt time.Time  // since when something has always been open
	ClosedAt *time.Time // nil: something is open, or under way

	Open     int        // dead letters that wait for a person
	UnderWay int        // dead letters that were replayed and whose jobs have not ended yet
	Settled  int        // dead letters since it was opened whose events succeeded, or were made up for by a later one
	Ignored  int        // dead letters that a person has ignored since it was opened
	Items    int        // items that the open dead letters concern
	Example  *int64     // job id of the oldest open dead letter; nil: there is none
	OpenFrom *time.Time // when the oldest open dead letter failed
	OpenTo   *time.Time // when the newest one failed
	Away     *time.Time // since when a system, or a part of it, has been unavailable for it; nil: it is not
}

// underWay is the condition that the job of a dead letter d was put back into the queue and has not ended since.
const underWay = `d.replayed_at IS NOT NULL AND d.closed_at IS NULL
	AND EXISTS (SELECT FROM sync_logs s WHERE s.job_id = d.job_id AND s.status = 'failed')`

// causeColumns are the columns of a Cause c from causeTables.
const causeColumns = `
	c.cause_id, c.system, c.code, c.object, c.field, c.reason, c.first_at, c.last_at, c.opened_at, c.closed_at,
	n.open, n.under_way, n.settled, n.ignored, n.items, n.example, n.open_from, n.open_to, a.away`

const causeTables = `
	FROM causes c
	LEFT JOIN LATERAL (
		SELECT count(*) FILTER (WHERE w.open) AS open, count(*) FILTER (WHERE w.going) AS under_way,
		       count(*) FILTER (WHERE w.done AND NOT w.given_up) AS settled, count(*) FILTER (WHERE w.given_up) AS ignored,
		       count(DISTINCT w.item) FILTER (WHERE w.open) AS items, min(w.job_id) FILTER (WHERE w.open) AS example,
		       min(w.ended_at) FILTER (WHERE w.open) AS open_from, max(w.ended_at) FILTER (WHERE w.open) AS open_to
		FROM   (SELECT d.job_id, d.ended_at, d.args->>'item_id' AS item, ` + isOpen + ` AS open, ` + underWay + ` AS going,
		               greatest(d.replayed_at, d.closed_at) >= c.opened_at AND NOT (` + underWay + `) AS done,
		               coalesce(d.closed_at >= c.opened_at AND d.closed_by LIKE 'ignored%', false) AS given_up
		        FROM   dead_letters d WHERE d.cause_id = c.cause_id) AS w
	) AS n ON true
	LEFT JOIN LATERAL (SELECT min(o.started_at) AS away FROM outages o WHERE o.cause_id = c.cause_id AND o.ended_at IS NULL) AS a ON true`

// Causes returns the causes that are not closed, those with the most open dead letters first.
func (s *Store) Causes(ctx context.Context) ([]Cause, error) {
	return s.causes(ctx, `SELECT `+causeColumns+causeTables+` WHERE c.closed_at IS NULL ORDER BY a.away IS NULL, n.open DESC, c.last_at DESC, c.cause_id`)
}

// Cause returns a cause by its id, whether or not it is closed.
func (s *Store) Cause(ctx context.Context, id string) (c Cause, known bool, err error) {
	found, err := s.causes(ctx, `SELECT `+causeColumns+causeTables+` WHERE c.cause_id = $1`, id)
	if err != nil || len(found) == 0 {
		return Cause{}, false, err
	}
	return found[0], true, nil
}

func (s *Store) causes(ctx context.Context, query string, args ...any) ([]Cause, error) {
	rows, err := s.pool.Query(ctx, query, args...)
	if err != nil {
		return nil, doing("reading causes", err)
	}
	causes, err := pgx.CollectRows(rows, scanCause)
	return causes, doing("reading causes", err)
}

func scanCause(row pgx.CollectableRow) (c Cause, err error) {
	err = row.Scan(c.targets()...)
	return c, err
}

// targets returns where the values of causeColumns are scanned to.
func (c *Cause) targets() []any {
	return []any{&c.ID, &c.System, &c.Code, &c.Object, &c.Field, &c.Reason, &c.FirstAt, &c.LastAt, &c.OpenedAt,
		&c.ClosedAt, &c.Open, &c.UnderWay, &c.Settled, &c.Ignored, &c.Items, &c.Example, &c.OpenFrom, &c.OpenTo,
		&c.Away}
}

// DeadLetterFilter selects open dead letters. Empty members select all.
type DeadLetterFilter struct {
	Cause   string
	Code    string
	BoardID int64
	Since   time.Time // that failed since then
}

// FindDeadLetters returns the open dead letters that a filter selects, oldest first; limit 0: all of them.
func (s *Store) FindDeadLetters(ctx context.Context, f DeadLetterFilter, limit int) ([]DeadLetter, error) {
	const condition = `
		WHERE  ` + isOpen + `
		AND    ($1 = '' OR d.cause_id = $1)
		AND    ($2 = '' OR EXISTS (SELECT FROM causes c WHERE c.cause_id = d.cause_id AND upper(c.code) = upper($2)))
		AND    ($3::bigint = 0 OR d.args->>'board_id' = $3::bigint::text)
		AND    d.ended_at >= $4
		ORDER  BY d.id
		LIMIT  nullif($5, 0)`
	return s.letters(ctx, `SELECT `+letterColumns+condition, f.Cause, f.Code, f.BoardID, f.Since, limit)
}

// assignSize is how many dead letters are assigned to their causes at once.
const assignSize = 1000

// AssignCauses determines the causes of dead letters and outages that have none yet, and opens these causes. It
// returns how many dead letters it assigned. Only one caller at a time needs to do this, but several do no harm.
func (s *Store) AssignCauses(ctx context.Context) (assigned int, err error) {
	if err := s.assignOutages(ctx); err != nil {
		return 0, doing("finding the causes of outages", err)
	}
	for {
		n, err := s.assignDeadLetters(ctx)
		assigned += n
		if err != nil || n < assignSize {
			return assigned, doing("finding the causes of dead letters", err)
		}
	}
}

// caused is a dead letter or an outage with its cause.
type caused struct {
	id  int64
	at  time.Time
	key CauseKey
}

func (s *Store) assignDeadLetters(ctx context.Context) (assigned int, err error) {
	const find = `
		SELECT d.id, d.ended_at, d.reason, coalesce(e.system, ''), coalesce(e.code, ''), coalesce(e.object, ''), coalesce(e.field, ''),
		       coalesce(e.message, '')
		FROM   dead_letters d
		LEFT   JOIN LATERAL (SELECT system, code, object, field, message FROM error_logs WHERE job_id = d.job_id ORDER BY id DESC LIMIT 1) e ON true
		WHERE  d.cause_id IS NULL AND (d.alerted_at IS NULL OR ` + isOpen + `)
		ORDER  BY d.id
		LIMIT  $1`
	const assign = `UPDATE dead_letters d SET cause_id = n.cause_id FROM unnest($1::bigint[], $2::text[]) AS n(id, cause_id) WHERE d.id = n.id`
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, find, assignSize)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c caused, err error) {
			var e evidence
			err = row.Scan(&c.id, &c.at, &e.reason, &e.system, &e.code, &e.object, &e.field, &e.detail)
			c.key = e.key()
			return c, err
		})
		assigned = len(found)
		return errors.Join(err, openCauses(ctx, tx, found, assign))
	})
	return assigned, err
}

func (s *Store) assignOutages(ctx context.Context) error {
	const find = `
		SELECT id, split_part(system, ' ', 1), substr(system, length(split_part(system, ' ', 1)) + 2), code, started_at
		FROM   outages
		WHERE  cause_id IS NULL AND ended_at IS NULL`
	const assign = `UPDATE outages o SET cause_id = n.cause_id FROM unnest($1::bigint[], $2::text[]) AS n(id, cause_id) WHERE o.id = n.id`
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, find)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (c caused, err error) {
			var system, part, code string
			err = row.Scan(&c.id, &system, &part, &code, &c.at)
			c.key = outageKey(system, part, code)
			return c, err
		})
		return errors.Join(err, openCauses(ctx, tx, found, assign))
	})
}

// openCauses opens the causes that were found, and assigns dead letters and outages to them. It locks causes in the
// order of their ids.
func openCauses(ctx context.Context, tx pgx.Tx, found []caused, assign string) error {
	const open = `
		INSERT INTO causes AS c (cause_id, system, code, object, field, reason, first_at, last_at)
		SELECT cause_id, system, code, object, field, reason, min(at), max(at)
		FROM   unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
		       AS n(cause_id, system, code, object, field, reason, at)
		GROUP  BY 1, 2, 3, 4, 5, 6
		ORDER  BY 1
		ON CONFLICT (cause_id) DO UPDATE
		SET    first_at = least(c.first_at, excluded.first_at), last_at = greatest(c.last_at, excluded.last_at), closed_at = NULL,
		       opened_at = CASE WHEN c.closed_at IS NULL THEN c.opened_at ELSE now() END`
	if len(found) == 0 {
		return nil
	}
	n := len(found)
	ids, causes, at := make([]int64, n), make([]string, n), make([]time.Time, n)
	var columns [5][]string
	for i, f := range found {
		ids[i], causes[i], at[i] = f.id, f.key.ID(), f.at
		for j, text := range []string{f.key.System, f.key.Code, f.key.Object, f.key.Field, f.key.Reason} {
			columns[j] = append(columns[j], text)
		}
	}
	if _, err := tx.Exec(ctx, open, causes, columns[0], columns[1], columns[2], columns[3], columns[4], at); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, assign, ids, causes)
	return err
}

// CloseCauses closes the causes for which nothing is open any more: their events succeeded, a later event made up for
// them, or a person ignored them; and the systems are available. It returns how many it closed.
func (s *Store) CloseCauses(ctx context.Context) (closed int64, err error) {
	const query = `
		UPDATE causes c SET closed_at = now()
		WHERE  closed_at IS NULL
		AND    NOT EXISTS (SELECT FROM dead_letters d WHERE d.cause_id = c.cause_id AND (` + isOpen + ` OR ` + underWay + `))
		AND    NOT EXISTS (SELECT FROM outages o WHERE o.cause_id = c.cause_id AND o.ended_at IS NULL)`
	tag, err := s.pool.Exec(ctx, query)
	return tag.RowsAffected(), doing("closing causes", err)
}
