package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/schema/store"
)

// TestSearchItems finds items by every key that people have at hand.
func TestSearchItems(t *testing.T) {
	t.Parallel()
	w := setup(t)
	w.exec(`INSERT INTO items (item_id, board_id, name, columns, deleted_at) VALUES
		(1, 1001, 'Ada King-Lovelace', '{"email": {"t": "email", "s": "Ada@Example.org", "at": 1}, "phone": {"t": "phone", "s": "+1 (212) 555-0100", "at": 1}}', NULL),
		(2, 1001, 'Ada Byron', '{"note": {"t": "text", "s": "ada@example.org"}}', now()),
		(3, 1001, 'Charles Babbage', '{}', NULL)`)
	w.exec(`INSERT INTO links (item_id, record, object, salesforce_id, refused, ended_id) VALUES
		(1, 'lead', 'Lead', '00Q000000000001AAA', '{"Email": {"code": "BAD"}}', NULL), (3, 'lead', 'Lead', NULL, '{}', '00Q000000000002AAA 00Q000000000003AAA')`)
	w.exec(`INSERT INTO item_keys (item_id, column_id, key) VALUES (1, 'email', 'ada@example.org'), (1, 'phone', '12125550100')`)
	w.letter(7, "item_rename", `{"item_id": 3}`)
	tests := map[string]struct {
		q    store.Search
		want []int64
	}{
		"id":                      {store.Search{Items: []int64{3, 99}}, []int64{3}},
		"e-mail":                  {store.Search{Emails: []string{"ada@example.org"}}, []int64{1}},
		"phone":                   {store.Search{Phones: []string{"2125550100", "12125550100"}}, []int64{1}},
		"record":                  {store.Search{SalesforceIDs: []string{"00Q000000000001AAA"}}, []int64{1}},
		"record that ended":       {store.Search{SalesforceIDs: []string{"00Q000000000003AAA"}}, []int64{3}},
		"name":                    {store.Search{Name: "ada"}, []int64{1, 2}},
		"beginnings in any order": {store.Search{Name: "lov ADA"}, []int64{1}},
		"whole name":              {store.Search{Name: "King-Lovelace, Ada"}, []int64{1}},
		"a word with an initial":  {store.Search{Name: "C. Babbage"}, []int64{3}},
		"syntax of a query":       {store.Search{Name: "ada & !byron:* | '"}, []int64{2}},
		"nothing":                 {store.Search{Name: " *& "}, nil},
		"several":                 {store.Search{Name: "babbage", Emails: []string{"ada@example.org"}}, []int64{1, 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []int64
			for _, item := range must[[]store.FoundItem](t)(w.SearchItems(t.Context(), tt.q, 10)) {
				got = append(got, item.ItemID)
				if item.Rejected != (item.ItemID == 1) || item.DeadLetters != int(item.ItemID)/3 || (item.DeletedAt != nil) != (item.ItemID == 2) {
					t.Errorf("the state of item %d is wrong: %+v", item.ItemID, item)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}
