package migrate_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"crmsync/internal/e2e"
	"crmsync/internal/stage"
)

// TestChaosMigrate kills the command at random moments while both systems fail now and then, also after a call took
// effect, and Monday's index is some seconds behind. In the end every record has exactly one item. Then both sides
// change, and the next run is killed, too: the items show what changed in Salesforce alone.
//
// CHAOS=full migrates 5,000 records and kills ten times; SEED=n draws the same moments again.
func TestChaosMigrate(t *testing.T) {
	t.Parallel()
	seed, pairs, kills := e2e.Seed(t), 600, 4
	if os.Getenv("CHAOS") == "full" {
		pairs, kills = 2500, 10
	}
	t.Logf("SEED=%d", seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	w := e2e.Migrated(t, "", e2e.With("MAX_ATTEMPTS", "30"), e2e.With("LOG_LEVEL", "info"), func(_ *e2e.World, c *stage.Config) {
		m, s := &c.Monday, &c.Salesforce
		m.FaultRate, m.IndexLag, m.Seed, m.Latency = 0.05, 3*time.Second, int64(seed), 20*time.Millisecond
		m.ComplexityPerMinute = 100_000_000 // otherwise the test would wait for the next minute's budget
		s.FaultRate, s.Seed, s.Latency = 0.05, int64(seed), 20*time.Millisecond
	})
	w.Plant(pairs)
	killed, log := w.RunKilled(w.Program(), []string{"migrate"}, atRandom(w, rng, kills))
	t.Logf("%d kills\n%s", killed, log)
	w.Paired("Account", e2e.Accounts, pairs)
	w.Paired("Contact", e2e.Contacts, pairs)
	if n := w.Count("SELECT sum(created) FROM migration_runs"); n != 2*pairs {
		t.Logf("%d are counted as created, of %d", n, 2*pairs)
	}
	if n := w.Count("SELECT count(*) FROM migration_documents") + w.Count("SELECT count(*) FROM dead_letters"); n != 0 {
		t.Errorf("%d documents or dead letters are left", n)
	}
	changes := changeContacts(w)
	killed, log = w.RunKilled(w.Program(), []string{"migrate", "contacts"}, atRandom(w, rng, kills/2))
	t.Logf("%d kills\n%s", killed, log)
	for _, item := range w.Paired("Contact", e2e.Contacts, pairs) {
		if want := changes[item.ID]; item.Text["phone"] != want.phone || item.Text["email"] != want.email {
			t.Errorf("item %d shows %q and %q, want %q and %q", item.ID, item.Text["phone"], item.Text["email"], want.phone, want.email)
		}
	}
}

// atRandom returns when to kill a command: so many times, each a moment after it has begun to work.
func atRandom(w *e2e.World, rng *rand.Rand, kills int) func() bool {
	killed, began := 0, -1
	var due time.Time
	return func() bool {
		switch calls := w.Monday.TotalCalls(); {
		case killed == kills:
			return false
		case began < 0:
			began = calls
		case due.IsZero() && calls > began: // it has begun to work
			due = time.Now().Add(time.Duration(rng.IntN(1200)) * time.Millisecond)
		case !due.IsZero() && time.Now().After(due):
			killed, began, due = killed+1, -1, time.Time{}
			return true
		}
		return false
	}
}

// shown is what an item has to show.
type shown struct{ phone, email string }

// changeContacts changes every contact in Salesforce, and some items. It returns what the items have to show once they
// were imported again: a column takes what changed in Salesforce alone.
func changeContacts(w *e2e.World) map[int64]shown {
	changes := map[int64]shown{}
	for n, item := range w.Monday.Items(e2e.Contacts) {
		want := shown{phone: fmt.Sprintf("+1212555%04d", n), email: item.Text["email"]}
		w.Salesforce.Update("Contact", item.Text["text_sfid"], map[string]any{"Phone": want.phone})
		if n%3 == 0 {
			want.email = fmt.Sprintf("monday%d@example.org", n)
			w.Monday.SetColumn(item.ID, "email", e2e.Email(want.email))
		}
		if n%5 == 0 {
			want.phone = fmt.Sprintf("+1646555%04d", n)
			w.Monday.SetColumn(item.ID, "phone", map[string]any{"phone": want.phone, "countryShortName": "US"})
		}
		changes[item.ID] = want
	}
	return changes
}
