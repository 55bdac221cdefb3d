package schematest

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Work executes a statement and returns how many rows the steps of its plan went through, and the plan. Rows that were
// compared and did not match count, so the result shows a plan whose steps multiply.
func Work(t testing.TB, db *pgxpool.Pool, query string, args ...any) (rows float64, plan string) {
	t.Helper()
	text := Ask[[]byte](t, db, "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) "+query, args...)
	var top []struct{ Plan step }
	if err := json.Unmarshal(text, &top); err != nil || len(top) != 1 {
		t.Fatalf("%v: %s", err, text)
	}
	return top[0].Plan.work(), string(text)
}

// step is a step of an executed plan.
type step struct {
	Rows     float64 `json:"Actual Rows"`
	Loops    float64 `json:"Actual Loops"`
	Filtered float64 `json:"Rows Removed by Filter"`
	Unjoined float64 `json:"Rows Removed by Join Filter"`
	Plans    []step
}

func (s step) work() float64 {
	rows := s.Loops * (s.Rows + s.Filtered + s.Unjoined)
	for _, below := range s.Plans {
		rows += below.work()
	}
	return rows
}
