package engine

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"crmsync/sfclient"
)

// userLife is how long the Salesforce user of a person is cached.
const userLife = 10 * time.Minute

// users maps Monday people to the active Salesforce users with the same email. Both are looked up in sets.
type users struct {
	monday     Monday
	salesforce Salesforce
	now        func() time.Time

	mu    sync.Mutex
	known map[int64]user
}

type user struct {
	id    string // empty: no user has the email
	until time.Time
}

func newUsers(monday Monday, salesforce Salesforce, now func() time.Time) *users {
	return &users{monday: monday, salesforce: salesforce, now: now, known: map[int64]user{}}
}

// find returns the Ids of people's users. It asks for those that are unknown or expired.
func (u *users) find(ctx context.Context, persons []int64) (map[int64]string, error) {
	found, unknown := u.recall(persons)
	if len(unknown) == 0 {
		return found, nil
	}
	emails, err := u.monday.UserEmails(ctx, unknown)
	if err != nil {
		return nil, fmt.Errorf("looking up Monday's users: %w", err)
	}
	ids, err := u.byEmail(ctx, slices.Sorted(maps.Values(emails)))
	if err != nil {
		return nil, fmt.Errorf("looking up Salesforce's users: %w", err)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, person := range unknown {
		id := ids[strings.ToLower(emails[person])]
		u.known[person] = user{id: id, until: u.now().Add(userLife)}
		found[person] = id
	}
	return found, nil
}

func (u *users) recall(persons []int64) (found map[int64]string, unknown []int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	found = make(map[int64]string, len(persons))
	for _, person := range persons {
		if known, ok := u.known[person]; ok && u.now().Before(known.until) {
			found[person] = known.id
		} else {
			unknown = append(unknown, person)
		}
	}
	return found, unknown
}

func (u *users) byEmail(ctx context.Context, emails []string) (map[string]string, error) {
	ids := map[string]string{}
	quoted := make([]string, 0, len(emails))
	for _, email := range slices.Compact(emails) {
		if email != "" {
			quoted = append(quoted, sfclient.Quote(email))
		}
	}
	for some := range slices.Chunk(quoted, 100) { // keeps the URL well below Salesforce's 16,384 bytes
		soql := "SELECT Id, Email FROM User WHERE IsActive = true AND Email IN (" + strings.Join(some, ", ") +
			") ORDER BY CreatedDate, Id"
		records, err := u.salesforce.Select(ctx, soql)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			email, _ := record["Email"].(string)
			id, _ := record["Id"].(string)
			if email = strings.ToLower(email); ids[email] == "" {
				ids[email] = id
			}
		}
	}
	return ids, nil
}
