package store

import "context"

// AddMondayCalls adds calls that this process made to Monday on a day in UTC, such as 2026-11-26, and returns how many
// calls all processes have made. It forgets the days before.
func (s *Store) AddMondayCalls(ctx context.Context, day string, calls int) (all int, err error) {
	const query = `
		WITH forgotten AS (DELETE FROM monday_days WHERE day < $1::text::date - 1)
		INSERT INTO monday_days AS d (day, calls) VALUES ($1::text::date, $2)
		ON CONFLICT (day) DO UPDATE SET calls = d.calls + excluded.calls
		RETURNING calls`
	err = s.pool.QueryRow(ctx, query, day, calls).Scan(&all)
	return all, doing("counting the calls to monday", err)
}
