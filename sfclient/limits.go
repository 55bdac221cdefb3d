package sfclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Limit is the org's allowance of something, and how much of it is left.
type Limit struct {
	Max       int
	Remaining int
}

// Limits returns the org's limits by name; "DailyApiRequests" are the calls in the rolling 24 hours. The
// run-as user needs the permission "View Setup and Configuration".
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-limits.html
func (c *Client) Limits(ctx context.Context) (limits map[string]Limit, err error) {
	err = c.do(ctx, call{operation: "limits", method: http.MethodGet, path: "limits"}, func(a *answer) (int, int, error) {
		return 0, 0, json.Unmarshal(a.body, &limits)
	})
	return limits, while(err, "reading limits")
}

// Identity is who is logged in, and where. Unknown fields are empty.
type Identity struct {
	Host     string // host of the instance that receives the calls
	OrgID    string
	UserID   string
	Username string
	Used     int // API calls in the rolling 24 hours, by all clients of the org
	Limit    int // maximum of Used; 0: unknown
}

// UserID returns the Id of the user of the current session, without a call. It is empty before the first login.
func (c *Client) UserID() string {
	if session := c.tokens.held(); session != nil {
		return session.user
	}
	return ""
}

// WhoAmI logs in if necessary and makes one call with the session. Success shows that login, host, API
// version and quota are in order.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	session, err := c.tokens.get(ctx)
	if err != nil {
		return Identity{}, while(err, "finding out who is logged in")
	}
	who := Identity{}
	found, err := c.Select(ctx, "SELECT Username FROM User WHERE Id = "+Quote(session.user))
	if refused, ok := errors.AsType[*Error](err); ok && refused.Permanent() {
		err = nil // the user may lack access to users, but login, host, version and quota are in order
	}
	if err != nil {
		return Identity{}, while(err, "finding out who is logged in")
	}
	if len(found) == 1 {
		who.Username, _ = found[0]["Username"].(string)
	}
	if now := c.tokens.held(); now != nil {
		session = now
	}
	who.Host, who.OrgID, who.UserID = session.instance.Host, session.org, session.user
	if u := c.lastUsage.Load(); u != nil {
		who.Used, who.Limit = u.used, u.limit
	}
	return who, nil
}
