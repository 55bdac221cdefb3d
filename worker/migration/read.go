package migration

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
)

// stampField is the time of a record's last change of any kind, also by Salesforce itself.
const stampField = "SystemModstamp"

// soqlTime is how SOQL writes a time.
const soqlTime = "2006-01-02T15:04:05.000Z"

// begin finds where the run starts and where its first lap ends. A board that has a run behind it reads what changed since.
func (s *slice) begin() error {
	last, err := s.Store.LastCursor(s.ctx, s.migration.Board.ID)
	if err != nil {
		return err
	}
	c := store.Cursor{At: back(last.At)}
	if c.Until, err = s.newest(c); err != nil || c.Until == "" {
		s.run.Cursor = store.Cursor{At: last.At}
		return joinMove(err, func() error { return s.Store.MoveRun(s.ctx, s.run.ID, s.holder, s.run.Cursor, 0) })
	}
	total, err := again(s, "counting records", func() (int, error) {
		return s.Salesforce.Count(s.ctx, "SELECT COUNT() FROM "+s.migration.Record.Object+between(s.migration, c))
	})
	if err != nil {
		return err
	}
	s.run.Cursor, s.run.Total = c, total
	return s.Store.MoveRun(s.ctx, s.run.ID, s.holder, c, total)
}

// nextLap goes on with what changed while the lap before was read: its own writes, and those of others.
func (s *slice) nextLap() error {
	c := store.Cursor{At: s.run.Cursor.Until, Lap: s.run.Cursor.Lap + 1}
	var err error
	if c.Until, err = s.newest(c); err != nil {
		return err
	}
	if c.Until == "" {
		c.Until = c.At
	}
	s.run.Cursor = c
	return s.Store.MoveRun(s.ctx, s.run.ID, s.holder, c, s.run.Total)
}

// newest is the time of the last change that is there to read; empty: there is none.
func (s *slice) newest(c store.Cursor) (string, error) {
	soql := "SELECT " + stampField + " FROM " + s.migration.Record.Object + between(s.migration, c) +
		" ORDER BY " + stampField + " DESC LIMIT 1"
	found, err := again(s, "looking for the newest record", func() ([]sfclient.Record, error) { return s.Salesforce.Select(s.ctx, soql) })
	if err != nil || len(found) == 0 {
		return "", err
	}
	return stampOf(found[0])
}

// records is the query for what the lap still has to read.
func (s *slice) records() string { return recordsQuery(s.Mapping, s.migration, s.run.Cursor) }

func recordsQuery(m *mapping.Mapping, g *mapping.Migration, c store.Cursor) string {
	fields := []string{"Id", stampField, m.Key}
	for _, t := range g.Targets {
		if !slices.Contains(fields, t.Field) {
			fields = append(fields, t.Field)
		}
	}
	return "SELECT " + strings.Join(fields, ", ") + " FROM " + g.Record.Object + between(g, c) + " ORDER BY " + stampField + ", Id"
}

// between is the condition for the records behind a cursor.
func between(g *mapping.Migration, c store.Cursor) string {
	var all []string
	if g.Where != "" {
		all = append(all, "("+g.Where+")")
	}
	switch {
	case c.At != "" && c.ID != "":
		all = append(all, fmt.Sprintf("((%[1]s = %[2]s AND Id > %[3]s) OR %[1]s > %[2]s)", stampField, c.At, sfclient.Quote(c.ID)))
	case c.At != "":
		all = append(all, stampField+" >= "+c.At)
	}
	if c.Until != "" {
		all = append(all, stampField+" <= "+c.Until)
	}
	if len(all) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(all, " AND ")
}

// stampOf is the time of a record's last change, as SOQL writes it.
func stampOf(r sfclient.Record) (string, error) {
	if at, ok := r.Time(stampField); ok {
		return at.Format(soqlTime), nil
	}
	return "", fmt.Errorf("a record without a readable %s", stampField)
}

// back is a time less the overlap.
func back(at string) string {
	t, err := time.Parse(soqlTime, at)
	if err != nil {
		return ""
	}
	return t.Add(-overlap).Format(soqlTime)
}

func joinMove(err error, move func() error) error {
	if err != nil {
		return err
	}
	return move()
}
