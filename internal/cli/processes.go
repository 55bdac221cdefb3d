package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"crmsync/schema/store"
)

type processStatus struct {
	Host         string    `json:"host"`
	PID          int       `json:"pid"`
	Role         string    `json:"role"` // ingest, worker or serve
	Version      string    `json:"version"`
	Commit       string    `json:"commit"`
	MappingFile  string    `json:"mapping_file"`
	Mapping      string    `json:"mapping"` // fingerprint
	MappingSince time.Time `json:"mapping_since"`
	MappingError string    `json:"mapping_error,omitempty"` // why the file's current content is not used
	StartedAt    time.Time `json:"started_at"`
	SeenAt       time.Time `json:"seen_at"`
	Running      bool      `json:"running"` // false: it has not reported itself for 40 seconds
}

func readProcesses(ctx context.Context, s *store.Store) ([]processStatus, error) {
	processes, err := s.Processes(ctx)
	all := []processStatus{}
	for _, p := range processes {
		all = append(all, processStatus{
			Host: p.Host, PID: p.PID, Role: p.Role(), Version: p.Version, Commit: p.Commit,
			MappingFile: p.MappingFile, Mapping: p.Mapping, MappingSince: p.MappingSince.UTC(),
			MappingError: p.MappingError,
			StartedAt:    p.StartedAt.UTC(), SeenAt: p.SeenAt.UTC(), Running: p.Running,
		})
	}
	return all, err
}

// shownDigits is how many digits of a fingerprint distinguish mappings.
const shownDigits = 12

func (p *program) printProcesses(processes []processStatus) error {
	table := newTable(p.stdout)
	fmt.Fprintln(table, "ROLE\tHOST\tPID\tVERSION\tSTARTED\tMAPPING\tSINCE\tFILE")
	for _, r := range processes {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t%.*s\t%s\t%s\n", r.Role, r.Host, r.PID, r.Version, moment(r.StartedAt),
			shownDigits, r.Mapping, moment(r.MappingSince), r.MappingFile)
	}
	if len(processes) == 0 {
		fmt.Fprintln(table, "no process is running")
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, r := range processes {
		if !r.Running {
			fmt.Fprintf(p.stdout, "%s of %s, process %d, has been silent since %s\n", r.Role, r.Host, r.PID, moment(r.SeenAt))
		}
		if r.MappingError != "" {
			fmt.Fprintf(p.stdout, "%s of %s, process %d, uses its earlier mapping, because the file is faulty:\n  %s\n",
				r.Role, r.Host, r.PID, r.MappingError)
		}
	}
	if n := mappings(processes); n > 1 {
		fmt.Fprintf(p.stdout, "%d different mappings are in use\n", n)
	}
	_, err := fmt.Fprintln(p.stdout)
	return err
}

// mappings counts the mappings of the running processes.
func mappings(processes []processStatus) int {
	different := map[string]bool{}
	for _, p := range processes {
		if p.Running {
			different[p.Mapping] = true
		}
	}
	return len(different)
}

// attention returns an error that lists what needs a person, or nil.
func (now Status) attention() error {
	var needs []error
	need := func(is bool, format string, args ...any) {
		if is {
			needs = append(needs, fmt.Errorf(format, args...))
		}
	}
	workers := 0
	for _, p := range now.Processes {
		if p.Running && p.Role != "ingest" {
			workers++
		}
		need(p.MappingError != "", "%s of %s: the mapping file is faulty", p.Role, p.Host)
	}
	need(workers == 0, "no worker is running")
	need(now.DeadLetters > 0, "%s: crmsync replay lists them", plural(now.DeadLetters, "open dead letter"))
	need(now.Held > 0, "%s held by the delete brake: crmsync held list", plural(now.Held, "item"))
	for _, o := range now.Outages {
		need(true, "%s has been away since %s (%s)", strings.TrimSpace(o.System+" "+o.Part), moment(o.Since), o.Code)
	}
	for _, q := range now.Paused {
		need(true, "queue %s has been paused since %s", q.Queue, moment(q.Since))
	}
	for _, c := range now.Channels {
		if c.FailingSince != nil {
			need(true, "alerts by %s have failed since %s (%s)", c.Channel, moment(*c.FailingSince), c.Error)
		}
	}
	return errors.Join(needs...)
}
