package queue

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"crmsync/internal/quote"
)

// Key is River's unique key of a job.
type Key [sha256.Size]byte

// KeyOf returns the key that River gives to a job of a kind that is unique by one member of its args, which is named
// key.
func KeyOf(kind, key string) Key {
	var room [256]byte
	b := append(append(room[:0], "&kind="...), kind...)
	b = quote.AppendJSON(append(b, `&args={"key":`...), key)
	return sha256.Sum256(append(b, '}'))
}

// Job is a job to be inserted.
type Job struct {
	Kind string
	Key  Key    // unique in every state of the job
	Args []byte // JSON
}

// Insert puts jobs into the events' queue, all of them or none, in one round trip, except for the first ones. The rows are
// those that River's client would insert, and the workers are notified as River notifies them. The error is Postgres'
// own: a unique violation if one of the keys is in the queue. No right to read the queue is needed.
func (q *Queue) Insert(ctx context.Context, maxAttempts int, jobs []Job) error {
	db, err := q.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer db.Release()
	insert, err := q.insertion(ctx, db)
	if err != nil {
		return err
	}
	rows := copies.Get().(*[]byte)
	*rows = append((*rows)[:0], copyHeader...)
	for _, j := range jobs {
		*rows = j.append(*rows, maxAttempts, q.names.Events)
	}
	*rows = append(*rows, copyEnd...)
	// A message of several statements is one transaction.
	_, err = db.Conn().PgConn().CopyFrom(ctx, bytes.NewReader(*rows), insert)
	if err == nil && cap(*rows) <= usualCopy { // after an error, pgx may still be reading
		copies.Put(rows)
	}
	return err
}

// insertion returns the statements that insert jobs and notify the workers. All other columns have River's defaults.
//
// The channel's name contains the name of the schema, which is read once: NOTIFY costs Postgres less than a query that
// calls pg_notify.
func (q *Queue) insertion(ctx context.Context, db *pgxpool.Conn) (string, error) {
	if known := q.insert.Load(); known != nil {
		return *known, nil
	}
	var schema string
	if err := db.QueryRow(ctx, "SELECT current_schema()").Scan(&schema); err != nil {
		return "", err
	}
	text := `COPY river_job (args, kind, max_attempts, queue, unique_key, unique_states) FROM STDIN (FORMAT binary); ` +
		`NOTIFY ` + pgx.Identifier{schema + ".river_insert"}.Sanitize() + `, ` +
		literal(`{"queue": `+strconv.Quote(q.names.Events)+`}`)
	q.insert.Store(&text)
	return text, nil
}

// literal returns a text as a literal of SQL.
func literal(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// usualCopy is the largest buffer that is kept for the next group.
const usualCopy = 256 << 10

var copies = sync.Pool{New: func() any { return new([]byte) }}

// The binary format of COPY.
//
// https://www.postgresql.org/docs/current/sql-copy.html
const (
	copyHeader = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // no flags, no extension
	copyEnd    = "\xff\xff"
	columns    = 6
	jsonb      = "\x01"                 // version before the text
	allStates  = "\x00\x00\x00\x08\xff" // a bit for each of River's 8 states
)

// append appends the job's row.
func (j Job) append(b []byte, maxAttempts int, queue string) []byte {
	b = binary.BigEndian.AppendUint16(b, columns)
	b = binary.BigEndian.AppendUint32(b, uint32(len(jsonb)+len(j.Args)))
	b = append(append(b, jsonb...), j.Args...)
	b = appendText(b, j.Kind)
	b = binary.BigEndian.AppendUint32(b, 2)
	b = binary.BigEndian.AppendUint16(b, uint16(min(maxAttempts, math.MaxInt16)))
	b = appendText(b, queue)
	b = appendText(b, j.Key[:])
	return appendText(b, allStates)
}

// appendText appends a column whose form is its bytes.
func appendText[T string | []byte](b []byte, text T) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	return append(b, text...)
}
