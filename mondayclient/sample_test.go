package mondayclient_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDatesWithTime(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"boards":[{"page":{"items":[
		{"column_values":[{"id":"start","time":"08:00:00"},{"id":"due","time":""},{}]},
		{"column_values":[{"id":"start","time":"09:30:00"},{"id":"due","time":null}]},
		null
	]}}],"complexity":{"after":1}}}`))
	got, err := m.client.DatesWithTime(t.Context(), 1003, []string{"start", "due"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"start"}, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"ids": []any{"1003"}, "columns": []any{"start", "due"}}, m.asked[0].Variables); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestDatesWithTimeRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ answer, code string }{
		"no board":   {`{"data":{"boards":[]}}`, "UNEXPECTED_ANSWER"},
		"no page":    {`{"data":{"boards":[{"page":null}]},"errors":[{"message":"x","path":["boards",0,"page"],"extensions":{"code":"UserUnauthorizedException"}}]}`, "UserUnauthorizedException"},
		"complexity": {`{"data":{"boards":[{"page":null}],"complexity":null}}`, "UNEXPECTED_ANSWER"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t, says(tt.answer)).client.DatesWithTime(t.Context(), 1, []string{"d"})
			wantError(t, err, tt.code)
		})
	}
}
