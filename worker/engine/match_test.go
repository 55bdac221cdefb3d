package engine

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/schema/ledger"
	"crmsync/sfclient"
)

// selecting is a Salesforce client that shows a test each query before it is sent.
type selecting struct {
	Salesforce
	before func(soql string) error
}

func (s selecting) Select(ctx context.Context, soql string) ([]sfclient.Record, error) {
	if err := s.before(soql); err != nil {
		return nil, err
	}
	return s.Salesforce.Select(ctx, soql)
}

func (s selecting) QueryEach(ctx context.Context, soqls []string) ([]sfclient.QueryResult, error) {
	results, err := s.Salesforce.QueryEach(ctx, soqls)
	for n := range results {
		if refused := s.before(soqls[n]); refused != nil {
			results[n] = sfclient.QueryResult{Err: refused}
		}
	}
	return results, err
}

func TestMatch(t *testing.T) {
	t.Parallel()
	address := "ada@example.org"
	tests := map[string]struct {
		there   []map[string]any // contacts, oldest first
		adopted int              // position of the one that is adopted; -1: a new one is created
		code    string
	}{
		"none":                     {adopted: -1},
		"one":                      {there: []map[string]any{{"Email": "ADA@example.org"}}},
		"one of another item":      {there: []map[string]any{{"Email": address, "Monday_Item_Id__c": "1"}}, adopted: -1},
		"its own and a free one":   {there: []map[string]any{{"Email": address}, {"Email": address, "Monday_Item_Id__c": "own"}}, adopted: 1},
		"several":                  {there: []map[string]any{{"Email": address}, {"Email": address}}, code: "MULTIPLE_MATCHES"},
		"one free, one of another": {there: []map[string]any{{"Email": address}, {"Email": address, "Monday_Item_Id__c": "1"}}, code: "MULTIPLE_MATCHES"},
		"two, both of other items": {there: []map[string]any{{"Email": address, "Monday_Item_Id__c": "1"}, {"Email": address, "Monday_Item_Id__c": "2"}}, adopted: -1},
		"another address":          {there: []map[string]any{{"Email": "bob@example.org"}}, adopted: -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			item := w.monday.CreateItem(people, "Ada King", map[string]any{"email": email(address)})
			var ids []string
			for n, fields := range tt.there {
				fields["LastName"] = fmt.Sprint("before ", n)
				if fields["Monday_Item_Id__c"] == "own" {
					fields["Monday_Item_Id__c"] = fmt.Sprint(item)
				}
				ids = append(ids, w.salesforce.Insert("Contact", fields))
			}
			_, errs := w.do(w.engine(), w.event(people, item, Event{Kind: Created, Name: "Ada King"}))
			if tt.code != "" {
				if got := codes(errs)[0]; got != " "+tt.code || len(w.salesforce.Records("Contact")) != len(ids) {
					t.Errorf("%d contacts, %q", len(w.salesforce.Records("Contact")), got)
				}
				return
			}
			if errs[0] != nil {
				t.Fatal(errs[0])
			}
			got := w.contact(item)
			if tt.adopted >= 0 && got["Id"] != ids[tt.adopted] || tt.adopted < 0 && len(w.salesforce.Records("Contact")) != len(ids)+1 {
				t.Errorf("linked to %v of %v", got["Id"], ids)
			}
			if got["LastName"] != "King" {
				t.Errorf("last name %v", got["LastName"])
			}
		})
	}
}

