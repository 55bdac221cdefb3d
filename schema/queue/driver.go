package queue

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// Driver is River's driver for pgx, with statements of ours for what a worker does most: fetching and completing jobs.
// Statements within a transaction are River's own.
//
// Of a completed job, subscribers of River's client get only the id, the state, and the time of completion.
type Driver struct {
	*riverpgxv5.Driver
	DriverConfig
	limits sync.Map // the most jobs of each queue that are fetched at once
}

// DriverConfig configures a Driver.
type DriverConfig struct {
	Pool  *pgxpool.Pool // stays the caller's to close
	Alone bool          // it is the second pool of postgres.Split

	// Share returns which share of the items is preferred when events are fetched from their queue; nil: none.
	Share  Share
	Events string
}

// NewDriver returns a driver.
func NewDriver(c DriverConfig) *Driver {
	return &Driver{Driver: riverpgxv5.New(c.Pool), DriverConfig: c}
}

// GetExecutor returns what River's client runs its statements with.
func (d *Driver) GetExecutor() riverdriver.Executor { return executor{d.Driver.GetExecutor(), d} }

type executor struct {
	riverdriver.Executor
	driver *Driver
}

// JobSetStateIfRunningMany ends jobs. Nearly all of them were just completed, for which River's statement does too
// much: it takes twelve arrays, joins the table twice, and returns all columns of all jobs, thousands at once. These
// jobs are completed by a short statement, in the order of their ids. River's own gets the others, and the completed
// ones that are no longer running.
func (e executor) JobSetStateIfRunningMany(ctx context.Context,
	p *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	var plain []int
	if p.Schema == "" {
		plain = completed(p)
	}
	if len(plain) == 0 {
		return e.Executor.JobSetStateIfRunningMany(ctx, p)
	}
	ids, at := make([]int64, len(plain)), make([]time.Time, len(plain))
	for n, i := range plain {
		ids[n], at[n] = p.ID[i], *p.FinalizedAt[i]
	}
	const query = `
		WITH done AS (
			UPDATE river_job AS j SET state = 'completed', finalized_at = c.at
			FROM   unnest($1::bigint[], $2::timestamptz[]) AS c(id, at)
			WHERE  j.id = c.id AND j.state = 'running'
			RETURNING j.id
		)
		SELECT array_agg(id) FROM done`
	var done []int64
	if err := e.QueryRow(ctx, query, ids, at).Scan(&done); err != nil {
		return e.Executor.JobSetStateIfRunningMany(ctx, p) // which returns errors as River expects them
	}
	slices.Sort(done)
	var rows []*rivertype.JobRow
	for n, id := range ids {
		if _, ok := slices.BinarySearch(done, id); ok {
			when := at[n].UTC().Truncate(time.Microsecond)
			rows = append(rows, &rivertype.JobRow{ID: id, State: rivertype.JobStateCompleted, FinalizedAt: &when})
		}
	}
	left := without(p, done)
	if len(left.ID) == 0 {
		return rows, nil
	}
	others, err := e.Executor.JobSetStateIfRunningMany(ctx, left)
	if err != nil {
		return nil, err
	}
	rows = append(rows, others...)
	slices.SortFunc(rows, func(a, b *rivertype.JobRow) int { return cmp.Compare(a.ID, b.ID) })
	return rows, nil
}

// completed returns the positions of the jobs that are completed and in which nothing else changes, by id.
func completed(p *riverdriver.JobSetStateIfRunningManyParams) (plain []int) {
	plain = make([]int, 0, len(p.ID))
	for i := range p.ID {
		if p.State[i] == rivertype.JobStateCompleted && p.FinalizedAt[i] != nil && p.Attempt[i] == nil &&
			p.ErrData[i] == nil && p.ScheduledAt[i] == nil && !p.MetadataDoMerge[i] {
			plain = append(plain, i)
		}
	}
	slices.SortFunc(plain, func(a, b int) int { return cmp.Compare(p.ID[a], p.ID[b]) })
	return plain
}

// without returns the jobs that are not done.
func without(p *riverdriver.JobSetStateIfRunningManyParams, done []int64) *riverdriver.JobSetStateIfRunningManyParams {
	left := &riverdriver.JobSetStateIfRunningManyParams{Now: p.Now, Schema: p.Schema}
	if len(done) == len(p.ID) {
		return left
	}
	for i, id := range p.ID {
		if _, is := slices.BinarySearch(done, id); is {
			continue
		}
		left.ID = append(left.ID, id)
		left.Attempt = append(left.Attempt, p.Attempt[i])
		left.ErrData = append(left.ErrData, p.ErrData[i])
		left.FinalizedAt = append(left.FinalizedAt, p.FinalizedAt[i])
		left.MetadataDoMerge = append(left.MetadataDoMerge, p.MetadataDoMerge[i])
		left.MetadataUpdates = append(left.MetadataUpdates, p.MetadataUpdates[i])
		left.ScheduledAt = append(left.ScheduledAt, p.ScheduledAt[i])
		left.State = append(left.State, p.State[i])
	}
	return left
}
