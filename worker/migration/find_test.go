package migration

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

var matches = cmp.AllowUnexported(created{}, linked{}, found{}, leftAlone{})

func TestMatchLinks(t *testing.T) {
	t.Parallel()
	link := func(item int64) *ledger.Link { return &ledger.Link{ItemID: item, Record: "contact"} }
	own := store.Linked{Link: link(70), BoardID: contactsBoard}
	ended := store.Linked{Link: link(71), BoardID: contactsBoard, Ended: true}
	elsewhere := store.Linked{Link: &ledger.Link{ItemID: 72, Record: "account"}, BoardID: accountsBoard}
	unmapped := store.Linked{Link: &ledger.Link{ItemID: 73, Record: "contact"}, BoardID: 4444}
	tests := map[string]struct {
		links []store.Linked
		want  match
	}{
		"none":                       {},
		"the board's":                {[]store.Linked{own}, linked{70, own.Link}},
		"deleted":                    {[]store.Linked{ended}, leftAlone{itemDeleted}},
		"deleted, and another one":   {[]store.Linked{ended, own}, linked{70, own.Link}},
		"another board's":            {[]store.Linked{elsewhere}, leftAlone{itemElsewhere}},
		"another board's and ours":   {[]store.Linked{elsewhere, own}, linked{70, own.Link}},
		"of a board without mapping": {[]store.Linked{unmapped}, nil},
		"deleted and elsewhere":      {[]store.Linked{ended, elsewhere}, leftAlone{itemDeleted}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := parse(t, twoBoards)
			same(t, "match", tt.want, matchLinks(m, m.Board(contactsBoard).Migration.Record, tt.links), matches)
		})
	}
}

func TestMatchKey(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		item *mondayclient.Item
		want match
	}{
		"unknown to Monday":     {},
		"active":                {&mondayclient.Item{ID: 70, BoardID: contactsBoard, State: "active"}, found{70, ledger.Created}},
		"archived":              {&mondayclient.Item{ID: 70, BoardID: contactsBoard, State: "archived"}, leftAlone{itemDeleted}},
		"on another board":      {&mondayclient.Item{ID: 70, BoardID: accountsBoard, State: "active"}, leftAlone{itemElsewhere}},
		"on an unmapped board":  {&mondayclient.Item{ID: 70, BoardID: 4444, State: "active"}, nil},
		"on an invisible board": {&mondayclient.Item{ID: 70, State: "active"}, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "match", tt.want, matchKey(parse(t, twoBoards), contactsBoard, tt.item), matches)
		})
	}
}

// TestShownItems: a search answers from an index that may lag, with Ids in either form.
func TestShownItems(t *testing.T) {
	t.Parallel()
	shows := func(item int64, text string) mondayclient.Item {
		return mondayclient.Item{ID: item, Columns: map[string]column.Value{"text_sfid": textValue(text)}}
	}
	one, two, three := contactID(1), contactID(2), contactID(3)
	tests := map[string]struct {
		items []mondayclient.Item
		want  map[string]int64
	}{
		"none":                     {want: map[string]int64{}},
		"18 characters":            {[]mondayclient.Item{shows(70, one)}, map[string]int64{one: 70}},
		"15 characters":            {[]mondayclient.Item{shows(70, one[:15])}, map[string]int64{one: 70}},
		"several: the oldest":      {[]mondayclient.Item{shows(72, one), shows(70, one[:15]), shows(71, one)}, map[string]int64{one: 70}},
		"shows another by now":     {[]mondayclient.Item{shows(70, three), shows(71, two)}, map[string]int64{two: 71}},
		"shows nothing by now":     {[]mondayclient.Item{shows(70, "")}, map[string]int64{}},
		"shows no Id by now":       {[]mondayclient.Item{shows(70, "see Ada")}, map[string]int64{}},
		"without the column":       {[]mondayclient.Item{{ID: 70}}, map[string]int64{}},
		"each of those asked for":  {[]mondayclient.Item{shows(70, one), shows(71, two)}, map[string]int64{one: 70, two: 71}},
		"case changed by a person": {[]mondayclient.Item{shows(70, lower(one))}, map[string]int64{one: 70}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "shown", tt.want, shownItems([]string{one, two}, tt.items, "text_sfid"))
		})
	}
	same(t, "texts", []string{one, two, one[:15], two[:15]}, bothForms([]string{one, two}))
}

func lower(id string) string {
	text := []byte(id)
	for n, c := range text {
		if c >= 'A' && c <= 'Z' {
			text[n] = c + 'a' - 'A'
		}
	}
	return string(text)
}
