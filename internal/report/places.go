package report

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"crmsync/mondayclient"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

const (
	namesFor      = time.Hour        // how long names of boards and columns are used
	namesAgain    = time.Minute      // when they are asked for again if they could not be read
	namesDeadline = 10 * time.Second // how long that may take
)

// Places knows the addresses of both systems, and the names of boards and columns. It reads them when they are first
// needed and about once an hour after that. It reads no values of items.
type Places struct {
	Mapping    *mapping.Mapping
	Monday     *mondayclient.Client
	Salesforce *sfclient.Client
	Now        func() time.Time

	mu    sync.Mutex
	names Names
	until time.Time
	users map[int64]string // e-mail addresses of Monday's users; empty: inactive or unknown
	since time.Time        // of users
}

// Names are the addresses of both systems, and the names of boards and columns. What is unknown is empty.
type Names struct {
	Self       int64  // our own user in Monday; 0: unknown
	Account    string // of Monday, as in https://account.monday.com
	Salesforce string // base URL
	Boards     map[int64]Board
}

// Board is a board's name, and the names of its columns by id.
type Board struct {
	Name    string
	Columns map[string]string
}

// Names returns what is known, reading it if necessary.
func (p *Places) Names(ctx context.Context) Names {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Now().Before(p.until) {
		return p.names
	}
	ctx, cancel := context.WithTimeout(ctx, namesDeadline)
	defer cancel()
	complete := p.readMonday(ctx) && p.readSalesforce(ctx)
	p.until = p.Now().Add(namesAgain)
	if complete {
		p.until = p.Now().Add(namesFor)
	}
	return p.names
}

func (p *Places) readMonday(ctx context.Context) bool {
	who, err := p.Monday.WhoAmI(ctx)
	if err != nil {
		return false
	}
	p.names.Account, p.names.Self = who.Account, who.UserID
	var ids []int64
	for _, b := range p.Mapping.Boards {
		ids = append(ids, b.ID)
	}
	found, err := p.Monday.Boards(ctx, ids)
	if err != nil {
		return false
	}
	boards := map[int64]Board{}
	for _, b := range found {
		columns := map[string]string{}
		for _, c := range b.Columns {
			columns[c.ID] = c.Title
		}
		boards[b.ID] = Board{b.Name, columns}
	}
	p.names.Boards = boards
	return true
}

func (p *Places) readSalesforce(ctx context.Context) bool {
	who, err := p.Salesforce.WhoAmI(ctx)
	if err != nil {
		return false
	}
	at := url.URL{Scheme: "https", Host: who.Host}
	if host, _, err := net.SplitHostPort(who.Host); err == nil && net.ParseIP(host).IsLoopback() {
		at.Scheme = "http" // a simulator
	}
	p.names.Salesforce = at.String()
	return true
}

// Users returns the e-mail addresses of Monday's users, as far as they can be read.
func (p *Places) Users(ctx context.Context, ids []int64) map[int64]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.Now(); p.users == nil || now.Sub(p.since) > namesFor {
		p.users, p.since = map[int64]string{}, now
	}
	var unknown []int64
	for _, id := range ids {
		if _, known := p.users[id]; !known && id != p.names.Self && !slices.Contains(unknown, id) {
			unknown = append(unknown, id)
		}
	}
	if len(unknown) == 0 {
		return maps.Clone(p.users)
	}
	ctx, cancel := context.WithTimeout(ctx, namesDeadline)
	defer cancel()
	if emails, err := p.Monday.UserEmails(ctx, unknown); err == nil {
		for _, id := range unknown {
			p.users[id] = emails[id]
		}
	}
	return maps.Clone(p.users)
}

// ItemURL returns the address of an item in Monday, or "".
func (n Names) ItemURL(board, item int64) string {
	if n.Account == "" || board == 0 {
		return ""
	}
	return fmt.Sprintf("https://%s.monday.com/boards/%d/pulses/%d", url.PathEscape(n.Account), board, item)
}

// RecordURL returns the address of a record in Salesforce, or "".
func (n Names) RecordURL(object, id string) string {
	if n.Salesforce == "" || id == "" {
		return ""
	}
	return n.Salesforce + "/lightning/r/" + url.PathEscape(object) + "/" + url.PathEscape(id) + "/view"
}

// Column returns the name of a column of a board: its title, or its id.
func (n Names) Column(board int64, id string) string {
	if id == "name" {
		return "Name"
	}
	if title := n.Boards[board].Columns[id]; title != "" {
		return title
	}
	return id
}
