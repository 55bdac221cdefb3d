package migration

import (
	"context"
	"slices"

	"crmsync/schema/store"
	"crmsync/sfclient"
)

// retrySize is how many records one query reads by their Ids.
const retrySize = 200

// retryFailed attempts the records that failed in earlier runs and that this run does not read anyway. It reports
// whether it reached their end.
func (s *session) retryFailed(ctx context.Context) (over bool, err error) {
	for after := ""; ; {
		p, last, err := s.failedPage(ctx, after)
		if err != nil || p == nil {
			return err == nil, err
		}
		if !s.mayBegin() {
			return false, nil
		}
		if len(p.records)+len(p.dropped) > 0 {
			if err := s.take(ctx, p); err != nil {
				return false, err
			}
		}
		after = last
	}
}

// failedPage prepares the next page of records that failed in earlier runs; nil: there are no more. It returns the last
// Id that it considered.
func (s *session) failedPage(ctx context.Context, after string) (p *page, last string, err error) {
	if s.run.Cursor.At == "" {
		return nil, "", nil // the run reads all records
	}
	ids, err := s.config.Store.FailedRecords(ctx, s.job.BoardID, s.run.ID, after, pageSize)
	if err != nil || len(ids) == 0 {
		return nil, "", err
	}
	read, err := s.selectFailed(ctx, ids)
	if err != nil {
		return nil, "", err
	}
	records, dropped := partFailed(ids, read, s.run.Cursor.At)
	p = newPage(records)
	p.again, p.dropped = true, dropped
	if err := s.find(ctx, p); err != nil {
		return nil, "", err
	}
	return p, ids[len(ids)-1], nil
}

// selectFailed reads records by their Ids.
func (s *session) selectFailed(ctx context.Context, ids []string) (records []*record, err error) {
	for some := range slices.Chunk(ids, retrySize) {
		soql := selectRecords(s.migration, s.config.Mapping.Key, among(s.migration, some))
		answer, err := repeat(ctx, s, "reading records that failed", func() ([]sfclient.Record, error) {
			return s.config.Salesforce.Select(ctx, soql)
		})
		if err != nil {
			return nil, err
		}
		for _, fields := range answer {
			r, err := readRecord(fields)
			if err != nil {
				return nil, err
			}
			r.known = true
			records = append(records, r)
		}
	}
	return records, nil
}

// partFailed splits records that failed before into those that the run does not read anyway, since they are older than
// its start, and those that are gone or that the mapping no longer selects.
func partFailed(ids []string, read []*record, begin string) (again []*record, dropped []string) {
	there := map[string]bool{}
	for _, r := range read {
		there[r.id] = true
		if r.stamp < begin {
			again = append(again, r)
		}
	}
	for _, id := range ids {
		if !there[id] {
			dropped = append(dropped, id)
		}
	}
	return again, dropped
}

// skipFailed leaves out the records that failed in this run already, which are read again if their key was written: the
// next run attempts them. It marks those that failed in an earlier run.
func skipFailed(records []*record, failed map[string]store.FailedRecord, run int64) []*record {
	return slices.DeleteFunc(records, func(r *record) bool {
		f, known := failed[r.id]
		r.known = known
		return known && f.RunID == run
	})
}
