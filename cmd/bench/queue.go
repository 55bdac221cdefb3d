package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"crmsync/internal/oracle"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/jobs"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// firstItem is the id of the first of the linked items; it exceeds 32 bits, like Monday's.
const firstItem int64 = 8_500_000_000

// empty empties the tables, and puts Postgres into the same state for each measurement. The connections are closed:
// Postgres would plan their prepared statements once for empty tables, and filling these took half a minute.
func (s *testbed) empty(ctx context.Context) error {
	defer s.DB.Reset()
	return s.exec(ctx, "TRUNCATE river_job, items, item_keys, links, sync_logs, error_logs, dead_letters, "+
		"migration_runs, migration_documents, feeds, hours, causes", "CHECKPOINT")
}

// linkAtOnce and queueAtOnce are how many items and events are written at a time.
const linkAtOnce, queueAtOnce = 1000, 5000

// link creates items of the contacts board that are linked to records, and stores what the engine would store.
func (s *testbed) link(ctx context.Context, items int) error {
	for n := len(s.linked); n < items; n++ {
		s.linked = append(s.linked, s.Salesforce.Insert("Contact", map[string]any{
			"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@example.org",
			sfsim.KeyField: fmt.Sprint(firstItem + int64(n)),
		}))
	}
	kept, holder := store.New(s.DB), uuid.New()
	for from := 0; from < items; from += linkAtOnce {
		var refs []ledger.Ref
		for n := from; n < min(from+linkAtOnce, items); n++ {
			refs = append(refs, ledger.Ref{BoardID: oracle.Contacts, ItemID: firstItem + int64(n)})
		}
		claimed, err := kept.Claim(ctx, holder, refs, time.Minute)
		if err != nil {
			return err
		}
		var c store.Commit
		for _, item := range claimed {
			describe(item, s.linked[item.ID-firstItem])
			c.Items = append(c.Items, store.ItemChange{Item: item, Changed: true})
			c.Links = append(c.Links, item.Links["contact"])
		}
		if lost, err := kept.Save(ctx, holder, c); err != nil || len(lost) > 0 || len(claimed) < len(refs) {
			return fmt.Errorf("linking items: %d of %d claimed, %d lost: %w", len(claimed), len(refs), len(lost), err)
		}
	}
	return nil
}

// describe makes an item completely known, with a record that agrees with it. A missing column would be read.
func describe(item *ledger.Item, record string) {
	at := time.Now().Add(-24 * time.Hour)
	item.Name, item.NameAt, item.Known = "Ada Lovelace", at, true
	item.Columns = map[string]ledger.Column{
		"email":           {Value: column.Value{Type: column.Email, Text: "ada@example.org"}, At: at.UnixMicro()},
		"connect_account": {Value: column.Value{Type: column.BoardRelation}, At: at.UnixMicro()},
		"text_sfid":       {Value: column.Value{Type: column.Text, Text: record}, At: at.UnixMicro()},
	}
	link := &ledger.Link{ItemID: item.ID, Record: "contact", Object: "Contact", SalesforceID: record,
		Origin: ledger.Created}
	for field, value := range map[string]any{
		"FirstName": "Ada", "LastName": "Lovelace", "Email": "ada@example.org", "AccountId": nil,
		sfsim.KeyField: fmt.Sprint(item.ID),
	} {
		link.Agree(field, value)
	}
	item.Links = map[string]*ledger.Link{"contact": link}
}

// stride is the distance between the items of consecutive events, so that neighbors in the queue are not neighbors in
// the tables. It is a prime number, so that every item gets events.
const stride = 1_000_003

// queue queues changes of the items' e-mail column, as ingest does.
func (s *testbed) queue(ctx context.Context, events, items int) error {
	client, err := river.NewClient(riverpgxv5.New(s.DB), &river.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return fmt.Errorf("preparing the queue: %w", err)
	}
	opts, began := &river.InsertOpts{MaxAttempts: 12}, time.Now()
	for from := 0; from < events; from += queueAtOnce {
		var params []river.InsertManyParams
		for n := from; n < min(from+queueAtOnce, events); n++ {
			params = append(params, river.InsertManyParams{Args: change(n, items, began), InsertOpts: opts})
		}
		if _, err := client.InsertManyFast(ctx, params); err != nil {
			return fmt.Errorf("queueing events: %w", err)
		}
	}
	return s.exec(ctx, "VACUUM ANALYZE", "CHECKPOINT")
}

// change returns the nth change of an e-mail column. Each is newer than the one before.
func change(n, items int, began time.Time) jobs.ColumnUpdateArgs {
	at := began.Add(-time.Hour).Add(time.Duration(n) * time.Millisecond)
	return jobs.ColumnUpdateArgs{
		Event: jobs.Event{
			Key: fmt.Sprint(n), Type: "update_column_value", BoardID: oracle.Contacts, ItemID: firstItem + int64(n*stride%items),
			TriggeredAt: began, ReceivedAt: began,
		},
		ColumnID: "email", ColumnType: "email", ChangedAt: float64(at.UnixMicro()) / 1e6,
		Value: fmt.Appendf(nil, `{"email":"ada%[1]d@example.org","text":"ada%[1]d@example.org","changed_at":%[2]q}`, n,
			at.UTC().Format("2006-01-02T15:04:05.000Z")),
	}
}

// stale counts the linked records that do not hold the value of the last queued event.
func (s *testbed) stale(events, items int) (stale int) {
	for item, event := range latest(events, items) {
		if s.Salesforce.Get("Contact", s.linked[item])["Email"] != fmt.Sprintf("ada%d@example.org", event) {
			stale++
		}
	}
	return stale
}

// latest returns the number of the last event of each item that has one.
func latest(events, items int) map[int]int {
	last := map[int]int{}
	for event := range events {
		last[event*stride%items] = event
	}
	return last
}

// until repeats a query until it returns true.
func (s *testbed) until(ctx context.Context, every time.Duration, question string, args ...any) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		var yes bool
		if err := s.DB.QueryRow(ctx, question, args...).Scan(&yes); err != nil {
			return errors.Join(context.Cause(ctx), err)
		}
		if yes {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

func (s *testbed) exec(ctx context.Context, statements ...string) error {
	for _, statement := range statements {
		if _, err := s.DB.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
