package sfclient

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestWithGuard checks what the guard sees of a call, and that the caller gets what the call returned.
func TestWithGuard(t *testing.T) {
	t.Parallel()
	records := []Record{{"LastName": "Lovelace"}}
	create := func(c *Client) error {
		_, err := c.Create(t.Context(), "Contact", records, WriteOptions{})
		return err
	}
	update := func(c *Client) error {
		_, err := c.Update(t.Context(), "Contact", records, WriteOptions{})
		return err
	}
	upsert := func(c *Client) error {
		_, err := c.Upsert(t.Context(), "Contact", "Key__c", []Record{{"LastName": "Lovelace", "Key__c": "1"}}, WriteOptions{})
		return err
	}
	const full = `[{"success":false,"errors":[{"statusCode":"STORAGE_LIMIT_EXCEEDED","message":"m","fields":[]}]}]`
	tests := map[string]struct {
		call    func(*Client) error
		status  int
		answer  string
		refuses error
		scopes  []string
		sees    string // code that the guard sees; empty: success
		fails   bool
	}{
		"answered":              {call: update, status: 200, answer: `[{"success":true,"id":"003000000000001AAA","errors":[]}]`},
		"refused":               {call: update, status: 400, answer: `[{"errorCode":"BAD","message":"m"}]`, sees: "BAD", fails: true},
		"no storage for a row":  {call: create, status: 200, answer: full, scopes: creation, sees: codeStorage},
		"no storage for a call": {call: create, status: 400, answer: `[{"errorCode":"STORAGE_LIMIT_EXCEEDED","message":"m"}]`, scopes: creation, sees: codeStorage, fails: true},
		"nothing new":           {call: upsert, status: 200, answer: `[{"id":"003000000000001AAA","success":true,"errors":[],"created":false}]`, scopes: creation, sees: "unsaid"},
		"one that is new":       {call: upsert, status: 200, answer: `[{"id":"003000000000001AAA","success":true,"errors":[],"created":true}]`, scopes: creation},
		"created":               {call: create, status: 200, answer: `[{"id":"003000000000001AAA","success":true,"errors":[]}]`, scopes: creation},
		"refused alone":         {call: create, status: 200, answer: `[{"success":false,"errors":[{"statusCode":"BAD","message":"m","fields":[]}]}]`, scopes: creation, sees: "unsaid"},
		"not sent":              {call: update, refuses: errors.New("away"), fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			b := setup(t, func(c *Config) {
				c.Observe = func(operation, _ string, _ time.Duration, _, _ int) {
					if operation != "token" {
						calls++
					}
				}
			})
			b.answers("/services/data/", tt.status, tt.answer)
			var scopes []string
			sees := ""
			err := tt.call(b.WithGuard(func(given []string, call func() error) error {
				scopes = given
				if tt.refuses != nil {
					return tt.refuses
				}
				err := call()
				var failed *Error
				if errors.As(err, &failed) {
					sees = failed.Code
				} else if errors.Is(err, errNothingCreated) {
					sees = "unsaid"
				}
				return err
			}))
			if (err != nil) != tt.fails || tt.refuses != nil && !errors.Is(err, tt.refuses) {
				t.Errorf("error = %v, want an error: %v", err, tt.fails)
			}
			if diff := cmp.Diff(tt.scopes, scopes); diff != "" || sees != tt.sees {
				t.Errorf("the guard sees %q, want %q; scopes (-want +got):\n%s", sees, tt.sees, diff)
			}
			if want := map[bool]int{true: 0, false: 1}[tt.refuses != nil]; calls != want {
				t.Errorf("%d calls were sent, want %d", calls, want)
			}
		})
	}
}