// TestMatchMeanwhile: somebody else takes a record between its look-up and the decision to adopt it.
func TestMatchMeanwhile(t *testing.T) {
	t.Parallel()
	type meanwhile = func(w *world, id string, item int64)
	lease := func(lasts string) meanwhile {
		return func(w *world, id string, _ int64) {
			w.exec("INSERT INTO leases VALUES ($1, gen_random_uuid(), now() + $2::interval) ON CONFLICT DO NOTHING", ledger.IDLease(id), lasts)
		}
	}
	link := func(record string) meanwhile { // of another item
		return func(w *world, id string, item int64) {
			w.exec("INSERT INTO items (board_id, item_id) VALUES ($1, $2)", people, item+1)
			w.exec("INSERT INTO links (item_id, record, object, salesforce_id) VALUES ($1, $2, 'X', $3)", item+1, record, id)
		}
	}
	document := func(answer string) meanwhile { // of two records, ours the second; items are given by the difference of their ids from ours
		return func(w *world, id string, item int64) {
			w.exec(`INSERT INTO migration_documents (key, board_id, records, creates, answer) SELECT 'k', 1002, ARRAY['x', $1], '[]', (
				SELECT jsonb_agg(CASE WHEN a ? 'id' THEN jsonb_build_object('id', (a->>'id')::bigint + $3) ELSE a END)
				FROM   jsonb_array_elements(nullif($2::jsonb, 'null')) a)`, id, answer, item)
		}
	}
	tests := map[string]struct {
		meanwhile meanwhile
		busy      bool
		adopted   bool
	}{
		"nothing":                      {meanwhile: func(*world, string, int64) {}, adopted: true},
		"leased":                       {meanwhile: lease("1 hour"), busy: true},
		"leased until a moment ago":    {meanwhile: lease("-1 hour"), adopted: true},
		"linked":                       {meanwhile: link("contact")},
		"linked as a shared record":    {meanwhile: link("account"), adopted: true},
		"its item is being created":    {meanwhile: document(`null`)},
		"its item was created":         {meanwhile: document(`[{"id": 1}, {"id": 2}]`)},
		"this item was created for it": {meanwhile: document(`[{"id": 1}, {"id": 0}]`), adopted: true},
		"its item was rejected":        {meanwhile: document(`[{"id": 1}, {"code": "X"}]`), adopted: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			item := w.monday.CreateItem(people, "Ada King", map[string]any{"email": email("ada@example.org")})
			id := w.salesforce.Insert("Contact", map[string]any{"LastName": "Byron", "Email": "ada@example.org"})
			e := w.engine(func(c *Config) {
				c.Salesforce = selecting{c.Salesforce, func(soql string) error {
					if strings.Contains(soql, "ada@example.org") {
						tt.meanwhile(w, id, item)
					}
					return nil
				}}
			})
			_, errs := w.do(e, w.event(people, item, Event{Kind: Created, Name: "Ada King"}))
			if busy := (*BusyError)(nil); errors.As(errs[0], &busy) != tt.busy || (errs[0] != nil) != tt.busy {
				t.Fatalf("error %v, busy: %v", errs[0], tt.busy)
			}
			if tt.busy {
				if n := len(w.salesforce.Records("Contact")); n != 1 {
					t.Errorf("%d contacts, want 1", n)
				}
				return
			}
			if got := w.contact(item)["Id"]; (got == id) != tt.adopted {
				t.Errorf("linked to %v; to %s: want %v", got, id, tt.adopted)
			}
		})
	}
}

// TestSharedOnce: many items with the same new value arrive at once, on several workers.
func TestSharedOnce(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.salesforce.SetLatency(time.Millisecond)
	engines := []*Engine{w.engine(), w.engine(), w.engine()}
	var wait sync.WaitGroup
	for n := range 30 {
		company := []string{"Acme", "ACME ", "Better"}[n%3]
		item := w.monday.CreateItem(people, fmt.Sprint("Ada ", n), map[string]any{"company": company})
		ev := w.event(people, item, Event{Kind: Created, Name: fmt.Sprint("Ada ", n)})
		wait.Go(func() { w.until(engines[n/3%3], ev) })
	}
	wait.Wait()
	if n := len(w.salesforce.Records("Account")); n != 2 {
		t.Errorf("%d accounts, want 2", n)
	}
	if n := ask[int](w, "SELECT count(*) FROM links WHERE record = 'account' AND salesforce_id IS NOT NULL"); n != 30 {
		t.Errorf("%d items are linked, want 30", n)
	}
	if n := ask[int](w, "SELECT count(*) FROM leases"); n != 0 {
		t.Errorf("%d leases are left", n)
	}
}

