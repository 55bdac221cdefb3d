package send

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"crmsync/sfclient"
)

// maxRows is the maximum number of rows in one call.
const maxRows = 200

// errRows means that an answer does not match its call.
var errRows = errors.New("the answer does not match the rows that were sent")

// caller sends calls.
type caller struct {
	salesforce Salesforce
	size       int // maximum number of rows
	now        func() time.Time
	sizes      *sizes
}

// passage describes how rows went through.
type passage struct {
	rows  int  // rows of the largest call that went through as a whole
	clean bool // no row failed in a way that also makes its neighbors fail
}

func (p passage) and(other passage) passage {
	return passage{max(p.rows, other.rows), p.clean && other.clean}
}

// deliver sends the attempts of rows that can share a call, in as many calls as the org needs.
func (c *caller) deliver(ctx context.Context, rows []*search) passage {
	total := passage{clean: true}
	most := c.sizes.rows(rows[0].attempt, c.size, c.now())
	calls := (len(rows) + most - 1) / most
	for chunk := range slices.Chunk(rows, (len(rows)+calls-1)/calls) {
		total = total.and(c.call(ctx, chunk))
	}
	return total
}

// call sends one call.
func (c *caller) call(ctx context.Context, rows []*search) passage {
	if err := ctx.Err(); err != nil {
		endAll(rows, Retry{Err: err})
		return passage{}
	}
	started := c.now()
	results, err := c.write(ctx, rows)
	if err == nil {
		c.sizes.took(rows[0].attempt, len(rows), len(rows), c.now().Sub(started))
	}
	return c.answer(ctx, rows, results, err)
}

// answer processes the answer of a call. Rows that may have failed because of another one are split until that one
// stands alone.
func (c *caller) answer(ctx context.Context, rows []*search, results []sfclient.Result, err error) passage {
	if err == nil && len(results) != len(rows) {
		err = errRows
	}
	var parts [][]*search
	none, clean := true, true // none: no row was written
	switch {
	case err == nil:
		parts, clean = settle(rows, results)
		none = !slices.ContainsFunc(results, func(r sfclient.Result) bool { return r.Success })
	case !rejectsRows(rows[0].attempt, err):
		endAll(rows, lost(err))
		return passage{}
	default:
		if parts = partsOf(rows, rowError(err).Code); len(parts) == 1 {
			rejectAll(rows, rowError(err))
			return passage{}
		}
	}
	if len(parts) == 0 {
		return passage{len(rows), clean}
	}
	total := passage{clean: clean}
	for _, part := range parts {
		total = total.and(c.deliver(ctx, part))
	}
	if none && total.clean && total.rows < len(rows) { // no row is at fault: there were too many
		c.sizes.learn(rows[0].attempt, total.rows, c.now())
	}
	return total
}

// settle gives each row its answer, except those that may have failed because of another one: these are returned in
// halves by their error. clean reports that no row failed on its own with such an error.
func settle(rows []*search, results []sfclient.Result) (parts [][]*search, clean bool) {
	infected := map[string][]*search{}
	clean = true
	for n, x := range rows {
		errs := results[n].Errors
		switch {
		case results[n].Success:
			errs = nil
		case len(errs) == 0:
			errs = []sfclient.RowError{{Code: codeNone}}
		}
		contagious := len(errs) > 0 && isContagious(errs[0])
		switch {
		case contagious && len(rows) > 1:
			infected[errs[0].Code] = append(infected[errs[0].Code], x)
			continue
		case contagious:
			clean = false
			x.apart(x)
		}
		x.take(results[n], errs)
	}
	for _, code := range slices.Sorted(maps.Keys(infected)) {
		parts = append(parts, halves(infected[code])...)
	}
	return parts, clean
}

// rejectsRows reports whether a call failed because of something in its rows. An unknown path counts only for an
// Upsert, because its path contains the caller's value.
func rejectsRows(w Write, err error) bool {
	return isRejection(err) && (rowError(err).Code != "NOT_FOUND" || w.Op == Upsert)
}

// rejectAll gives rows that cannot be split the rejection of their call.
func rejectAll(rows []*search, e sfclient.RowError) {
	for _, x := range rows {
		switch e.Code {
		case "INVALID_TYPE", "NOT_FOUND":
			x.cause = cause{code: e.Code}
			x.rejectWhole()
			continue
		case "INVALID_FIELD":
			x.apart(rows[0])
		default:
			x.apart(x)
		}
		x.take(sfclient.Result{}, []sfclient.RowError{e})
	}
}

func endAll(rows []*search, o Outcome) {
	for _, x := range rows {
		x.end(o)
	}
}

// write sends rows of one kind in one call.
func (c *caller) write(ctx context.Context, rows []*search) ([]sfclient.Result, error) {
	first := rows[0].attempt
	if first.Op == Delete {
		ids := make([]string, len(rows))
		for n, x := range rows {
			ids[n] = x.attempt.ID
		}
		return c.salesforce.Delete(ctx, ids)
	}
	records := recordsOf(rows)
	switch first.Op {
	case Upsert:
		return c.salesforce.Upsert(ctx, first.Object, first.Key, records, first.Options)
	case Create:
		return c.salesforce.Create(ctx, first.Object, records, first.Options)
	}
	return c.salesforce.Update(ctx, first.Object, records, first.Options)
}

func recordsOf(rows []*search) []sfclient.Record {
	records := make([]sfclient.Record, len(rows))
	for n, x := range rows {
		records[n] = recordOf(x.attempt)
	}
	return records
}

// recordOf returns the row of a write.
func recordOf(w Write) sfclient.Record {
	record := make(sfclient.Record, len(w.Fields)+1)
	maps.Copy(record, w.Fields)
	switch w.Op {
	case Update:
		record["Id"] = w.ID
	case Upsert:
		record[w.Key] = w.KeyValue
	}
	return record
}
