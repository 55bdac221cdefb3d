package migration

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/mondayclient"
	"crmsync/schema/store"
)

const leadsBoard int64 = 1003

// leads is a mapping with fields that go to Salesforce only, both ways, and to Monday by an import alone, and with a
// label that the board does not have.
const leads = `
version: 1
boards:
  leads:
    board: 1003
    migrate: { record: lead, columns: { text_note: Description } }
    records:
      lead:
        object: Lead
        id_column: text_sfid
        fields:
          FirstName: { from: name, as: first_name }
          LastName: { from: name, as: last_name }
          Company: { from: company, sync: both }
          Email: email
          Rating: { from: status, labels: { Qualified: Hot, Follow-up: Warm, Hopeless: Cold } }
          Industry: interests
`

// TestDryRunEqualsRun edits records and items at random while all webhooks are lost: a dry run counts what the run then
// counts, and lists each column and field that the run then writes.
func TestDryRunEqualsRun(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.use(leads)
	job := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		w.clear()
		for range rapid.IntRange(1, 3).Draw(rt, "runs") {
			w.edit(rt)
			before := w.sides()
			planned, listed := w.foresee(rt, before)
			if diff := cmp.Diff(before, w.sides()); diff != "" {
				rt.Fatalf("the dry run changed (-before +after):\n%s", diff)
			}
			job++
			if done, err := w.workOn(leadsBoard, job); err != nil || !done {
				rt.Fatalf("done %t, error %v", done, err)
			}
			if diff := cmp.Diff(planned, w.sides()); diff != "" {
				rt.Fatalf("after the run (-planned +actual):\n%s", diff)
			}
			if diff := cmp.Diff(listed, w.counts()); diff != "" {
				rt.Fatalf("counts (-planned +actual):\n%s", diff)
			}
		}
	})
}

// sides returns what both systems hold: for each record its fields, and for each that an item shows the item's columns.
// Keys and Ids are left out, so that the result of a run can be foreseen.
func (w *world) sides() map[string]map[string]string {
	sides := map[string]map[string]string{}
	for _, record := range w.salesforce.Records("Lead") {
		side := map[string]string{}
		for _, field := range []string{"Name", "Company", "Email", "Rating", "Industry", "Description"} {
			side[field] = textOf(record[field])
		}
		sides[record["Id"].(string)] = side
	}
	for _, item := range w.monday.Items(leadsBoard) {
		side := maps.Clone(item.Text)
		delete(side, "text_sfid")
		maps.DeleteFunc(side, func(_, text string) bool { return text == "" })
		side["name"] = item.Name
		sides["item of "+item.Text["text_sfid"]] = side
	}
	return sides
}

