package app

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestOnFirstUse: what the dashboard does in the background starts with the first request, and once.
func TestOnFirstUse(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err    error
		status int
	}{
		"starts": {nil, http.StatusTeapot},
		"fails":  {errors.New("broken"), http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			starts := 0
			h := onFirstUse(func() error { starts++; return tt.err },
				http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
			if starts != 0 {
				t.Error("started before the first request")
			}
			for range 3 {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/jobs/", nil))
				if w.Code != tt.status {
					t.Errorf("status %d, want %d", w.Code, tt.status)
				}
			}
			if starts != 1 {
				t.Errorf("started %d times", starts)
			}
		})
	}
}
