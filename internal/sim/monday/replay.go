package monday

import (
	"net/http"
	"sync"
	"time"
)

// replays keeps the answers to mutations that carry an Idempotency-Key.
//
// https://developer.monday.com/api-reference/docs/idempotency
type replays struct {
	mu    sync.Mutex
	byKey map[string]*replay
	swept time.Time
}

// replay is the answer to one key; not done while its mutation is running.
type replay struct {
	answer answer
	at     time.Time
	done   bool
}

// replayLife is how long an answer is kept, maxReplay its maximum size.
const (
	replayLife = 30 * time.Minute
	maxReplay  = 1 << 20
)

// once runs f for a new key, and returns the first answer for a known one. Answers of throttled and failed calls are
// not kept.
func (r *replays) once(key string, now time.Time, f func() answer) answer {
	r.mu.Lock()
	r.sweep(now)
	known := r.byKey[key]
	if known == nil {
		r.byKey[key] = &replay{at: now}
		r.mu.Unlock()
		return r.first(key, f)
	}
	defer r.mu.Unlock()
	if !known.done {
		a := refused(http.StatusConflict, &apiError{
			message: "A request with this idempotency key is currently being processed", code: "IDEMPOTENCY_CONFLICT",
		})
		a.retryAfter = "1"
		return a
	}
	a := known.answer
	a.replayed = true
	return a
}

func (r *replays) first(key string, f func() answer) (a answer) {
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if a.status != http.StatusOK || len(a.body) > maxReplay {
			delete(r.byKey, key)
			return
		}
		r.byKey[key].answer, r.byKey[key].done = a, true
	}()
	return f()
}

// sweep drops old answers, once a minute.
func (r *replays) sweep(now time.Time) {
	if r.byKey == nil {
		r.byKey = map[string]*replay{}
	}
	if now.Sub(r.swept) < time.Minute {
		return
	}
	r.swept = now
	for key, known := range r.byKey {
		if known.done && now.Sub(known.at) >= replayLife {
			delete(r.byKey, key)
		}
	}
}
