package mondayclient_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
)

func writes(n int) []mondayclient.Write {
	list := make([]mondayclient.Write, n)
	for i := range list {
		list[i] = mondayclient.Write{BoardID: 18421858736, ItemID: 12736724196 + int64(i), Columns: map[string]any{"text_sfid": `00Q"\` + fmt.Sprint(i)}}
	}
	return list
}

// all is a handler that answers every alias of the document with an id.
func all(w http.ResponseWriter, r request) {
	var aliases []string
	for i := range len(r.Variables) / 3 {
		aliases = append(aliases, fmt.Sprintf(`"a%d":{"id":"1"}`, i))
	}
	io.WriteString(w, `{"data":{`+strings.Join(aliases, ",")+`,"complexity":{"after":5}}}`)
}

func TestWrite(t *testing.T) {
	t.Parallel()
	m := setup(t, all)
	fates, err := m.client.Write(t.Context(), writes(2))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]error{nil, nil}, fates); diff != "" {
		t.Errorf("fates (-want +got):\n%s", diff)
	}
	vars := map[string]any{
		"b0": "18421858736", "i0": "12736724196", "v0": `{"text_sfid":"00Q\"\\0"}`,
		"b1": "18421858736", "i1": "12736724197", "v1": `{"text_sfid":"00Q\"\\1"}`,
	}
	if diff := cmp.Diff(vars, m.asked[0].Variables); diff != "" {
		t.Errorf("variables (-want +got):\n%s", diff)
	}
	if strings.Contains(m.asked[0].Query, "00Q") || strings.Contains(m.asked[0].Query, "12736724196") {
		t.Errorf("a value is in the document:\n%s", m.asked[0].Query)
	}
	if diff := cmp.Diff([]string{"write ok 2/0"}, m.seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{5}, m.left); diff != "" {
		t.Errorf("complexity (-want +got):\n%s", diff)
	}
}

// TestWriteIdempotencyKey: a key repeated within half an hour would be answered from memory, and the value would not be
// restored.
func TestWriteIdempotencyKey(t *testing.T) {
	t.Parallel()
	m := setup(t, all)
	for range 2 {
		if _, err := m.client.Write(t.Context(), writes(1)); err != nil {
			t.Fatal(err)
		}
	}
	first, second := m.asked[0].header.Get("Idempotency-Key"), m.asked[1].header.Get("Idempotency-Key")
	if first == "" || first == second {
		t.Errorf("keys %q and %q", first, second)
	}
}

func TestWriteMany(t *testing.T) {
	t.Parallel()
	m := setup(t, func(w http.ResponseWriter, r request) {
		if r.Variables["i0"] == "12736724246" { // the second call
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		all(w, r)
	})
	fates, err := m.client.Write(t.Context(), writes(120))
	if e := wantError(t, err, ""); e.Status != http.StatusBadGateway || !e.Outage() {
		t.Errorf("error %v", err)
	}
	if len(fates) != 120 || len(m.asked) != 2 {
		t.Fatalf("%d fates of 120, %d calls", len(fates), len(m.asked))
	}
	for i, fate := range fates {
		if (fate == nil) != (i < 50) {
			t.Errorf("fate %d: %v", i, fate)
		}
	}
	if diff := cmp.Diff([]string{"write ok 50/0", "write 502 0/50"}, m.seen); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
}

func TestWriteFates(t *testing.T) {
	t.Parallel()
	const bad = `{"message":"SECRET","path":["a1"],"extensions":{"code":"ColumnValueException","status_code":200,"error_data":{"column_type":"color","column_value":"SECRET"}}}`
	tests := map[string]struct {
		body string
		want []string // codes; "" is done
	}{
		"one failed":            {`{"data":{"a0":{"id":"1"},"a1":null,"a2":{"id":"3"}},"errors":[` + bad + `],"extensions":{"request_id":"r"}}`, []string{"", "ColumnValueException", ""}},
		"one failed, with data": {`{"data":{"a0":{"id":"1"},"a1":{"id":"2"},"a2":{"id":"3"}},"errors":[` + bad + `]}`, []string{"", "ColumnValueException", ""}},
		"deeper path":           {`{"data":{"a0":{"id":"1"},"a1":null,"a2":{"id":"3"}},"errors":[{"path":["a1","id"],"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}`, []string{"", "INTERNAL_SERVER_ERROR", ""}},
		"unexplained":           {`{"data":{"a0":{"id":"1"},"a1":null}}`, []string{"", "NO_ANSWER", "NO_ANSWER"}},
		"error of no alias":     {`{"data":{"a0":{"id":"1"},"a1":null,"a2":null},"errors":[` + bad + `,{"extensions":{"code":"COMPLEXITY_BUDGET_EXHAUSTED"}}]}`, []string{"", "ColumnValueException", "COMPLEXITY_BUDGET_EXHAUSTED"}},
		"only the budget":       {`{"data":{"a0":{"id":"1"},"a1":{"id":"2"},"a2":{"id":"3"},"complexity":null},"errors":[{"path":["complexity"],"extensions":{"code":"X"}}]}`, []string{"", "", ""}},
		"data a list":           {`{"data":[],"errors":[` + bad + `]}`, []string{"NO_ANSWER", "ColumnValueException", "NO_ANSWER"}},
		"all null":              {`{"data":{"a0":null,"a1":null,"a2":null},"errors":[` + bad + `,{"path":["a0"],"extensions":{"code":"X"}},{"path":["a2"],"extensions":{"code":"Y"}}]}`, []string{"X", "ColumnValueException", "Y"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := setup(t, says(tt.body))
			fates, err := m.client.Write(t.Context(), writes(3))
			if err != nil {
				t.Fatal(err)
			}
			for i, fate := range fates {
				if fate == nil {
					if tt.want[i] != "" {
						t.Errorf("write %d is done, want %s", i, tt.want[i])
					}
					continue
				}
				e := wantError(t, fate, tt.want[i])
				if e.Permanent() != (e.Code == "ColumnValueException") || e.Outage() || strings.Contains(fate.Error(), "SECRET") {
					t.Errorf("write %d: %v, permanent %v, outage %v", i, fate, e.Permanent(), e.Outage())
				}
			}
		})
	}
}

func TestWriteThrottled(t *testing.T) {
	t.Parallel()
	m := setup(t, func(w http.ResponseWriter, _ request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusConflict)
		io.WriteString(w, `{"errors":[{"message":"A request with this idempotency key is currently being processed","extensions":{"code":"IDEMPOTENCY_CONFLICT"}}]}`)
	})
	fates, err := m.client.Write(t.Context(), writes(1))
	if e := wantError(t, err, "IDEMPOTENCY_CONFLICT"); e.RetryAfter() != 2*time.Second || e.Outage() {
		t.Errorf("wait %v, outage %v", e.RetryAfter(), e.Outage())
	}
	wantError(t, fates[0], "IDEMPOTENCY_CONFLICT")
}
