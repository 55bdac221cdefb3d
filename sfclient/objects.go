package sfclient

import (
	"context"
	"encoding/json"
	"net/http"
)

// ObjectNames lists the objects that are visible to the run-as user, in one call.
//
// https://developer.salesforce.com/docs/platform/api-rest/guide/resources-describeglobal.html
func (c *Client) ObjectNames(ctx context.Context) (names []string, err error) {
	err = c.do(ctx, call{operation: "objects", method: http.MethodGet, path: "sobjects"},
		func(a *answer) (int, int, error) {
			var list struct {
				Objects []struct {
					Name string `json:"name"`
				} `json:"sobjects"`
			}
			if err := json.Unmarshal(a.body, &list); err != nil {
				return 0, 0, err
			}
			for _, o := range list.Objects {
				names = append(names, o.Name)
			}
			return 0, 0, nil
		})
	return names, while(err, "listing objects")
}
