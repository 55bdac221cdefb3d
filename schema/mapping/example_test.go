package mapping

import (
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/mondayclient/column"
)

// example returns the nonprofit's own mapping, which operators receive as an example.
func example(t testing.TB) *Mapping {
	t.Helper()
	src, err := os.ReadFile("../../deploy/mapping.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return mustParse(t, string(src))
}

// lead returns an item of the leads board.
func lead() Item {
	return Item{ID: 31, Name: "Grace Brewster Hopper", Columns: map[string]column.Value{
		"status":  {Type: column.Status, Text: "Qualified"},
		"company": {Type: column.Text, Text: "Navy"},
		"email":   {Type: column.Email, Text: "grace@example.org"},
		"amount":  {Type: column.Numbers, Text: "2500"},
	}}
}

func TestExample(t *testing.T) {
	t.Parallel()
	m := example(t)
	if m.Key != "Monday_Item_Id__c" || m.PhoneCountry != "US" || m.Stages() != 2 {
		t.Errorf("key = %s, phone country = %s, %d stages", m.Key, m.PhoneCountry, m.Stages())
	}
	type record struct {
		Object, IDColumn string
		Stage            int
		Shared, Delete   bool
		Match            []string
	}
	got := map[string]record{}
	for _, b := range m.Boards {
		for _, r := range b.Records {
			got[b.Name+"."+r.Name] = record{r.Object, r.IDColumn, r.Stage, r.Shared, r.DeleteWithItem, r.Match}
		}
	}
	want := map[string]record{
		"accounts.account":  {Object: "Account", IDColumn: "text_sfid"},
		"contacts.contact":  {Object: "Contact", IDColumn: "text_sfid", Stage: 1, Delete: true, Match: []string{"Email"}},
		"leads.lead":        {Object: "Lead", IDColumn: "text_sfid", Delete: true},
		"leads.account":     {Object: "Account", Shared: true, Match: []string{"Name"}},
		"leads.contact":     {Object: "Contact", Stage: 1, Match: []string{"Email"}},
		"leads.opportunity": {Object: "Opportunity", IDColumn: "text_oppid", Stage: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	columns := []string{"amount", "close_date", "company", "email", "status", "text_oppid", "text_sfid"}
	if diff := cmp.Diff(columns, m.Board(1003).Columns); diff != "" {
		t.Errorf("columns of leads (-want +got):\n%s", diff)
	}
}

func TestExampleLead(t *testing.T) {
	t.Parallel()
	board := example(t).Board(1003)
	account := board.Named("account")
	want := map[string]map[string]Value{
		"lead": {
			"FirstName": {Literal: "Grace Brewster"}, "LastName": {Literal: "Hopper"}, "Company": {Literal: "Navy"},
			"Email": {Literal: "grace@example.org"}, "Status": {Literal: "Qualified"},
		},
		"account": {"Name": {Literal: "Navy"}},
		"contact": {
			"FirstName": {Literal: "Grace Brewster"}, "LastName": {Literal: "Hopper"}, "Email": {Literal: "grace@example.org"},
			"AccountId": {Record: account},
		},
		"opportunity": {
			"Name": {Literal: "Navy - Grace Brewster Hopper"}, "AccountId": {Record: account}, "Amount": {Literal: 2500.0},
			"CloseDate": {Literal: "2026-05-30", Since: "2026-03-01"}, "LeadSource": {Literal: "Monday"},
			"StageName": {Literal: "Qualification"},
		},
	}
	for _, r := range board.Records {
		if !r.When.Holds(lead()) {
			t.Errorf("create_when of %s does not hold", r.Name)
		}
		if diff := cmp.Diff(want[r.Name], r.Desired(lead(), nil, noon), sameValue); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.Name, diff)
		}
	}
	lost := lead()
	lost.Columns["status"] = column.Value{Type: column.Status, Text: "Lost"}
	if board.Named("lead").When.Holds(lost) {
		t.Error("create_when holds for a lost lead")
	}
	unmapped := Value{Err: &ValueError{Field: "StageName", Column: "status", Code: UnmappedLabel, Label: "Lost"}}
	if diff := cmp.Diff(unmapped, board.Named("opportunity").Desired(lost, nil, noon)["StageName"], sameValue); diff != "" {
		t.Errorf("stage of a lost lead (-want +got):\n%s", diff)
	}
}

func TestExampleConnected(t *testing.T) {
	t.Parallel()
	m := example(t)
	company := Item{ID: 11, Name: "Navy", Columns: map[string]column.Value{"phone": {Type: column.Phone, Text: "12025550100", Code: "US"}}}
	want := map[string]Value{"Name": {Literal: "Navy"}, "Phone": {Literal: "+12025550100"}}
	account := m.Board(1001).Records[0]
	if diff := cmp.Diff(want, account.Desired(company, nil, noon), sameValue); diff != "" {
		t.Errorf("account (-want +got):\n%s", diff)
	}
	person := Item{ID: 21, Name: "Grace", Columns: map[string]column.Value{"connect_account": {Type: column.BoardRelation, IDs: []int64{11}}}}
	want = map[string]Value{"FirstName": {}, "LastName": {Literal: "Grace"}, "Email": {}, "AccountId": {Link: account, Item: 11}}
	if diff := cmp.Diff(want, m.Board(1002).Records[0].Desired(person, nil, noon), sameValue); diff != "" {
		t.Errorf("contact (-want +got):\n%s", diff)
	}
}

// TestDesiredIsPure generates arbitrary items of the example's boards.
func TestDesiredIsPure(t *testing.T) {
	t.Parallel()
	m := example(t)
	rapid.Check(t, func(t *rapid.T) {
		board := rapid.SampledFrom(m.Boards).Draw(t, "board")
		it := drawItem(t, board)
		before := Item{ID: it.ID, Name: it.Name, Columns: maps.Clone(it.Columns)}
		today := noon.AddDate(0, 0, rapid.IntRange(-400, 400).Draw(t, "day"))
		later := today.AddDate(0, 0, rapid.IntRange(0, 400).Draw(t, "days later"))
		for _, r := range board.Records {
			first := r.Desired(it, nil, today)
			if diff := cmp.Diff(first, r.Desired(it, nil, today), sameValue); diff != "" {
				t.Errorf("Desired() of %s differs on the second call:\n%s", r.Name, diff)
			}
			since := map[string]string{}
			for _, f := range r.Fields {
				v, ok := first[f.Name]
				if !ok {
					t.Errorf("%s.%s is missing", r.Name, f.Name)
				}
				if v.Since != "" {
					since[f.Name] = v.Since
				}
			}
			kept := maps.Clone(since)
			if diff := cmp.Diff(first, r.Desired(it, since, later), sameValue); diff != "" {
				t.Errorf("Desired() of %s changes with time:\n%s", r.Name, diff)
			}
			if !maps.Equal(kept, since) || !cmp.Equal(before, it) {
				t.Errorf("Desired() of %s changes its arguments", r.Name)
			}
		}
	})
}

func drawItem(t *rapid.T, b *Board) Item {
	types := []column.Type{
		column.BoardRelation, column.Checkbox, column.Country, column.Date, column.Dropdown, column.Email, column.Numbers,
		column.People, column.Phone, column.Status, column.Text, "rating",
	}
	texts := []string{"", " ", "Qualified", "MOU", "12", "2026-01-02", "+1 202 555 0123", "a@example.org"}
	it := Item{ID: 1, Name: rapid.SampledFrom([]string{"", "Ada", "Ada Lovelace"}).Draw(t, "name"), Columns: map[string]column.Value{}}
	for _, id := range slices.Concat(b.Columns, []string{"other"}) {
		if rapid.Bool().Draw(t, "has "+id) {
			it.Columns[id] = column.Value{
				Type:   rapid.SampledFrom(types).Draw(t, id+" type"),
				Text:   rapid.SampledFrom(texts).Draw(t, id),
				Labels: rapid.SliceOfN(rapid.SampledFrom(texts), 0, 2).Draw(t, id+" labels"),
				IDs:    rapid.SliceOfN(rapid.Int64Range(1, 9), 0, 2).Draw(t, id+" ids"),
			}
		}
	}
	return it
}

// TestParallelUse lets the race detector check that a mapping is not written after parsing.
func TestParallelUse(t *testing.T) {
	t.Parallel()
	m := example(t)
	for range 4 {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			for _, r := range m.Board(1003).Records {
				r.Desired(lead(), map[string]string{"CloseDate": "2026-01-01"}, time.Now())
				r.When.Holds(lead())
			}
		})
	}
}
