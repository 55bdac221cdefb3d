package plan_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// saves counts how often the records of an object were saved, and how often without a reference.
type saves struct {
	mu             sync.Mutex
	all, referring int
}

func countSaves(w *e2e.World, object, reference string) *saves {
	s := &saves{}
	w.Salesforce.AddFlow(object, func(record map[string]any) map[string]any {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.all++; record[reference] != nil {
			s.referring++
		}
		return nil
	})
	return s
}

func (s *saves) check(t *testing.T, want int) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all != want || s.referring != want {
		t.Errorf("%d saves, %d of them with the reference, want %d of each", s.all, s.referring, want)
	}
}

// createFamilies creates accounts, and a contact connected to each.
func createFamilies(w *e2e.World, n int) {
	for i := range n {
		account := w.Monday.CreateItem(e2e.Accounts, fmt.Sprint("Company ", i), nil)
		w.Monday.CreateItem(e2e.Contacts, fmt.Sprint("Person ", i), map[string]any{"connect_account": e2e.Connected(account)})
	}
}

// TestApplyInOrder: the records of one board refer to those of another one, which comes later in the mapping. Each is
// created with its reference and written once, also if the command is killed, or does what a plan says.
func TestApplyInOrder(t *testing.T) {
	t.Parallel()
	t.Run("all items", func(t *testing.T) {
		t.Parallel()
		w := e2e.Setup(t, append(rich(), e2e.Mapped(families))...)
		createFamilies(w, 120)
		contacts := countSaves(w, "Contact", "AccountId")
		run(w, 0, "apply", "--yes")
		contacts.check(t, 120)
	})
	t.Run("a plan of few items", func(t *testing.T) {
		t.Parallel()
		w := e2e.Setup(t, append(rich(), e2e.Mapped(families))...)
		createFamilies(w, 30)
		file, _ := plannedFile(w)
		contacts := countSaves(w, "Contact", "AccountId")
		run(w, 0, "apply", "--yes", "--plan", file)
		contacts.check(t, 30)
	})
	t.Run("killed", func(t *testing.T) {
		t.Parallel()
		const items = 600 // two pages
		w := e2e.Setup(t, append(rich(), e2e.Mapped(families))...)
		createFamilies(w, items)
		contacts := countSaves(w, "Contact", "AccountId")
		held := make(chan struct{}) // the second page, until the command is killed: no contact has been written by then
		w.Monday.OnCall(func(c mondaysim.Call) *mondaysim.Fault {
			if strings.Contains(c.Operation, "next_items_page") {
				<-held
			}
			return nil
		})
		release := sync.OnceFunc(func() { close(held) })
		defer release()
		killed := false
		got, output := w.RunKilled(w.Program(), []string{"apply", "--yes"}, func() bool {
			if killed {
				release()
				return false
			}
			killed = w.Count("SELECT coalesce(sum(pages), 0) FROM sweeps") > 0
			return killed
		})
		if got != 1 {
			t.Errorf("%d kills, want 1:\n%s", got, output)
		}
		contacts.check(t, items)
	})
}
