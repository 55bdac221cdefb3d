package mondayclient

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"crmsync/mondayclient/column"
)

// maxUsers is how many users are asked for at once.
const maxUsers = 200

const usersDocument = `query ($ids: [ID!], $limit: Int) {
	users(ids: $ids, limit: $limit) { id email }
	complexity { after }
}`

// UserEmails reads the e-mail addresses of users, 200 to a call. Users that are no longer active, and those that
// Monday does not know, are absent.
//
// https://developer.monday.com/api-reference/reference/users
func (c *Client) UserEmails(ctx context.Context, ids []int64) (map[int64]string, error) {
	emails := make(map[int64]string, len(ids))
	for group := range slices.Chunk(ids, maxUsers) {
		start := time.Now()
		found, err := c.readUsers(ctx, group)
		c.observe("users", start, len(found), failed(err, len(group)), err)
		if err != nil {
			return nil, fmt.Errorf("reading %d users: %w", len(group), err)
		}
		for _, u := range found {
			emails[int64(u.ID)] = u.Email
		}
	}
	return emails, nil
}

type user struct {
	ID    column.ID `json:"id"`
	Email string    `json:"email"`
}

func (c *Client) readUsers(ctx context.Context, ids []int64) ([]user, error) {
	var data struct {
		Users []user `json:"users"`
	}
	failures, err := c.run(ctx, &call{scopes: []string{"users"}}, usersDocument, map[string]any{"ids": texts(ids), "limit": len(ids)}, &data)
	if err != nil {
		return nil, err
	}
	for _, f := range failures {
		if f.field() != "complexity" {
			return nil, f.err
		}
	}
	if data.Users == nil {
		return nil, &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	return data.Users, nil
}
