package doctor

import (
	"context"

	"crmsync/internal/buildinfo"
	"crmsync/schema/store"
)

// console reports whether the console is on.
func (e *examination) console(context.Context) []Finding {
	f := &findings{subject: "console"}
	switch {
	case !e.input.Role.Worker:
	case e.config.AdminUser == "":
		f.doubtful("Set ADMIN_USER and ADMIN_PASSWORD.", "it is off")
	default:
		f.fine("on at ADMIN_ADDR, %s", e.config.AdminAddr)
	}
	return f.all
}

// waiting lists what waits for a person.
func (e *examination) waiting(ctx context.Context) []Finding {
	f := &findings{subject: "open work"}
	if e.db == nil || !e.input.Role.Worker {
		return nil
	}
	s := store.New(e.db)
	meetings := func(ctx context.Context) (int, error) {
		m, err := s.OpenFirstMeetings(ctx)
		return m.Count, err
	}
	for _, kind := range []struct {
		count    func(context.Context) (int, error)
		what, do string
	}{
		{s.CountOpenDeadLetters, "dead letters", "crmsync errors"},
		{s.CountHeld, "deletions that the brake holds", "crmsync held"},
		{meetings, "first meetings, where both sides have a value already", "crmsync plan"},
	} {
		n, err := kind.count(ctx)
		if err != nil {
			f.doubtful("", "%s were not counted: %v", kind.what, err)
		} else if n > 0 {
			f.doubtful(kind.do, "%s: %d", kind.what, n)
		}
	}
	if len(f.all) == 0 {
		f.fine("nothing waits for a person")
	}
	return f.all
}

// processes examines which versions and mappings run.
func (e *examination) processes(ctx context.Context) []Finding {
	f := &findings{subject: "processes"}
	if e.db == nil {
		return nil // already reported
	}
	all, err := store.New(e.db).Processes(ctx)
	if err != nil {
		f.doubtful("", "%v", err)
		return f.all
	}
	workers, ingests := 0, 0
	for _, p := range all {
		name := p.Role() + " on " + p.Host
		if !p.Running {
			f.doubtful("If it should run, start it again.", "%s has been silent since %s", name,
				p.SeenAt.UTC().Format("2006-01-02 15:04 UTC"))
			continue
		}
		if p.Worker {
			workers++
		}
		if p.Ingest {
			ingests++
		}
		f.fine("%s runs version %s with the mapping %.12s since %s", name, p.Version, p.Mapping,
			p.MappingSince.UTC().Format("2006-01-02 15:04 UTC"))
		e.process(f, name, p)
	}
	if workers == 0 {
		f.wrong("crmsync serve", "no worker is running: events are not processed")
	}
	if ingests == 0 {
		f.wrong("crmsync serve", "no ingest is running: events are not received")
	}
	return f.all
}

// process compares a running process with this one.
func (e *examination) process(f *findings, name string, p store.Process) {
	if version := buildinfo.Read().Version; p.Version != version {
		f.doubtful("Run the same version everywhere.", "%s runs version %s, and this is %s", name, p.Version, version)
	}
	switch {
	case p.MappingError != "":
		f.wrong("crmsync check", "%s keeps an earlier mapping, since its file %s is faulty", name, p.MappingFile)
	case e.mapped != nil && p.Mapping != e.mapped.Fingerprint():
		f.doubtful("If it does not change within seconds, give the process the same file.",
			"%s runs another mapping than %s", name, e.config.Mapping)
	}
}
