package mondayclient_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
)

// TestWithGuard checks what the guard sees of a call, and that the caller gets what the call returned.
func TestWithGuard(t *testing.T) {
	t.Parallel()
	const refused = `{"errors":[{"message":"m","extensions":{"code":"UserUnauthorizedException"}}]}`
	items := func(boards ...int64) func(*mondayclient.Client) error {
		return func(c *mondayclient.Client) error {
			_, err := c.Items(mondayclient.OnBoards(t.Context(), boards...), []int64{1, 2}, []string{})
			return err
		}
	}
	write := func(c *mondayclient.Client) error {
		_, err := c.Write(t.Context(), []mondayclient.Write{{BoardID: 7, ItemID: 1}, {BoardID: 8, ItemID: 2}, {BoardID: 7, ItemID: 3}})
		return err
	}
	tests := map[string]struct {
		call    func(*mondayclient.Client) error
		answer  string
		refuses error
		scopes  []string
		sees    string // code that the guard sees; empty: success
		fails   bool
	}{
		"answered":                {call: items(7), answer: `{"data":{"items":[]}}`, scopes: []string{"board 7"}},
		"refused":                 {call: items(7, 8, 7), answer: refused, scopes: []string{"board 7", "board 8"}, sees: "UserUnauthorizedException", fails: true},
		"the part that was asked": {call: items(), answer: `{"data":{"items":null},"errors":[{"message":"m","path":["items"],"extensions":{"code":"UserUnauthorizedException"}}]}`, sees: "UserUnauthorizedException", fails: true},
		"one item of those":       {call: items(), answer: `{"data":{"items":[]},"errors":[{"message":"m","path":["items",0],"extensions":{"code":"UserUnauthorizedException"}}]}`, fails: true},
		"a write":                 {call: write, answer: refused, scopes: []string{"board 7", "board 8"}, sees: "UserUnauthorizedException", fails: true},
		"one write of those":      {call: write, answer: `{"data":{"a1":{"id":"2"},"a2":{"id":"3"}},"errors":[{"message":"m","path":["a0"],"extensions":{"code":"UserUnauthorizedException"}}]}`, scopes: []string{"board 7", "board 8"}},
		"not sent":                {call: items(), refuses: errors.New("away"), fails: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setup(t, says(tt.answer))
			var scopes []string
			sees := ""
			err := tt.call(m.client.WithGuard(func(given []string, call func() error) error {
				scopes = given
				if tt.refuses != nil {
					return tt.refuses
				}
				err := call()
				if failed, ok := errors.AsType[*mondayclient.Error](err); ok {
					sees = failed.Code
					if !failed.IsAccessDenied() {
						t.Errorf("%v is not access denied", err)
					}
				}
				return err
			}))
			if (err != nil) != tt.fails || tt.refuses != nil && !errors.Is(err, tt.refuses) {
				t.Errorf("error %v, want one: %v", err, tt.fails)
			}
			if diff := cmp.Diff(tt.scopes, scopes); diff != "" || sees != tt.sees {
				t.Errorf("the guard sees %q, want %q; scopes (-want +got):\n%s", sees, tt.sees, diff)
			}
			if sent := tt.refuses == nil; (len(m.asked) == 1) != sent || (len(m.seen) == 1) != sent {
				t.Errorf("%d calls, %d counted; sent: %v", len(m.asked), len(m.seen), sent)
			}
		})
	}
}
