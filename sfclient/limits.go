package sfclient

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
)

// Limit is how much of something the org may use, and how much of it is left.
type Limit struct {
	Max       int
	Remaining int
}

// Limits reads the org's limits by name; "DailyApiRequests" are the calls of the rolling 24 hours. The run-as user
// needs the permission "View Setup and Configuration".
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-limits.html
func (c *Client) Limits(ctx context.Context) (limits map[string]Limit, err error) {
	err = c.do(ctx, call{operation: "limits", method: http.MethodGet, path: "limits"}, func(a *answer) (int, int, error) {
		return 0, 0, json.Unmarshal(a.body, &limits)
	})
	return limits, while(err, "reading limits")
}

// Identity is who is logged in, and where. What is unknown is empty.
type Identity struct {
	Host     string // of the instance that calls go to
	OrgID    string
	UserID   string
	Username string
	Used     int // API calls of the rolling 24 hours, by all of the org's clients
	Limit    int // the most of them; 0: unknown
}

// WhoAmI logs in, if need be, and makes one call with the session: it shows that login, host, API version and quota are
// in order.
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	session, err := c.tokens.get(ctx)
	if err != nil {
		return Identity{}, while(err, "asking who is logged in")
	}
	who := Identity{}
	found, err := c.Select(ctx, "SELECT Username FROM User WHERE Id = "+Quote(session.user))
	if refused, ok := errors.AsType[*Error](err); ok && refused.Permanent() {
		err = nil // the user may not read users, but login, host, version and quota were in order
	}
	if err != nil {
		return Identity{}, while(err, "asking who is logged in")
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
