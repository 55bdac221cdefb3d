package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"crmsync/internal/stage"
)

// latency is how long each call takes in either system.
type latency struct{ monday, salesforce time.Duration }

func (l latency) String() string {
	if l.monday == l.salesforce {
		return fmt.Sprintf("%s a call", l.monday)
	}
	return fmt.Sprintf("%s a call to Monday, %s to Salesforce", l.monday, l.salesforce)
}

// set gives the calls of a stage this latency.
func (l latency) set(y *stage.Stage) {
	y.Monday.SetLatency(l.monday)
	y.Salesforce.SetLatency(l.salesforce)
}

// takes is how long so many calls take one after the other.
func (l latency) takes(monday, salesforce float64) time.Duration {
	return time.Duration(monday*float64(l.monday) + salesforce*float64(l.salesforce))
}

// callLog records when each call to a stage's systems began and ended.
type callLog struct {
	mu    sync.Mutex
	calls []sentCall
}

type sentCall struct {
	system     string
	began, end time.Time
	what       string
}

// logCalls puts a log in front of the systems of a stage.
func logCalls(y *stage.Stage) (*callLog, error) {
	l := &callLog{}
	monday, err := y.Host(l.before(y.Monday, "Monday"))
	if err != nil {
		return nil, fmt.Errorf("serving Monday: %w", err)
	}
	salesforce, err := y.Host(l.before(y.Salesforce, "Salesforce"))
	if err != nil {
		return nil, fmt.Errorf("serving Salesforce: %w", err)
	}
	y.Env["MONDAY_API_URL"], y.Env["SALESFORCE_LOGIN_URL"] = monday+"/v2", salesforce
	return l, nil
}

// before logs the calls of a system before it.
func (l *callLog) before(system http.Handler, name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		defer func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.calls = append(l.calls, sentCall{name, began, time.Now(), r.Method + " " + r.URL.Path})
		}()
		system.ServeHTTP(w, r)
	})
}

// idle returns the share of the time between the first call and the end of the last in which no call was under way: the
// time lost by a program that makes no calls while it computes or waits for Postgres.
func (l *callLog) idle() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.calls, func(a, b sentCall) int { return a.began.Compare(b.began) })
	var none time.Duration
	var until time.Time
	for n, c := range l.calls {
		if n > 0 && c.began.After(until) {
			none += c.began.Sub(until)
		}
		if c.end.After(until) {
			until = c.end
		}
	}
	if len(l.calls) == 0 || !until.After(l.calls[0].began) {
		return 0
	}
	return none.Seconds() / until.Sub(l.calls[0].began).Seconds()
}

// keepCalls stores the times of all calls with the profiles, if they are wanted.
func (s *testbed) keepCalls(l *callLog, name string) error {
	if s.profile == "" {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	slices.SortFunc(l.calls, func(a, b sentCall) int { return a.began.Compare(b.began) })
	var text strings.Builder
	for _, c := range l.calls {
		first := l.calls[0].began
		fmt.Fprintf(&text, "%9.1f %9.1f ms  %-10s %s\n", millisOf(c.began.Sub(first)), millisOf(c.end.Sub(first)), c.system,
			c.what)
	}
	return os.WriteFile(filepath.Join(s.profile, name+".calls"), []byte(text.String()), 0o600)
}

func millisOf(d time.Duration) float64 { return d.Seconds() * 1000 }