// foresee returns both sides as they are after what a dry run lists, and its counts.
func (w *world) foresee(t *rapid.T, sides map[string]map[string]string) (map[string]map[string]string, store.Counts) {
	after := map[string]map[string]string{}
	for id, side := range sides {
		after[id] = maps.Clone(side)
	}
	labels := map[string]string{"Hot": "Qualified", "Warm": "Follow-up"}
	report, err := New(w.config).DryRun(w.t.Context(), leadsBoard, func(e Example) {
		item := "item of " + e.SalesforceID
		if after[item] == nil {
			after[item] = map[string]string{}
		}
		for _, f := range e.Fields {
			switch {
			case e.What == "create":
				after[item][f.Column] = f.Monday
			case f.Does == Sends:
				after[e.SalesforceID][f.Field] = f.Monday
			case f.Does == Takes:
				text := f.Salesforce
				if f.Field == "Rating" {
					text = labels[text]
				}
				if after[item][f.Column] = text; text == "" {
					delete(after[item], f.Column)
				}
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return after, report.Counts
}

// counts returns those of the last run.
func (w *world) counts() store.Counts {
	w.t.Helper()
	runs, err := w.config.Store.Runs(w.t.Context(), 1)
	if err != nil || len(runs) != 1 {
		w.t.Fatalf("runs: %v, %v", runs, err)
	}
	return runs[0].Counts
}

// clear removes everything from both systems and the database.
func (w *world) clear() {
	w.t.Helper()
	for _, item := range w.monday.Items(leadsBoard) {
		w.monday.DeleteItem(item.ID)
		w.monday.PurgeItem(item.ID)
	}
	for _, record := range w.salesforce.Records("Lead") {
		w.salesforce.Delete("Lead", record["Id"].(string))
	}
	if _, err := w.db.Exec(w.t.Context(), "TRUNCATE items, links, waits, leases, migration_runs, migration_failed, migration_documents"); err != nil {
		w.t.Fatal(err)
	}
}

// edit creates and changes records and items.
func (w *world) edit(t *rapid.T) {
	for n := range rapid.IntRange(0, 3).Draw(t, "new records") {
		id := w.salesforce.Insert("Lead", w.values(t, fmt.Sprint("King ", n)))
		switch rapid.SampledFrom([]string{"no item", "no item", "shown", "carried"}).Draw(t, "known by") {
		case "shown":
			w.monday.CreateItem(leadsBoard, "Shown", map[string]any{"text_sfid": id, "company": rapid.SampledFrom([]string{"", "Mills"}).Draw(t, "company")})
		case "carried":
			item := w.monday.CreateItem(leadsBoard, "Carried", map[string]any{"text_sfid": id})
			w.salesforce.Update("Lead", id, map[string]any{sfsim.KeyField: fmt.Sprint(item)})
		}
	}
	for _, record := range w.salesforce.Records("Lead") {
		if rapid.Bool().Draw(t, "edit the record") {
			w.salesforce.Update("Lead", record["Id"].(string), w.values(t, "Byron"))
		}
	}
	for _, item := range w.monday.Items(leadsBoard) {
		switch rapid.SampledFrom([]string{"", "", "name", "company", "email", "status", "text_note"}).Draw(t, "edit the item") {
		case "name":
			w.monday.Rename(item.ID, "Augusta Byron")
		case "company":
			w.monday.SetColumn(item.ID, "company", rapid.SampledFrom([]string{"Engines", "Looms"}).Draw(t, "company"))
		case "email":
			w.monday.SetColumn(item.ID, "email", map[string]any{"email": "monday@example.org", "text": "monday@example.org"})
		case "status":
			w.monday.SetColumn(item.ID, "status", map[string]any{"label": rapid.SampledFrom([]string{"Qualified", "Lost"}).Draw(t, "label")})
		case "text_note":
			w.monday.SetColumn(item.ID, "text_note", map[string]any{"text": "from Monday"})
		}
	}
}

func (w *world) values(t *rapid.T, last string) map[string]any {
	values := map[string]any{
		"FirstName": "Ada", "LastName": last, "Company": rapid.SampledFrom([]string{"Engines", "Mills"}).Draw(t, "company"),
		"Email":       rapid.SampledFrom([]any{nil, "ada@example.org", "monday@example.org"}).Draw(t, "email"),
		"Rating":      rapid.SampledFrom([]any{nil, "Hot", "Warm", "Cold"}).Draw(t, "rating"),
		"Industry":    rapid.SampledFrom([]any{nil, "Training", "Banking"}).Draw(t, "industry"),
		"Description": rapid.SampledFrom([]any{nil, "from Salesforce"}).Draw(t, "description"),
	}
	for _, field := range slices.Sorted(maps.Keys(values)) {
		if field != "LastName" && rapid.IntRange(0, 3).Draw(t, "keep") == 0 && field != "Company" {
			delete(values, field)
		}
	}
	return values
}

// nameless is a Monday whose rejections of new items do not name the column.
type nameless struct{ Monday }

func (m nameless) Create(ctx context.Context, creates []mondayclient.Create, key string) ([]mondayclient.Created, error) {
	created, err := m.Monday.Create(ctx, creates, key)
	for n := range created {
		if rejected, ok := errors.AsType[*mondayclient.Error](created[n].Err); ok {
			bare := *rejected
			bare.Column = ""
			created[n].Err = &bare
		}
	}
	return created, err
}

// TestCreatedBare: if Monday rejects a new item and does not say why, the item is created without columns, and the
// comparison writes each of them, even if the session ends in between.
func TestCreatedBare(t *testing.T) {
	t.Parallel()
	for name, interrupted := range map[string]bool{"in one session": false, "in two sessions": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := setup(t)
			w.plant(3)
			odd := w.salesforce.Insert("Account", map[string]any{"Name": "Odd", "Website": "no address", "Phone": "+12125550199"})
			monday, comparer := w.config.Monday, w.config.Engine
			w.config.Monday = nameless{monday}
			if interrupted {
				broken := panicking{monday, func(call string) bool { return call == "compare" }}
				w.config.Engine = panickingEngine{comparer, broken}
				if _, err := w.work(1); err == nil {
					t.Fatal("the first session has no error")
				}
				w.config.Engine = comparer
			}
			if done, err := w.work(1); err != nil || !done {
				t.Fatalf("done %t, error %v", done, err)
			}
			phones := map[string]int{}
			for _, item := range w.monday.Items(accountsBoard) {
				phones[item.Text["phone"]]++
				if item.Text["text_sfid"] == odd && item.Text["website"] != "" {
					t.Errorf("the rejected column holds %q", item.Text["website"])
				}
			}
			same(t, "phones", map[string]int{"+12125550100": 3, "+12125550199": 1}, phones)
			if n := w.count("SELECT count(*) FROM migration_failed WHERE salesforce_id = $1 AND columns = '{website}'", odd); n != 1 {
				t.Error("the rejected column is not noted")
			}
			if n := w.count("SELECT count(*) FROM error_logs WHERE salesforce_id = $1 AND column_id = 'website' AND code = 'ColumnValueException'", odd); n != 1 {
				t.Errorf("%d errors name the column, want 1", n)
			}
			if want := (store.Counts{Read: 4, Created: 4, LeftOut: 1}); !interrupted {
				same(t, "counts", want, w.counts())
			}
			if website := w.salesforce.Get("Account", odd)["Website"]; website != "no address" {
				t.Errorf("Salesforce holds %v", website)
			}
		})
	}
}
