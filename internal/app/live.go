package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"crmsync/internal/audit"
	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/mapping"
	"crmsync/sfclient"
)

// Live reads the structure of both systems.
type Live struct {
	Monday     *mondayclient.Client
	Salesforce *sfclient.Client
	used       atomic.Int64 // calls of Salesforce in 24 hours
	limit      atomic.Int64 // 0: unknown yet

	mondayReserve, salesforceReserve int // percentage of the daily calls that comparisons leave to live events
}

// NewLive creates the clients for which the configuration has settings.
func NewLive(c Config) (l *Live, err error) {
	l = &Live{mondayReserve: c.MondayReserve, salesforceReserve: c.SalesforceReserve}
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

// Check compares a mapping with both systems. What could not be read is a finding, too.
func (l *Live) Check(ctx context.Context, m *mapping.Mapping) (findings []audit.Finding, known audit.Live) {
	say := func(s audit.Severity, system, format string, args ...any) {
		findings = append(findings, audit.Finding{Severity: s, System: system, Message: fmt.Sprintf(format, args...)})
	}
	l.askMonday(ctx, m, &known, say)
	l.askSalesforce(ctx, m, &known, say)
	return append(findings, audit.Check(m, known)...), known
}

// say adds a finding without a place in the mapping.
type say func(s audit.Severity, system, format string, args ...any)

func (l *Live) askMonday(ctx context.Context, m *mapping.Mapping, known *audit.Live, say say) {
	var err error
	if known.Boards, err = l.Boards(ctx, m); err != nil {
		say(audit.Error, audit.Monday, "nothing was checked: %v", err)
		return
	}
	if len(known.Boards) < len(m.Boards) {
		if known.Known, err = l.Monday.BoardNames(ctx); err != nil {
			say(audit.Note, audit.Monday, "the existing boards could not be listed: %v", err)
		}
	}
	if len(known.Boards) == 0 {
		return
	}
	if who, err := l.Monday.WhoAmI(ctx); err == nil { // otherwise the calls of a day stay unknown
		known.MondayCalls = who.DailyLimit * (100 - l.mondayReserve) / 100
	}
	if known.Webhooks, err = l.webhooks(ctx, m, known.Boards); err != nil {
		say(audit.Warning, audit.Monday, "webhooks were not checked: %v", err)
	} else {
		say(audit.Note, audit.Monday, "it does not reveal the URLs of webhooks: only their events were checked")
	}
	if known.Timed, err = l.timedColumns(ctx, m, known.Boards); err != nil {
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
			say(audit.Note, audit.Salesforce, "the existing objects could not be listed: %v", err)
		}
	}
	if known.Users, err = l.users(ctx, m); err != nil {
		say(audit.Warning, audit.Salesforce, "the users that the mapping names were not checked: %v", err)
	}
	if limit := l.limit.Load(); limit > 0 {
		known.SalesforceCalls = int(limit) * (100 - l.salesforceReserve) / 100
		left, severity := limit-l.used.Load(), audit.Note
		if left*10 < limit {
			severity = audit.Warning
		}
		say(severity, audit.Salesforce, "%d of %d API calls of 24 hours are left", left, limit)
	}
}

// timedColumns returns the date columns that contain dates with a time. It only matters if the mapping has no time
// zone.
func (l *Live) timedColumns(ctx context.Context, m *mapping.Mapping, boards boards) (map[int64][]string, error) {
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

// users returns the existing users that the mapping names, and whether they are active.
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

// boards maps ids to boards.
type boards = map[int64]mondayclient.Board

// Boards returns the mapping's boards that Monday shows.
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

// webhooks returns the webhooks of the existing boards.
func (l *Live) webhooks(ctx context.Context, m *mapping.Mapping,
	boards boards) (map[int64][]mondayclient.Webhook, error) {
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

// objects returns the mapping's objects that the run-as user can see.
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

// Object describes an object, or returns nil if it does not exist or the integration user may not see it.
func (l *Live) Object(ctx context.Context, name string) (*sfclient.Object, error) {
	object, err := l.Salesforce.Describe(ctx, name)
	if e, ok := errors.AsType[*sfclient.Error](err); ok && e.IsObjectDenied() {
		return nil, nil
	}
	return object, err
}
