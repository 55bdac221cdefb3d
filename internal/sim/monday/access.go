package monday

import "net/http"

// Access is what the token's user is allowed to do on a board.
type Access int

// The levels of access. Monday does not document its answer about a board without access. Hidden and Denied are the
// two possibilities.
const (
	Full     Access = iota
	ReadOnly        // reads succeed, writes are refused
	Hidden          // the board and its items seem not to exist
	Denied          // a call that touches the board is refused
)

// SetAccess changes what the token's user is allowed to do on a board. Its webhooks are sent regardless.
func (s *Sim) SetAccess(board int64, a Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access[board] = a
}

// denied returns the error of a call without access. The same code is used when the whole login is refused; error_data
// names nothing.
func denied() error {
	return &apiError{code: codeDenied, message: "User unauthorized to perform action", status: http.StatusForbidden}
}

// codeDenied is the name of the code since 2025-07, codeDeniedBefore the one before.
const (
	codeDenied       = "USER_UNAUTHORIZED"
	codeDeniedBefore = "UserUnauthorizedException"
	deniedSince      = "2025-07"
)

// mayRead returns an error if the token's user cannot read the board: the board seems not to exist, or access is
// refused.
func (s *Sim) mayRead(b *board, hidden error) error {
	switch s.access[b.ID] {
	case Hidden:
		return hidden
	case Denied:
		return denied()
	}
	return nil
}

// mayWrite returns an error if the user cannot change the items of the board.
func (s *Sim) mayWrite(user int64, b *board, hidden error) error {
	switch a := s.access[b.ID]; {
	case user != tokenUser, a == Full:
		return nil
	case a == Hidden:
		return hidden
	}
	return denied()
}
