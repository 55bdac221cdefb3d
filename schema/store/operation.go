package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Acts of people, as they are stored in operations.
const (
	ActReplay  = "replay"
	ActIgnore  = "ignore"
	ActErase   = "erase"
	ActRelease = "release" // held deletions
	ActDrop    = "drop"    // held deletions
	ActApply   = "apply"
	ActStop    = "stop" // a comparison
	ActResync  = "resync"
	ActTake    = "take" // one side's value, after a conflict

	ActMigrate  = "migrate"  // records of Salesforce to a board
	ActRegister = "register" // webhooks of boards
)

// Where people act from.
const (
	ViaCLI     = "cli"
	ViaConsole = "console"
)

// LongestReason is the maximum number of characters of a reason.
const LongestReason = 300

// By is who acts, from where and why.
type By struct {
	Actor  string // account of the command line, or user of the console
	Via    string // ViaCLI or ViaConsole
	Reason string // in the person's words; empty: not given
}

// Operation is an act of a person.
type Operation struct {
	By
	Act     string
	Subject string  // what it was about, such as "item 7" or "jobs 12, 13"
	Items   []int64 // that it concerns
	At      time.Time
}

// Execer runs a statement: a pool, a connection or a transaction.
type Execer interface {
	Exec(ctx context.Context, query string, args ...any) (pgconn.CommandTag, error)
}

// RecordOperation records an act. If db is the transaction of the act, neither is ever stored without the other.
func RecordOperation(ctx context.Context, db Execer, o Operation) error {
	const query = `INSERT INTO operations (actor, via, act, subject, reason, items) VALUES ($1, $2, $3, $4, $5, $6)`
	items := slices.Compact(slices.Sorted(slices.Values(o.Items)))
	if items == nil {
		items = []int64{}
	}
	_, err := db.Exec(ctx, query, o.Actor, cmp.Or(o.Via, ViaCLI), o.Act, o.Subject, o.Reason, items)
	return doing("recording an operation", err)
}

// RecordOperation records an act that needs no transaction.
func (s *Store) RecordOperation(ctx context.Context, o Operation) error {
	return RecordOperation(ctx, s.pool, o)
}

// RecordDeadLetters records an act on dead letters, in its transaction.
func RecordDeadLetters(ctx context.Context, tx pgx.Tx, act string, by By, jobIDs []int64) error {
	const query = `
		SELECT DISTINCT (args->>'item_id')::bigint FROM dead_letters
		WHERE  job_id = ANY($1) AND args->>'item_id' IS NOT NULL`
	if len(jobIDs) == 0 {
		return nil
	}
	rows, err := tx.Query(ctx, query, jobIDs)
	if err != nil {
		return doing("recording an operation", err)
	}
	items, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return doing("recording an operation", err)
	}
	return RecordOperation(ctx, tx, Operation{By: by, Act: act, Subject: Subject("job", jobIDs), Items: items})
}

// Subject names what an act was about: "job 12", "jobs 12, 13", or for many, the first ones and the number of the
// others.
func Subject(noun string, ids []int64) string {
	const named = 15
	if len(ids) == 1 {
		return fmt.Sprintf("%s %d", noun, ids[0])
	}
	words := make([]string, 0, named)
	for _, id := range ids[:min(len(ids), named)] {
		words = append(words, fmt.Sprint(id))
	}
	text := noun + "s " + strings.Join(words, ", ")
	if more := len(ids) - len(words); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Operations returns the latest acts, newest first: all of them or, if item is not 0, those that concern the item.
func (s *Store) Operations(ctx context.Context, item int64, limit int) ([]Operation, error) {
	const query = `
		SELECT actor, via, reason, act, subject, items, at FROM operations
		WHERE  $1::bigint = 0 OR items @> ARRAY[$1::bigint]
		ORDER  BY at DESC, id DESC
		LIMIT  $2`
	rows, err := s.pool.Query(ctx, query, item, limit)
	if err != nil {
		return nil, doing("reading operations", err)
	}
	operations, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (o Operation, err error) {
		err = row.Scan(&o.Actor, &o.Via, &o.Reason, &o.Act, &o.Subject, &o.Items, &o.At)
		return o, err
	})
	return operations, doing("reading operations", err)
}
