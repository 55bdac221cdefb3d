package sfclient

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	const org, user = "00D5f000000SimOEAS", "0055f0000000001AAA"
	tests := map[string]struct {
		id     string // in the answer to the login
		query  string // expected
		status int
		body   string
		want   Identity
		class  Class // of the error; 0: none
	}{
		"known": {
			"https://login.salesforce.com/id/" + org + "/" + user, "SELECT Username FROM User WHERE Id = '" + user + "'", 200,
			`{"done":true,"records":[{"Username":"sync@acme.example"}]}`,
			Identity{OrgID: org, UserID: user, Username: "sync@acme.example", Used: 18, Limit: 5000}, 0,
		},
		"users are not readable": {
			"https://login.salesforce.com/id/" + org + "/" + user, "SELECT Username FROM User WHERE Id = '" + user + "'", 400,
			`[{"errorCode":"INVALID_TYPE"}]`, Identity{OrgID: org, UserID: user, Used: 18, Limit: 5000}, 0,
		},
		"login without identity": {
			"", "SELECT Username FROM User WHERE Id = ''", 200, `{"done":true,"records":[]}`, Identity{Used: 18, Limit: 5000}, 0,
		},
		"version gone": {
			"", "SELECT Username FROM User WHERE Id = ''", 410, `[{"errorCode":"UNSUPPORTED_API_VERSION"}]`, Identity{}, Outage,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					reply(w, 200, `{"access_token":"s","instance_url":"http://`+r.Host+`","id":"`+tt.id+`"}`)
					return
				}
				if got := r.FormValue("q"); got != tt.query {
					t.Errorf("query %s, want %s", got, tt.query)
				}
				w.Header().Set("Sforce-Limit-Info", "api-usage=18/5000")
				reply(w, tt.status, tt.body)
			}))
			t.Cleanup(server.Close)
			c, err := New(Config{LoginURL: server.URL, ClientID: "c", ClientSecret: "s"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.WhoAmI(t.Context())
			if tt.class != 0 {
				if e := asError(t, err); e.Class() != tt.class || e.Advice() == "" {
					t.Errorf("error = %v, class %v, advice %q", e, e.Class(), e.Advice())
				}
				return
			}
			tt.want.Host = server.Listener.Addr().String()
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
		})
	}
}
