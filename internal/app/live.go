package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// Live asks both systems what they are made of.
type Live struct {
	Monday     *mondayclient.Client
	Salesforce *sfclient.Client
	used       atomic.Int64 // of Salesforce's calls of 24 hours
	limit      atomic.Int64 // 0: not told yet
}

// NewLive makes the clients that the configuration has settings for.
func NewLive(c Config) (l *Live, err error) {
	l = &Live{}
	if c.MondayToken != "" {
		l.Monday, err = mondayclient.New(mondayclient.Config{
			URL: c.MondayURL, Token: c.MondayToken, Version: c.MondayVersion,
		})
		if err != nil {
			return nil, err
		}
	}
	if c.SalesforceLogin != "" {
		l.Salesforce, err = sfclient.New(sfclient.Config{
			LoginURL: c.SalesforceLogin, ClientID: c.SalesforceClientID, ClientSecret: c.SalesforceSecret,
			Username: c.SalesforceUser, PrivateKey: c.SalesforcePrivateKey,
			APIVersion: c.SalesforceVersion, InstanceHosts: c.SalesforceHosts,
			Usage: func(used, limit int) { l.used.Store(int64(used)); l.limit.Store(int64(limit)) },
		})
	}
	return l, err
}

// Check holds a mapping against both systems. What could not be asked is a finding too.
func (l *Live) Check(ctx context.Context, m *mapping.Mapping) (findings []audit.Finding, known audit.Live) {
	say := func(s audit.Severity, system, format string, args ...any) {
		findings = append(findings, audit.Finding{Severity: s, System: system, Message: fmt.Sprintf(format, args...)})
	}
	l.askMonday(ctx, m, &known, say)
	l.askSalesforce(ctx, m, &known, say)
	return append(findings, audit.Check(m, known)...), known
}

// say makes a finding that has no place in the mapping.
type say func(s audit.Severity, system, format string, args ...any)

func (l *Live) askMonday(ctx context.Context, m *mapping.Mapping, known *audit.Live, say say) {
	var err error
	if known.Boards, err = l.Boards(ctx, m); err != nil {
		say(audit.Error, audit.Monday, "nothing was checked: %v", err)
		return
	}
	if len(known.Boards) < len(m.Boards) {
		if known.Known, err = l.Monday.BoardNames(ctx); err != nil {
			say(audit.Note, audit.Monday, "the boards that exist could not be listed: %v", err)
		}
	}
	if len(known.Boards) == 0 {
		return
	}
	if known.Webhooks, err = l.webhooks(ctx, m, known.Boards); err != nil {
		say(audit.Warning, audit.Monday, "webhooks were not checked: %v", err)
	} else {
		say(audit.Note, audit.Monday, "the address that a webhook delivers to cannot be read: only its event was checked")
	}
	if known.Timed, err = l.timed(ctx, m, known.Boards); err != nil {
		say(audit.Warning, audit.Monday, "whether dates have a time was not checked: %v", err)
	}
}

func (l *Live) askSalesforce(ctx context.Context, m *mapping.Mapping, known *audit.Live, say say) {
	var err error
	if known.Objects, err = l.objects(ctx, m); err != nil {
		say(audit.Error, audit.Salesforce, "nothing was checked: %v", err)
		return
	}
	if slices.Contains(slices.Collect(maps.Values(known.Objects)), nil) {
		if known.Others, err = l.Salesforce.ObjectNames(ctx); err != nil {
			say(audit.Note, audit.Salesforce, "the objects that exist could not be listed: %v", err)
		}
	}
	if known.Users, err = l.users(ctx, m); err != nil {
		say(audit.Warning, audit.Salesforce, "the users that the mapping names were not checked: %v", err)
	}
	if limit := l.limit.Load(); limit > 0 {
		left, severity := limit-l.used.Load(), audit.Note
		if left*10 < limit {
			severity = audit.Warning
		}
		say(severity, audit.Salesforce, "%d of %d API calls of 24 hours are left", left, limit)
	}
}

// timed are the date columns in which dates with a time are seen, where it matters: without a time zone in the mapping.
func (l *Live) timed(ctx context.Context, m *mapping.Mapping, boards boards) (map[int64][]string, error) {
	timed := map[int64][]string{}
	for _, b := range m.Boards {
		var dates []string
		for _, c := range boards[b.ID].Columns {
			if c.Type == column.Date && slices.Contains(b.Columns, c.ID) {
				dates = append(dates, c.ID)
			}
		}
		if m.TimeZone != nil || len(dates) == 0 {
			continue
		}
		found, err := l.Monday.DatesWithTime(ctx, b.ID, dates)
		if err != nil {
			return nil, err
		}
		timed[b.ID] = found
	}
	return timed, nil
}

// users are those that the mapping names, as far as they exist: whether they are active.
func (l *Live) users(ctx context.Context, m *mapping.Mapping) (map[string]bool, error) {
	users := map[string]bool{}
	var quoted []string
	for _, id := range audit.UserIDs(m) {
		quoted = append(quoted, sfclient.Quote(id))
	}
	if len(quoted) == 0 {
		return users, nil
	}
	records, err := l.Salesforce.Select(ctx, "SELECT Id, IsActive FROM User WHERE Id IN ("+strings.Join(quoted, ", ")+")")
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		id, _ := r["Id"].(string)
		if whole, ok := sfclient.ID18(id); ok {
			users[whole], _ = r["IsActive"].(bool)
		}
	}
	return users, nil
}

// boards are boards by id.
type boards = map[int64]mondayclient.Board

// Boards are those of the mapping that Monday shows.
func (l *Live) Boards(ctx context.Context, m *mapping.Mapping) (map[int64]mondayclient.Board, error) {
	var ids []int64
	for _, b := range m.Boards {
		ids = append(ids, b.ID)
	}
	found, err := l.Monday.Boards(ctx, ids)
	if err != nil {
		return nil, err
	}
	boards := map[int64]mondayclient.Board{}
	for _, b := range found {
		boards[b.ID] = b
	}
	return boards, nil
}

// webhooks are those of the boards that exist.
func (l *Live) webhooks(ctx context.Context, m *mapping.Mapping, boards boards) (map[int64][]mondayclient.Webhook, error) {
	hooks := map[int64][]mondayclient.Webhook{}
	for _, b := range m.Boards {
		if _, ok := boards[b.ID]; !ok {
			continue
		}
		found, err := l.Monday.Webhooks(ctx, b.ID)
		if err != nil {
			return nil, err
		}
		hooks[b.ID] = found
	}
	return hooks, nil
}

// objects are those of the mapping that the run-as user sees.
func (l *Live) objects(ctx context.Context, m *mapping.Mapping) (map[string]*sfclient.Object, error) {
	objects := map[string]*sfclient.Object{}
	for _, b := range m.Boards {
		for _, r := range b.Records {
			if _, asked := objects[r.Object]; asked {
				continue
			}
			object, err := l.Object(ctx, r.Object)
			if err != nil {
				return nil, err
			}
			objects[r.Object] = object
		}
	}
	return objects, nil
}

// Object describes an object; nil: there is none.
func (l *Live) Object(ctx context.Context, name string) (*sfclient.Object, error) {
	object, err := l.Salesforce.Describe(ctx, name)
	if e, ok := errors.AsType[*sfclient.Error](err); ok && e.Status == http.StatusNotFound {
		return nil, nil
	}
	return object, err
}
