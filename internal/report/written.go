package report

import (
	"cmp"
	"strings"
	"time"

	"crmsync/schema/store"
)

// sweeps are the kinds of comparisons.
var sweeps = map[string]string{"apply": "Comparison", "reconcile": "Nightly comparison", "recent": "Hourly comparison",
	"backfill": "Backfill", ImportKind: "Import"}

// SweepWords returns the name of a kind of comparison.
func SweepWords(kind string) string { return cmp.Or(sweeps[kind], kind) }

// ImportKind is the kind of an import among comparisons.
const ImportKind = "import"

// WaitWords says why a run waits, and when it looks again, as the second part of a sentence.
func WaitWords(reason string, until time.Time) string {
	return "waits: " + reason + ". It looks again at " + until.UTC().Format("15:04:05 MST") + "."
}

// writeEntry describes what a comparison wrote.
func (d *draft) writeEntry(w store.SweptWrite) Entry {
	e := Entry{At: w.At.UTC(), Kind: Wrote, Text: SweepWords(w.Kind)}
	fields := strings.Join(w.Fields, ", ")
	switch {
	case w.Created:
		e.Effect = w.Object + " created"
	case w.To == "monday":
		names := make([]string, len(w.Fields))
		for n, field := range w.Fields {
			names[n] = d.columnOf(field)
		}
		e.Effect = all(names) + " written to Monday"
	case fields == "":
		e.Effect = w.Object + " updated"
	case w.To == "":
		e.Effect = w.Object + " and Monday now agree on: " + fields
	default:
		e.Effect = w.Object + " updated: " + fields
	}
	return e
}

// columnOf returns what the column is called that shows a field in Monday, or the column of the Id itself.
func (d *draft) columnOf(field string) string {
	for _, rec := range d.Records {
		for _, f := range rec.Fields {
			if f.Name == field && len(f.Columns) == 1 {
				return f.Columns[0].Title
			}
		}
	}
	return d.names.Column(d.BoardID, field)
}

// conflictEntry says which value was kept when both sides had changed.
func conflictEntry(c store.Conflict) Entry {
	stands := "Monday's"
	if c.Winner() == "salesforce" {
		stands = "Salesforce's"
	}
	return Entry{At: c.DecidedAt.UTC(), Kind: Decided, Text: c.Field + ": both sides had changed",
		Effect: stands + " value stands"}
}
