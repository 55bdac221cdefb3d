package salesforce

import (
	"net/http"
	"slices"
)

// saveEach saves every row, and runs the org's automation on those that Salesforce itself accepts. If that makes the
// rows of an object fail, the others are saved without them.
func (x *tx) saveEach(rows []row, allOrNone bool, begin func() func(i int) (saveResult, []*failure)) answer {
	mark := len(x.undo)
	pass := func(rejected map[*table]*failure, before []saveResult) []saveResult {
		x.saves = nil
		results, do := make([]saveResult, len(rows)), begin()
		for i := range rows {
			f := rejected[rows[i].table]
			switch {
			case f != nil && before[i].Success:
				results[i] = saveResult{Errors: rowErrors(list(f))}
			case f != nil:
				results[i] = before[i]
			default:
				results[i] = outcome(do(i))
			}
		}
		return results
	}
	results := pass(nil, nil)
	if rejected := x.automate(); rejected != nil {
		x.rollback(mark)
		results = pass(rejected, results)
		x.automate() // for the others: the assignment rules
	}
	return x.settle(mark, allOrNone, results)
}

// each applies do to every row.
func (x *tx) each(n int, allOrNone bool, do func(i int) (saveResult, []*failure)) answer {
	mark, results := len(x.undo), make([]saveResult, n)
	for i := range results {
		results[i] = outcome(do(i))
	}
	return x.settle(mark, allOrNone, results)
}

func outcome(result saveResult, failures []*failure) saveResult {
	if failures != nil {
		return saveResult{Errors: rowErrors(failures)}
	}
	return result
}

// settle answers with the results, and rolls everything back if one failed and all must succeed.
func (x *tx) settle(mark int, allOrNone bool, results []saveResult) answer {
	if allOrNone && slices.ContainsFunc(results, func(r saveResult) bool { return !r.Success }) {
		x.rollback(mark)
		for i := range results {
			if results[i].Success {
				results[i] = saveResult{Errors: rowErrors(list(fail("ALL_OR_NONE_OPERATION_ROLLED_BACK",
					"Record rolled back because not all records were valid and the request was using AllOrNone header")))}
			}
		}
	}
	return answer{status: http.StatusOK, body: results}
}

// alone saves one row that is a call by itself.
func (x *tx) alone(save func() (*record, []*failure)) (*record, []*failure) {
	mark := len(x.undo)
	x.saves = nil
	rec, failures := save()
	if failures != nil {
		return nil, failures
	}
	if f := x.automate()[rec.table]; f != nil {
		x.rollback(mark)
		return nil, list(f)
	}
	return rec, nil
}

func (x *tx) updateAlone(rec *record, r row) []*failure {
	_, failures := x.alone(func() (*record, []*failure) { return rec, x.update(rec, r) })
	return failures
}
