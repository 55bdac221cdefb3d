package store_test

import (
	"fmt"
	"testing"

	"crmsync/schema/postgres"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

// TestFeedDifferencesOfEndedLinks looks for a page of records among many links that have ended. Postgres expects few of
// them, and must not compare each with each record.
func TestFeedDifferencesOfEndedLinks(t *testing.T) {
	t.Parallel()
	db, _, err := postgres.Open(t.Context(), schematest.URL(t)+"&pool_max_conns=1", 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	const links, ended, page = 20_000, 2000, 500
	schematest.Exec(t, db, "INSERT INTO items (item_id, board_id) SELECT n, $1 FROM generate_series(1, $2) AS n", board, links)
	schematest.Exec(t, db, `
		INSERT INTO links (item_id, record, object, salesforce_id, ended_id)
		SELECT n, 'contact', 'Contact', CASE WHEN n > $2 THEN 'id' || n END, CASE WHEN n <= $2 THEN 'first' || n || ' id' || n END
		FROM   generate_series(1, $1) AS n`, links, ended)
	schematest.Exec(t, db, "ANALYZE links")
	var rows []store.FeedRow
	for n := ended - page/2; len(rows) < page; n++ { // half of these records exist again
		rows = append(rows, store.FeedRow{ID: fmt.Sprint("id", n+1), Fields: []byte(`{}`)})
	}
	found, err := store.New(db).FeedDifferences(t.Context(), rows,
		[]store.FeedWay{{BoardID: board, Record: "contact", Fields: []string{"Email"}}})
	if err != nil || len(found) != page/2 {
		t.Fatalf("%d records exist again, want %d: %v", len(found), page/2, err)
	}
	ids, no, fields := make([]string, page), make([]bool, page), make([]string, page)
	for n, row := range rows {
		ids[n], fields[n] = row.ID, string(row.Fields)
	}
	query := schematest.Ask[string](t, db, `SELECT statement FROM pg_prepared_statements WHERE statement ~ '^\s*WITH rows'`)
	work, plan := schematest.Work(t, db, query, ids, no, fields, []int64{board}, []string{"contact"}, []string{"Email"}, no)
	if work > 10*links { // a scan of each table is allowed
		t.Errorf("%.0f rows for a page of %d and %d links that have ended:\n%s", work, page, ended, plan)
	}
}
