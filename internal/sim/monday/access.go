package monday

import "net/http"

// Access is what the token's user may do on a board.
type Access int

// The levels of access. Monday does not document how it answers about a board without access: Hidden and Denied are the
// two ways in which it may.
const (
	Full     Access = iota
	ReadOnly        // reads are answered, writes are refused
	Hidden          // the board and its items pass for not existing
	Denied          // a call that touches the board is refused
)

// SetAccess changes what the token's user may do on a board. Its webhooks go out whatever that is.
func (s *Sim) SetAccess(board int64, a Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.access[board] = a
}

// denied is a refusal of access. The same code stands for a refusal of the whole login; error_data names nothing.
func denied() error {
	return &apiError{code: codeDenied, message: "User unauthorized to perform action", status: http.StatusForbidden}
}

// codeDenied is what the code is called from 2025-07 on, codeDeniedBefore what it was until then.
const (
	codeDenied       = "USER_UNAUTHORIZED"
	codeDeniedBefore = "UserUnauthorizedException"
	deniedSince      = "2025-07"
)

// mayRead gives an error where the token's user may not read the board: to it, the board is not there, or access is refused.
func (s *Sim) mayRead(b *board, hidden error) error {
	switch s.access[b.ID] {
	case Hidden:
		return hidden
	case Denied:
		return denied()
	}
	return nil
}

// mayWrite gives an error where the user may not change what is on the board.
func (s *Sim) mayWrite(user int64, b *board, hidden error) error {
	switch a := s.access[b.ID]; {
	case user != tokenUser, a == Full:
		return nil
	case a == Hidden:
		return hidden
	}
	return denied()
}
