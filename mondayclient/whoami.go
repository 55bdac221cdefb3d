package mondayclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"crmsync/mondayclient/column"
)

const meDocument = `query { me { id account { slug } } complexity { after } }`

const whoAmIDocument = `query {
	me { id name account { id slug } }
	platform_api { daily_limit { total } daily_analytics { by_day { day usage } } }
	complexity { after }
}`

// Identity is the owner of a token, and how many calls the account has.
type Identity struct {
	UserID    int64
	User      string // name
	AccountID int64
	Account   string // the slug in the account's address https://slug.monday.com

	// DailyLimit is how many calls the account has in a day (UTC), and UsedToday how many of them Monday has counted. A
	// limit of 0 is unknown: not every token can see it.
	DailyLimit, UsedToday int
}

// WhoAmI asks for the owner of the token. It is one cheap call that succeeds whenever Monday accepts our login.
//
// https://developer.monday.com/api-reference/reference/me
// https://developer.monday.com/api-reference/reference/platform-api
func (c *Client) WhoAmI(ctx context.Context) (Identity, error) {
	start := time.Now()
	who, err := c.whoAmI(ctx)
	c.observe("me", start, 0, 0, err)
	if err != nil {
		return Identity{}, fmt.Errorf("asking who we are: %w", err)
	}
	return who, nil
}

func (c *Client) whoAmI(ctx context.Context) (Identity, error) {
	var data whoAmIReply
	failures, err := c.run(ctx, &call{}, whoAmIDocument, nil, &data)
	if e, ok := errors.AsType[*Error](err); ok && e.class() == other && e.Status == http.StatusOK {
		// Older versions of the API lack some of these fields.
		failures, err = c.run(ctx, &call{}, meDocument, nil, &data)
	}
	if err != nil {
		return Identity{}, err
	}
	for _, f := range failures {
		if name := f.field(); name != "complexity" && name != "platform_api" {
			return Identity{}, f.err
		}
	}
	if data.Me == nil || data.Me.ID <= 0 {
		return Identity{}, &Error{Status: http.StatusOK, Code: codeUnexpected}
	}
	who := Identity{
		UserID: int64(data.Me.ID), User: data.Me.Name, AccountID: int64(data.Me.Account.ID), Account: data.Me.Account.Slug,
	}
	now := time.Now()
	who.DailyLimit, who.UsedToday = callsOf(data.PlatformAPI, now.UTC())
	c.tracker.know(who.DailyLimit, who.UsedToday, now)
	return who, nil
}

type whoAmIReply struct {
	Me *struct {
		ID      column.ID `json:"id"`
		Name    string    `json:"name"`
		Account struct {
			ID   column.ID `json:"id"`
			Slug string    `json:"slug"`
		} `json:"account"`
	} `json:"me"`
	PlatformAPI json.RawMessage `json:"platform_api"`
}

// callsOf returns the day's limit of calls and how many of them are used. What cannot be read is 0.
func callsOf(raw json.RawMessage, now time.Time) (limit, used int) {
	var platform struct {
		DailyLimit struct {
			Total int `json:"total"`
		} `json:"daily_limit"`
		DailyAnalytics struct {
			ByDay []struct {
				Day   string `json:"day"`
				Usage int    `json:"usage"`
			} `json:"by_day"`
		} `json:"daily_analytics"`
	}
	if json.Unmarshal(raw, &platform) != nil {
		return 0, 0
	}
	for _, d := range platform.DailyAnalytics.ByDay {
		if strings.HasPrefix(d.Day, now.Format(time.DateOnly)) {
			used = d.Usage
		}
	}
	return platform.DailyLimit.Total, used
}
