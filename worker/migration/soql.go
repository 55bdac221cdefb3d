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

// soqlTime is the format of a time in SOQL. Its texts sort in the order of time.
const soqlTime = "2006-01-02T15:04:05.000Z"

// overlap is how far a run goes back before the end of the previous one: a transaction that was open then may have been
// committed since, with an earlier time.
const overlap = 5 * time.Minute

// selectRecords returns the query for the fields of the records that satisfy a condition, in the order of a run.
func selectRecords(m *mapping.Migration, key string, conditions []string) string {
	fields := []string{"Id", stampField, key}
	for _, t := range m.Targets {
		if !slices.Contains(fields, t.Name) {
			fields = append(fields, t.Name)
		}
	}
	return "SELECT " + strings.Join(fields, ", ") + " FROM " + m.Record.Object + where(conditions) +
		" ORDER BY " + stampField + ", Id"
}

// selectNewest returns the query for the time of the last change that can be read.
func selectNewest(m *mapping.Migration, c store.Cursor) string {
	return "SELECT " + stampField + " FROM " + m.Record.Object + where(after(m, c)) +
		" ORDER BY " + stampField + " DESC LIMIT 1"
}

// countRecords returns the query for the number of records after a cursor.
func countRecords(m *mapping.Migration, c store.Cursor) string {
	return "SELECT COUNT() FROM " + m.Record.Object + where(after(m, c))
}

// after returns the conditions for the records after a cursor.
func after(m *mapping.Migration, c store.Cursor) []string {
	conditions := mapped(m)
	switch {
	case c.At != "" && c.ID != "":
		conditions = append(conditions, fmt.Sprintf("((%[1]s = %[2]s AND Id > %[3]s) OR %[1]s > %[2]s)",
			stampField, c.At, sfclient.Quote(c.ID)))
	case c.At != "":
		conditions = append(conditions, stampField+" >= "+c.At)
	}
	if c.Until != "" {
		conditions = append(conditions, stampField+" <= "+c.Until)
	}
	return conditions
}

// among returns the conditions for the records with these Ids that the mapping selects.
func among(m *mapping.Migration, ids []string) []string {
	quoted := make([]string, len(ids))
	for n, id := range ids {
		quoted[n] = sfclient.Quote(id)
	}
	return append(mapped(m), "Id IN ("+strings.Join(quoted, ", ")+")")
}

func mapped(m *mapping.Migration) []string {
	if m.Where == "" {
		return nil
	}
	return []string{"(" + m.Where + ")"}
}

func where(conditions []string) string {
	if len(conditions) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(conditions, " AND ")
}

// stampOf returns the time of a record's last change, in SOQL's format.
func stampOf(r sfclient.Record) (string, error) {
	if at, ok := r.Time(stampField); ok {
		return at.Format(soqlTime), nil
	}
	return "", fmt.Errorf("salesforce: a record without a readable %s", stampField)
}

// rewind returns a time less the overlap, or "" for "".
func rewind(at string) string {
	t, err := time.Parse(soqlTime, at)
	if err != nil {
		return ""
	}
	return t.Add(-overlap).Format(soqlTime)
}
