package app

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestGuesses: a thousand guesses at once get four answers a second, and each is counted; the right password is not slowed.
func TestGuesses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewRegistry()
		g := newGuesses(registry, slog.New(slog.DiscardHandler))
		s := &Service{Config: Config{AdminUser: "admin", AdminPassword: "a-password"}}
		h := s.newGuard(g).lets(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), true)
		try := func(password string) (status int, took time.Duration) {
			start, w, r := time.Now(), httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/jobs/", nil)
			r.SetBasicAuth("admin", password)
			h.ServeHTTP(w, r)
			return w.Code, time.Since(start)
		}
		codes := make(chan int, 1000)
		for range 1000 {
			go func() {
				code, _ := try("wrong")
				codes <- code
			}()
		}
		got := map[int]int{}
		for range 1000 {
			got[<-codes]++
		}
		if got[http.StatusUnauthorized] != guessesAtOnce || got[http.StatusTooManyRequests] != 1000-guessesAtOnce {
			t.Errorf("answers %v", got)
		}
		counted, err := registry.Gather()
		if err != nil || len(counted) != 1 || counted[0].GetMetric()[0].GetCounter().GetValue() != 1000 {
			t.Errorf("error %v, counted %v, want 1000", err, counted)
		}
		if _, took := try("wrong"); took != guessDelay {
			t.Errorf("a wrong password is answered after %s", took)
		}
		if code, took := try("a-password"); code != http.StatusOK || took != 0 {
			t.Errorf("the right password: %d after %s", code, took)
		}
	})
}
