package send

import (
	"sync"
	"time"

	"crmsync/sfclient"
)

// storageLongest is the longest wait between two attempts to create records while the org's storage is full. The first is
// storageWait; each one after it is twice as long.
const storageLongest = 5 * time.Minute

// storage holds back new records while the org has no room for them. The zero value knows of room.
type storage struct {
	mu      sync.Mutex
	wait    time.Duration // 0: there is room
	until   time.Time
	probing bool // a call is out that shows whether there is room again
}

// blocked is how long a call that may create records must not be made. When that time is over, one call goes out first.
func (s *storage) blocked(op Op, now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wait == 0 || op != Create && op != Upsert {
		return 0
	}
	if left := s.until.Sub(now); left > 0 {
		return left
	}
	s.probing, s.until = true, now.Add(s.wait) // the others wait for its answer, or for a while where none comes
	return 0
}

// learn takes what came of a row.
func (s *storage) learn(op Op, result sfclient.Result, now time.Time) {
	created := result.Created || result.Success && op == Create
	full := len(result.Errors) > 0 && result.Errors[0].Class() == sfclient.StorageFull
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case created:
		s.wait, s.probing = 0, false
	case full && (s.wait == 0 || s.probing): // not of a call that was out beside the one that found it
		s.wait = min(max(2*s.wait, storageWait), storageLongest)
		s.until, s.probing = now.Add(s.wait), false
	}
}
