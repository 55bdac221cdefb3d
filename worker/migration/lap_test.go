package migration

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"crmsync/internal/panics"
	mondaysim "crmsync/internal/sim/monday"
	"crmsync/sfclient"
)

// documents is how many calls create a page's items.
const documents = pageSize / writeSize

// gated is a Salesforce whose updates pass a gate.
type gated struct {
	Salesforce
	gate func()
}

func (g gated) Update(ctx context.Context, object string, records []sfclient.Record,
	options sfclient.WriteOptions) ([]sfclient.Result, error) {
	g.gate()
	return g.Salesforce.Update(ctx, object, records, options)
}

// keepSecond calls then with the updates of the second page's records, once items of the third page are created.
func (w *world) keepSecond(then func()) {
	var creates, updates atomic.Int64
	third := make(chan struct{})
	var once sync.Once
	w.monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
		if strings.Contains(c.Operation, "create_item") && creates.Add(1) > 2*documents {
			once.Do(func() { close(third) })
		}
		return nil
	})
	w.config.Salesforce = gated{w.config.Salesforce, func() {
		if updates.Add(1) <= signsAtOnce {
			return
		}
		select {
		case <-third:
			then()
		case <-time.After(2 * time.Minute): // much longer than the page takes on a busy machine
			w.t.Error("the third page's items are not created while the second one's records are written")
		}
	}}
}

// TestPagesOverlap: a page's items are created while the records of the page before are written.
func TestPagesOverlap(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const records = 2*pageSize + writeSize
	w.plant(records)
	w.keepSecond(func() {})
	if done, err := w.work(1); err != nil || !done {
		t.Fatalf("done %t, error %v", done, err)
	}
	w.hasCreated(records)
}

// TestPageFails: if a page cannot be finished, the one that was begun after it is not finished either, and holds no
// leases. The next session creates no item again.
func TestPageFails(t *testing.T) {
	t.Parallel()
	w := setup(t)
	const records = 2*pageSize + writeSize
	w.plant(records)
	salesforce := w.config.Salesforce
	w.keepSecond(func() { panic("on demand") })
	done, err := w.work(1)
	if _, ok := errors.AsType[*panics.Error](err); !ok || done {
		t.Fatalf("done %t, error %v, want the panic", done, err)
	}
	if n := w.count("SELECT count(*) FROM items WHERE lease_until > now()") + w.count("SELECT count(*) FROM leases"); n != 0 {
		t.Errorf("%d leases are still held", n)
	}
	if n := w.count("SELECT count(*) FROM links"); n != pageSize {
		t.Errorf("%d records are linked, want the first page's", n)
	}
	w.config.Salesforce = salesforce
	if done, err := w.work(1); err != nil || !done {
		t.Fatalf("the next session: done %t, error %v", done, err)
	}
	w.hasCreated(records)
}

// hasCreated checks that each record has one item, and that all were created in full documents.
func (w *world) hasCreated(records int) {
	w.t.Helper()
	if n := w.count("SELECT count(*) FROM migration_runs WHERE state = 'done' AND created = $1", records); n != 1 {
		w.t.Errorf("the run has not created %d items", records)
	}
	if n := len(w.monday.Items(accountsBoard)); n != records {
		w.t.Errorf("%d items of %d records", n, records)
	}
	created := 0
	for operation, calls := range w.monday.Calls() {
		if strings.Contains(operation, "create_item") {
			created += calls
		}
	}
	if want := records / writeSize; created != want {
		w.t.Errorf("%d calls created items, want %d", created, want)
	}
	if n := w.count("SELECT count(*) FROM migration_documents"); n != 0 {
		w.t.Errorf("%d documents are left", n)
	}
}

// TestDependsOn: pages whose items are connected, or that have a record in common, go one after the other.
func TestDependsOn(t *testing.T) {
	t.Parallel()
	const connected = `
version: 1
boards:
  accounts:
    board: 1001
    migrate: { record: account }
    records:
      account:
        object: Account
        id_column: text_sfid
        fields: { Name: name, ParentId: { from: connect_account, link: accounts.account } }
`
	pageOf := func(ids ...int) *page {
		p := newPage(nil)
		for _, n := range ids {
			p.records = append(p.records, contact(n, nil))
		}
		return p
	}
	apart := &session{migration: migrationOf(t, contactsBoard)}
	within := &session{migration: parse(t, connected).Board(accountsBoard).Migration}
	for name, tt := range map[string]struct {
		session *session
		p       *page
		want    bool
	}{
		"other records":      {apart, pageOf(3, 4), false},
		"a record in common": {apart, pageOf(3, 2), true},
		"connected items":    {within, pageOf(3, 4), true},
	} {
		if got := tt.session.dependsOn(tt.p, pageOf(1, 2)); got != tt.want {
			t.Errorf("%s: dependsOn() = %t, want %t", name, got, tt.want)
		}
	}
}
