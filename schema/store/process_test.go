package store_test

import (
	"testing"

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
