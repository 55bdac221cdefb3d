package store_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"crmsync/mondayclient/column"
	"crmsync/schema/ledger"
	"crmsync/schema/store"
)

// TestSaveKeys: the search keys of an item follow its columns, unless the lease was lost.
func TestSaveKeys(t *testing.T) {
	t.Parallel()
	w := setup(t)
	keys := func() []string {
		return ask[[]string](w, "SELECT coalesce(array_agg(key ORDER BY key), '{}') FROM item_keys WHERE item_id = 1")
	}
	save := func(columns map[string]ledger.Column, changed bool) {
		t.Helper()
		holder := uuid.New()
		item := w.claim(holder, 1)[1]
		item.Columns = columns
		if lost := w.save(holder, store.Commit{Items: []store.ItemChange{{Item: item, Changed: changed}}}); len(lost) > 0 {
			t.Fatalf("lost %v", lost)
		}
	}
	of := func(t column.Type, text string) ledger.Column {
		return ledger.Column{Value: column.Value{Type: t, Text: text}}
	}
	first := map[string]ledger.Column{
		"a": of(column.Email, "Ada@Example.org"), "b": of(column.Phone, "+1 (212) 555-0100"),
		"c": of(column.Text, "other@example.org"), "d": of(column.Text, "write to ada@example.com"),
		"e": of(column.Text, "555 0199"), "f": of(column.Text, "12345"), "g": of(column.Numbers, "1234567"),
		"h": of(column.Text, "ada@example.org"),
	}
	save(first, true)
	want := []string{"12125550100", "5550199", "ada@example.org", "ada@example.org", "other@example.org"}
	if diff := cmp.Diff(want, keys()); diff != "" {
		t.Errorf("keys of a new item (-want +got):\n%s", diff)
	}
	save(map[string]ledger.Column{"a": first["a"], "b": of(column.Phone, "+44 20 7946 0000")}, true)
	want = []string{"442079460000", "ada@example.org"}
	if diff := cmp.Diff(want, keys()); diff != "" {
		t.Errorf("keys after a change (-want +got):\n%s", diff)
	}
	late := uuid.New()
	item := w.claim(late, 1)[1]
	w.exec("UPDATE items SET lease_holder = $1", uuid.New())
	item.Columns = first
	w.save(late, store.Commit{Items: []store.ItemChange{{Item: item, Changed: true}}})
	if diff := cmp.Diff(want, keys()); diff != "" {
		t.Errorf("keys after a save without the lease (-want +got):\n%s", diff)
	}
}

// TestKeysMigration: the migration finds the same keys of stored items as the program.
func TestKeysMigration(t *testing.T) {
	t.Parallel()
	w := setup(t)
	item := &ledger.Item{Columns: map[string]ledger.Column{}}
	for _, kind := range []column.Type{column.Email, column.Phone, column.Text, column.LongText, column.Numbers} {
		for n, text := range []string{"", " ", "Ada@Example.org", " ada@b ", "a@b c", "@b", "a@", "a@b@c", "+1 (212) 555-0100",
			"1234567", "12345", "123456789012345678901", "12-34/5.6", "a, b@c", "12a3456"} {
			item.Columns[fmt.Sprint(kind, n)] = ledger.Column{Value: column.Value{Type: kind, Text: text}}
		}
	}
	w.exec("INSERT INTO items (item_id, board_id, columns) VALUES (1, 1, $1)", item.Columns)
	migration := string(must[[]byte](t)(os.ReadFile("migrations/00071_item_keys.sql")))
	_, fill, found := strings.Cut(migration, "INSERT INTO item_keys")
	fill, _, ends := strings.Cut(fill, ";\n")
	if !found || !ends {
		t.Fatal("the migration fills no item_keys")
	}
	w.exec("INSERT INTO item_keys" + fill)
	stored := ask[map[string]string](w, "SELECT jsonb_object_agg(column_id, key) FROM item_keys")
	if diff := cmp.Diff(item.SearchKeys(), stored); diff != "" {
		t.Errorf("the migration finds other keys than the program (-want +got):\n%s", diff)
	}
}
