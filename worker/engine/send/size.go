package send

import (
	"sync"
	"time"
)

// growAfter is how long a successful size is kept before double the size is attempted again.
const growAfter = 30 * time.Minute

// sizes remembers, by object and operation, how many rows the org accepts in one call, and how long they take. The
// zero value knows no limits.
type sizes struct {
	mu     sync.Mutex
	limits map[sizeKey]limit
	paces  map[sizeKey]time.Duration // for a row
	costed map[sizeKey]bool          // whether the cost of a call was already asked for
}

type sizeKey struct {
	op     Op
	object string
}

type limit struct {
	rows int
	at   time.Time
}

// rows returns how many rows to send at once, at most most.
func (s *sizes) rows(w Write, most int, now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := sizeKey{w.Op, w.Object}
	l, ok := s.limits[key]
	if !ok {
		return most
	}
	for at := l.at; l.rows < most && now.Sub(at) >= growAfter; at = at.Add(growAfter) {
		l.rows *= 2
	}
	if l.rows >= most {
		delete(s.limits, key)
		return most
	}
	return l.rows
}

// learn remembers that a call of this size went through after a larger one did not.
func (s *sizes) learn(w Write, rows int, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limits == nil {
		s.limits = map[sizeKey]limit{}
	}
	s.limits[sizeKey{w.Op, w.Object}] = limit{rows, now}
}
