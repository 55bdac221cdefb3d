package feed

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/mondayclient"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/reserve"
)

const contacts = 1002 // board

// world is a feed between a simulated org and a store, with the items for which it has rung.
type world struct {
	*Feed
	t          *testing.T
	db         *pgxpool.Pool
	org        *sfsim.Sim
	salesforce *sfclient.Client
	registry   *prometheus.Registry
	ring       error         // the result of queueing
	ahead      time.Duration // of the org's clock
}

func setup(t *testing.T, sources ...*source) *world {
	t.Helper()
	if sources == nil {
		sources = []*source{contactSource("Email", "Phone")}
	}
	w := &world{t: t, db: schematest.New(t)}
	w.org = sfsim.New(sfsim.Config{Now: func() time.Time { return time.Now().Add(w.ahead) }})
	server := httptest.NewServer(w.org)
	t.Cleanup(server.Close)
	var err error
	w.salesforce, err = sfclient.New(sfclient.Config{LoginURL: server.URL, ClientID: "a", ClientSecret: "b"})
	if err != nil {
		t.Fatal(err)
	}
	w.exec("CREATE TABLE rung (item_id bigint)")
	w.Feed = w.feed(sources...)
	return w
}

// feed returns another feed of the same world, as in another process.
func (w *world) feed(sources ...*source) *Feed {
	w.registry = prometheus.NewRegistry()
	f := New(Config{
		Mapping: &mapping.Mapping{}, Store: store.New(w.db), Salesforce: w.salesforce,
		Reserve: &reserve.Reserve{
			Usage: w.salesforce.Usage, Budget: func() mondayclient.Budget { return mondayclient.Budget{} }, Salesforce: 15, Now: time.Now,
		},
		Poll: time.Hour,
		Ring: func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error {
			for _, item := range items {
				if _, err := tx.Exec(ctx, "INSERT INTO rung VALUES ($1)", item.ItemID); err != nil {
					return err
				}
			}
			return w.ring
		},
		Backlog:    func(context.Context, int) (int, error) { return 0, nil },
		Registerer: w.registry, Log: slog.New(slog.DiscardHandler),
	})
	for _, s := range sources {
		f.sources[s.object] = s
	}
	return f
}

func contactSource(fields ...string) *source {
	return &source{object: "Contact", fields: fields, ways: []store.FeedWay{{BoardID: contacts, Record: "contact", Fields: fields}}}
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	schematest.Exec(w.t, w.db, query, args...)
}

// link creates an item with a record, with the values that both sides agreed on.
func (w *world) link(item int64, values map[string]any) (id string) {
	w.t.Helper()
	fields := map[string]any{"LastName": "L"}
	for field, value := range values {
		fields[field] = value
	}
	id = w.org.Insert("Contact", fields)
	w.agree(item, id, values)
	return id
}

func (w *world) agree(item int64, id string, values map[string]any) {
	w.t.Helper()
	written, err := json.Marshal(values)
	if err != nil {
		w.t.Fatal(err)
	}
	w.exec("INSERT INTO items (item_id, board_id, known) VALUES ($1, $2, true) ON CONFLICT DO NOTHING", item, contacts)
	w.exec(`INSERT INTO links (item_id, record, object, salesforce_id, written) VALUES ($1, 'contact', 'Contact', $2, $3)
		ON CONFLICT (item_id, record) DO UPDATE SET written = excluded.written`, item, id, string(written))
}

// poll makes everything of these tiers due, and lets the feed read it; without tiers: the first tier.
func (w *world) poll(named ...string) {
	w.t.Helper()
	if named == nil {
		named = []string{tiers[0].name}
	}
	w.exec("UPDATE feeds SET due_at = now() WHERE tier = ANY($1)", named)
	if _, err := w.Step(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

// later lets time pass by our clock.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.exec("UPDATE feeds SET newest_at = newest_at - $1::interval, complete_at = complete_at - $1::interval", d)
}

// rang returns the items for which the feed has rung since the last call, sorted.
func (w *world) rang() []int64 {
	w.t.Helper()
	rows, err := w.db.Query(w.t.Context(), "DELETE FROM rung RETURNING item_id")
	if err != nil {
		w.t.Fatal(err)
	}
	items, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		w.t.Fatal(err)
	}
	slices.Sort(items)
	return items
}

// expect checks for which items the feed has rung.
func (w *world) expect(what string, want ...int64) {
	w.t.Helper()
	if got := w.rang(); !slices.Equal(got, want) {
		w.t.Errorf("%s: rang for items %v, want %v", what, got, want)
	}
}

// counted returns the value of a counter.
func (w *world) counted(name string) (n int) {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if family.GetName() == name {
				n += int(metric.GetCounter().GetValue())
			}
		}
	}
	return n
}

// calls returns how many calls f makes to Salesforce.
func (w *world) calls(f func()) int {
	before := w.org.TotalCalls()
	f()
	return w.org.TotalCalls() - before
}
