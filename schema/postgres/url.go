package postgres

import (
	"errors"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
)

// ParseURL reads a connection string. Its error contains no part of it, which might belong to a password.
func ParseURL(url string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("not a valid Postgres URL, such as postgres://user:password@host:5432/database")
	}
	// A password with such a character ends too early, and its rest would appear as the host or database in errors.
	parts := []string{c.ConnConfig.Host, c.ConnConfig.Database}
	for _, other := range c.ConnConfig.Fallbacks {
		parts = append(parts, other.Host)
	}
	if slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(part, "@") }) {
		return nil, errors.New("the password has a character that a URL must encode: write %40 for @, %2F for /, %3A for " +
			":, %23 for #, %3F for ?")
	}
	return c, nil
}
