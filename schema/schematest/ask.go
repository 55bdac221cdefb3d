package schematest

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Exec runs a statement, or fails the test.
func Exec(t testing.TB, db *pgxpool.Pool, query string, args ...any) {
	t.Helper()
	if _, err := db.Exec(t.Context(), query, args...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// Ask returns the single value that a query selects, or fails the test.
func Ask[T any](t testing.TB, db *pgxpool.Pool, query string, args ...any) (v T) {
	t.Helper()
	if err := db.QueryRow(t.Context(), query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// Must returns a function that returns a value, or fails the test with the error beside it:
// Must[int](t)(strconv.Atoi(s)).
func Must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
