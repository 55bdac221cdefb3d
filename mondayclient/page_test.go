package mondayclient_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPage(t *testing.T) {
	t.Parallel()
	const item = `{"id":"1","name":"Ada","state":"active","updated_at":"2026-01-01T00:00:00Z","board":{"id":"7"},"column_values":[]}`
	m := setup(t, func(w http.ResponseWriter, r request) {
		if r.Variables["cursor"] == nil {
			io.WriteString(w, `{"data":{"boards":[{"items_page":{"cursor":"next","items":[`+item+`]}}]}}`)
			return
		}
		io.WriteString(w, `{"data":{"next_items_page":{"cursor":null,"items":[]}}}`)
	})
	first, next, err := m.client.Page(t.Context(), 7, "", []string{"a"})
	if err != nil || len(first) != 1 || next != "next" {
		t.Fatalf("first page %v, next %q: %v", first, next, err)
	}
	second, next, err := m.client.Page(t.Context(), 7, next, []string{"a"})
	if err != nil || len(second) != 0 || next != "" {
		t.Fatalf("second page %v, next %q: %v", second, next, err)
	}
	if diff := cmp.Diff([]any{float64(500), float64(500)}, []any{m.asked[0].Variables["limit"], m.asked[1].Variables["limit"]}); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// TestPageUnsure: what cannot be read must not count as absent.
func TestPageUnsure(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"no board":          `{"data":{"boards":[]}}`,
		"no page":           `{"data":{"boards":[{"items_page":null}]}}`,
		"no items":          `{"data":{"boards":[{"items_page":{"cursor":null,"items":null}}]}}`,
		"half an item":      `{"data":{"boards":[{"items_page":{"cursor":null,"items":[{"id":"1"}]}}]}}`,
		"an expired cursor": `{"errors":[{"message":"expired","extensions":{"code":"CursorException"}}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items, _, err := setup(t, says(body)).client.Page(t.Context(), 7, "", nil)
			if err == nil || len(items) != 0 || strings.Contains(err.Error(), "expired") {
				t.Errorf("items %v, error %v", items, err)
			}
		})
	}
}
