package worker

import (
	"net/http/httptest"
	"testing"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	"crmsync/mondayclient"
	"crmsync/schema/schematest"
	"crmsync/schema/store"
)

// TestShareDay: each process learns of the calls that the others have made to Monday, once, and knows about as many as
// were made in all.
func TestShareDay(t *testing.T) {
	t.Parallel()
	const token, limit = "token", 1000
	sim := mondaysim.New(mondaysim.Config{Token: token, Boards: mondaysim.Example(), DailyLimit: limit})
	t.Cleanup(sim.Close)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	kept := store.New(schematest.New(t))
	process := func() *mondayDay {
		client := schematest.Must[*mondayclient.Client](t)(mondayclient.New(mondayclient.Config{URL: server.URL + "/v2", Token: token}))
		schematest.Must[mondayclient.Identity](t)(client.WhoAmI(t.Context()))
		return &mondayDay{store: kept, monday: client}
	}
	share := func(all ...*mondayDay) {
		for _, d := range all {
			if err := d.share(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	first, second := process(), process()
	share(first, second)
	call := func(d *mondayDay, calls int) {
		for range calls {
			schematest.Must[[]mondayclient.Item](t)(d.monday.Items(t.Context(), []int64{1}, nil))
		}
	}
	call(first, 7)
	call(second, 5)
	share(first, second, first, first)
	if first.date != time.Now().UTC().Format(time.DateOnly) {
		return // the day has ended meanwhile, and all counts have started again
	}
	for name, d := range map[string]*mondayDay{"first": first, "second": second} {
		if got, made := limit-d.monday.Budget().DayCalls, sim.TotalCalls(); got != made {
			t.Errorf("the %s process knows of %d calls, want %d", name, got, made)
		}
	}
	third := process()
	share(third)
	if got, made := limit-third.monday.Budget().DayCalls, sim.TotalCalls(); got < made {
		t.Errorf("a new process knows of %d calls, want %d", got, made)
	}
}