// TestSharedUnsure: the answer to the creation of a shared record is lost. Nobody creates it until Salesforce must
// have finished.
func TestSharedUnsure(t *testing.T) {
	t.Parallel()
	w := setup(t)
	e := w.engine()
	w.salesforce.OnCall(func(c sfsim.Call) *sfsim.Fault {
		if c.Operation == "create" {
			return &sfsim.Fault{Status: http.StatusServiceUnavailable, After: true}
		}
		return nil
	})
	first := w.monday.CreateItem(people, "Ada King", map[string]any{"company": "Acme"})
	second := w.monday.CreateItem(people, "Ada Byron", map[string]any{"company": "Acme"})
	events := []Event{w.event(people, first, Event{Kind: Created, Name: "Ada King"}), w.event(people, second, Event{Kind: Created, Name: "Ada Byron"})}
	for n, a := range w.batch(e, events...) {
		if !waits(a.err) {
			t.Errorf("event %d: %v, want it to come back", n, a.err)
		}
	}
	w.salesforce.OnCall(nil)
	var busy *BusyError
	if _, errs := w.do(e, events[0]); !errors.As(errs[0], &busy) {
		t.Errorf("the value is not leased: %v", errs[0])
	}
	w.exec("UPDATE leases SET lease_until = now() - interval '1 second'")
	w.must(e, events...)
	if n := len(w.salesforce.Records("Account")); n != 1 {
		t.Errorf("%d accounts, want 1", n)
	}
}

// TestRejectedQuery: Salesforce rejects a look-up. Only the items that need it fail.
func TestRejectedQuery(t *testing.T) {
	t.Parallel()
	w := setup(t)
	refusal := &sfclient.Error{Status: http.StatusBadRequest, Code: "MALFORMED_QUERY"}
	e := w.engine(func(c *Config) {
		c.Salesforce = selecting{c.Salesforce, func(soql string) error {
			if strings.Contains(soql, "xxx") {
				return refusal
			}
			return nil
		}}
	})
	first := w.monday.CreateItem(people, "Ada King", map[string]any{"company": strings.Repeat("x", 3000)})
	second := w.monday.CreateItem(people, "Ada Byron", map[string]any{"company": "Acme"})
	answers := w.batch(e, w.event(people, first, Event{Kind: Created, Name: "Ada King"}), w.event(people, second, Event{Kind: Created, Name: "Ada Byron"}))
	if !errors.Is(answers[0].err, refusal) || answers[1].err != nil {
		t.Errorf("errors %v and %v: want only the first", answers[0].err, answers[1].err)
	}
}

// TestWaitsSettle: an item and the one that it links to are created at the same time, on two workers. In any
// interleaving, the reference is filled in.
func TestWaitsSettle(t *testing.T) {
	t.Parallel()
	w := setup(t)
	a, b := w.engine(), w.engine()
	var items []int64
	for range 25 {
		company := w.monday.CreateItem(companies, "Acme", nil)
		item := w.monday.CreateItem(people, "Ada King", map[string]any{"connect_account": map[string]any{"item_ids": []int64{company}}})
		items = append(items, item)
		var wait sync.WaitGroup
		wait.Go(func() { w.until(a, w.event(companies, company, Event{Kind: Created, Name: "Acme"})) })
		wait.Go(func() { w.until(b, w.event(people, item, Event{Kind: Created, Name: "Ada King"})) })
		wait.Wait()
	}
	for _, again := range w.queued() {
		if again.Force {
			t.Errorf("a forced comparison of %v", again.Ref)
		}
		w.until(a, w.event(again.Ref.BoardID, again.Ref.ItemID, Event{Kind: Resync}))
	}
	for _, item := range items {
		if w.contact(item)["AccountId"] == nil {
			t.Errorf("item %d is not linked to its account", item)
		}
	}
	if n := ask[int](w, "SELECT count(*) FROM waits"); n != 0 {
		t.Errorf("%d waits are left", n)
	}
}
