package console

import (
	"context"
	"net/http"
)

// User is the person who uses the console.
type User struct {
	Name     string // as acts are recorded
	Operator bool   // may act; otherwise only read
}

type userKey struct{}

// WithUser returns the request with its authenticated user.
func WithUser(r *http.Request, u User) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), userKey{}, u))
}

// userOf returns the user of a request. A request without a user may only read.
func userOf(r *http.Request) User {
	u, _ := r.Context().Value(userKey{}).(User)
	return u
}
