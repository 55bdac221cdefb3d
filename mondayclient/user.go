package mondayclient

import (
	"context"
	"fmt"
	"slices"

	"crmsync/mondayclient/column"
)

// maxUsers is how many users one call reads.
const maxUsers = 200

const usersDocument = `query ($ids: [ID!], $limit: Int) {
	users(ids: $ids, limit: $limit) { id email }
	complexity { after }
}`

// UserEmails reads the e-mail addresses of users, 200 per call. Inactive and unknown users are absent.
//
// https://developer.monday.com/api-reference/reference/users
func (c *Client) UserEmails(ctx context.Context, ids []int64) (map[int64]string, error) {
	emails := make(map[int64]string, len(ids))
	for group := range slices.Chunk(ids, maxUsers) {
		var found usersReply
		err := c.ask(ctx, question{
			operation: "users", document: usersDocument, vars: map[string]any{"ids": texts(group), "limit": len(group)},
			scopes: []string{"users"}, asked: len(group),
		}, &found)
		if err != nil {
			return nil, fmt.Errorf("reading %d users: %w", len(group), err)
		}
		for _, u := range found.Users {
			emails[int64(u.ID)] = u.Email
		}
	}
	return emails, nil
}

type usersReply struct {
	Users []struct {
		ID    column.ID `json:"id"`
		Email string    `json:"email"`
	} `json:"users"`
}

func (r *usersReply) rows() (int, bool) { return len(r.Users), r.Users != nil }
