package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"crmsync/schema/store"
)

// TestProcesses checks the life of a process: it reports itself, changes its mapping, falls silent, is forgotten.
func TestProcesses(t *testing.T) {
	t.Parallel()
	w := setup(t)
	s := w.Store
	ctx := t.Context()
	old := store.Process{ID: uuid.New(), Host: "a", PID: 1, Worker: true, Version: "v1", MappingFile: "m.yaml", Mapping: "one"}
	young := store.Process{ID: uuid.New(), Host: "b", PID: 2, Ingest: true, Version: "v2", MappingFile: "m.yaml", Mapping: "one"}
	beat := func(p store.Process) {
		t.Helper()
		if err := s.Beat(ctx, p); err != nil {
			t.Fatal(err)
		}
	}
	newer := func(p store.Process, want bool) {
		t.Helper()
		if got, err := s.HasNewerMapping(ctx, p.ID); err != nil || got != want {
			t.Errorf("%s: a newer mapping: %v, want %v (%v)", p.Host, got, want, err)
		}
	}
	beat(old)
	beat(young)
	newer(old, false)
	young.Mapping = "two"
	beat(young)
	newer(old, true)
	newer(young, false)
	old.MappingError = "m.yaml:1:1: no"
	beat(old)
	all, err := s.Processes(ctx)
	if err != nil || len(all) != 2 || all[0].Host != "a" || !all[0].Running || all[0].MappingError == "" || all[1].Mapping != "two" {
		t.Fatalf("processes: %+v (%v)", all, err)
	}
	if !all[1].MappingSince.After(all[1].StartedAt) || !all[0].MappingSince.Equal(all[0].StartedAt) {
		t.Errorf("mappings since %v and %v, started at %v and %v", all[0].MappingSince, all[1].MappingSince, all[0].StartedAt, all[1].StartedAt)
	}
	w.exec("UPDATE processes SET seen_at = now() - interval '1 minute' WHERE host = 'b'")
	newer(old, false) // it is silent
	if all, err = s.Processes(ctx); err != nil || len(all) != 2 || all[1].Running {
		t.Errorf("a silent process: %+v (%v)", all, err)
	}
	w.exec("UPDATE processes SET seen_at = now() - interval '2 hours'")
	beat(old)
	if all, err = s.Processes(ctx); err != nil || len(all) != 1 || all[0].Host != "a" {
		t.Errorf("a forgotten process: %+v (%v)", all, err)
	}
	if err := s.Leave(ctx, old.ID); err != nil {
		t.Fatal(err)
	}
	if all, err = s.Processes(ctx); err != nil || len(all) != 0 {
		t.Errorf("after all left: %+v (%v)", all, err)
	}
}

// TestPlace: running workers agree on their places. Processes without the role, silent ones, and those that are stopping
// have none.
func TestPlace(t *testing.T) {
	t.Parallel()
	w := setup(t)
	ids := []uuid.UUID{{1}, {2}, {3}, {4}, {5}}
	processes := make([]store.Process, len(ids))
	for n, id := range ids {
		processes[n] = store.Process{ID: id, Host: string(rune('a' + n)), Worker: n != 1}
		if err := w.Store.Beat(t.Context(), processes[n]); err != nil {
			t.Fatal(err)
		}
	}
	places := func() (found [][2]int) {
		t.Helper()
		for _, id := range ids {
			place, workers, err := w.Store.Place(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			found = append(found, [2]int{place, workers})
		}
		return found
	}
	if diff := cmp.Diff([][2]int{{0, 4}, {0, 0}, {1, 4}, {2, 4}, {3, 4}}, places()); diff != "" {
		t.Errorf("places (-want +got):\n%s", diff)
	}
	w.exec("UPDATE processes SET seen_at = now() - interval '1 minute' WHERE host = 'a'")
	processes[3].Stopping = true
	if err := w.Store.Beat(t.Context(), processes[3]); err != nil {
		t.Fatal(err)
	}
	if err := w.Store.Leave(t.Context(), ids[4]); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][2]int{{0, 0}, {0, 0}, {0, 1}, {0, 0}, {0, 0}}, places()); diff != "" {
		t.Errorf("places after some have gone (-want +got):\n%s", diff)
	}
}
