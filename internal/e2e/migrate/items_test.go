package migrate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"crmsync/internal/e2e"
)

// itemsOf is a mapping whose leads become items as the block says.
const itemsOf = `
version: 1
boards:
  leads:
    board: 1003
    records:
      lead:
        object: Lead
        id_column: text_sfid
        items: { %s }
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Email: email
          Company: company
`

// names returns the names of the active leads' items, sorted, each with its group.
func names(w *e2e.World) (all []string) {
	for _, item := range w.Monday.Items(e2e.Leads) {
		if item.State == "active" {
			all = append(all, item.Name+" in "+item.Group)
		}
	}
	slices.Sort(all)
	return all
}

// TestItems: each key of `items` does what it says, alone and together.
func TestItems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		items string
		want  []string
	}{
		"none":  {"", []string{"Ada King in topics", "Charles Babbage in topics", "Mary Somerville in topics"}},
		"where": {`where: "Email != null AND (Company = 'Engines' OR Company = 'Stars')"`, []string{"Ada King in topics", "Mary Somerville in topics"}},
		"group": {"group: imported", []string{"Ada King in imported", "Charles Babbage in imported", "Mary Somerville in imported"}},
		"name":  {"name: Title", []string{"Author in topics", "Countess in topics", "Professor in topics"}},
		"all":   {`where: "Email = null", group: imported, name: Title, schedule: "0 6 * * 1"`, []string{"Professor in imported"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Setup(t, e2e.Mapped(fmt.Sprintf(itemsOf, tt.items)))
			for _, lead := range []map[string]any{
				{"FirstName": "Ada", "LastName": "King", "Company": "Engines", "Email": "ada@example.org", "Title": "Countess"},
				{"FirstName": "Charles", "LastName": "Babbage", "Company": "Engines", "Title": "Professor"},
				{"FirstName": "Mary", "LastName": "Somerville", "Company": "Stars", "Email": "mary@example.org", "Title": "Author"},
			} {
				w.Salesforce.Insert("Lead", lead)
			}
			if report := w.Crmsync("migrate", "--dry-run"); !strings.Contains(report, fmt.Sprintf(" %d would be created", len(tt.want))) {
				t.Errorf("dry run, want %d items:\n%s", len(tt.want), report)
			}
			w.Crmsync("migrate")
			if got := names(w); !slices.Equal(got, tt.want) {
				t.Errorf("items %q, want %q", got, tt.want)
			}
			w.Paired("Lead", e2e.Leads, len(tt.want))
			w.Crmsync("migrate", "leads")
			if got := names(w); !slices.Equal(got, tt.want) {
				t.Errorf("items %q after a second run, want %q", got, tt.want)
			}
			w.Healthy()
		})
	}
}

// TestItemsSchedule: a worker runs the import by itself, each time that the schedule is due. A record gets its item once
// it meets the condition, and keeps it afterwards; the item's name follows the field.
func TestItemsSchedule(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(fmt.Sprintf(itemsOf, `where: "Email != null", group: imported, name: Title, schedule: "@every 1s"`)))
	id := w.Salesforce.Insert("Lead", map[string]any{"LastName": "King", "Company": "Engines", "Title": "Countess"})
	other := w.Salesforce.Insert("Lead", map[string]any{"LastName": "Somerville", "Company": "Stars", "Email": "mary@example.org", "Title": "Author"})
	w.Start("worker")
	w.Eventually("the first item", func() bool { return slices.Equal(names(w), []string{"Author in imported"}) })
	w.Salesforce.Update("Lead", id, map[string]any{"Email": "ada@example.org"})
	w.Eventually("another item", func() bool { return slices.Equal(names(w), []string{"Author in imported", "Countess in imported"}) })
	w.Salesforce.Update("Lead", other, map[string]any{"Email": nil, "Title": "Polymath"})
	w.Salesforce.Update("Lead", id, map[string]any{"Title": "Enchantress"})
	w.Eventually("a new name", func() bool { return slices.Equal(names(w), []string{"Author in imported", "Enchantress in imported"}) })
	w.Paired("Lead", e2e.Leads, 2)
	w.Healthy()
}

// TestItemsMissingGroup: a group that the board does not have fails the run before it creates anything.
func TestItemsMissingGroup(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(fmt.Sprintf(itemsOf, "group: bygone")))
	w.Salesforce.Insert("Lead", map[string]any{"LastName": "King", "Company": "Engines"})
	if _, stderr := failing(t, w, "migrate"); !strings.Contains(stderr, `board leads (1003) has no group "bygone", where new items go`) {
		t.Errorf("the command says:\n%s", stderr)
	}
	if got := names(w); len(got) != 0 {
		t.Errorf("items %q, want none", got)
	}
}
