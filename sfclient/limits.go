package sfclient

import (
	"context"
	"encoding/json"
	"net/http"
)

// Limit is how much of something the org may use, and how much of it is left.
type Limit struct {
	Max       int
	Remaining int
}

// Limits reads the org's limits by name; "DailyApiRequests" are the calls of the rolling 24 hours. The login's user
// needs the permission "View Setup and Configuration".
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-limits.html
func (c *Client) Limits(ctx context.Context) (limits map[string]Limit, err error) {
	err = c.do(ctx, call{operation: "limits", method: http.MethodGet, path: "limits"}, func(a *answer) (int, int, error) {
		return 0, 0, json.Unmarshal(a.body, &limits)
	})
	return limits, while(err, "reading limits")
}
