package mondayclient_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/mondayclient"
)

func TestAdvice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer func(http.ResponseWriter, request)
		want   string
	}{
		"version": {says(`{"errors":[{"message":"x","extensions":{"code":"InvalidVersionException"}}]}`), "MONDAY_API_VERSION"},
		"token":   {says(`{"errors":["Not Authenticated"]}`), "MONDAY_API_TOKEN"},
		"day": {func(w http.ResponseWriter, _ request) {
			w.WriteHeader(http.StatusTooManyRequests)
			io.WriteString(w, `{"errors":[{"extensions":{"code":"DAILY_LIMIT_EXCEEDED"}}]}`)
		}, "00:00 UTC"},
		"permissions": {says(`{"errors":[{"extensions":{"code":"missingRequiredPermissions"}}]}`), "boards:write"},
		"a board":     {says(`{"errors":[{"extensions":{"code":"USER_UNAUTHORIZED","status_code":403}}]}`), "access to the board"},
		"an item": {says(`{"data":{"items":[null]},"errors":[{"path":["items",0],"extensions":{"code":"UserUnauthorizedException"}}]}`),
			"access to the board"},
		"away":                 {says(``), "status.monday.com"},
		"a column, unheard of": {says(`{"errors":[{"extensions":{"code":"SomethingNewException","status_code":400}}]}`), ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := setup(t, tt.answer).client.Items(t.Context(), []int64{1}, nil)
			e, ok := errors.AsType[*mondayclient.Error](err)
			if !ok || !strings.Contains(e.Advice(), tt.want) || tt.want == "" && e.Advice() != "" {
				t.Errorf("advice on %v: %q, want %q", err, e.Advice(), tt.want)
			}
		})
	}
}

func TestExistences(t *testing.T) {
	t.Parallel()
	m := setup(t, says(`{"data":{"items":[{"id":"1","state":"active","board":{"id":"7"}},{"id":"2","state":"archived","board":{"id":"8"}},{"id":"3","state":"deleted","board":null}]}}`))
	ids := make([]int64, 101)
	for n := range ids {
		ids[n] = int64(n + 1)
	}
	got, err := m.client.Existences(t.Context(), ids)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int64]mondayclient.Existence{
		1: {BoardID: 7, State: mondayclient.Active}, 2: {BoardID: 8, State: mondayclient.Archived}, 3: {State: mondayclient.Deleted},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("existences (-want +got):\n%s", diff)
	}
	if want[1].State.IsEnded() || !want[2].State.IsEnded() || !want[3].State.IsEnded() {
		t.Error("archived and deleted items have ended, active ones have not")
	}
	if len(m.asked) != 2 || len(m.asked[0].Variables["ids"].([]any)) != 100 {
		t.Errorf("asked %d times", len(m.asked))
	}
	for name, body := range map[string]string{
		"unknown state":  `{"data":{"items":[{"id":"1","state":"frozen","board":null}]}}`,
		"null":           `{"data":{"items":[null]}}`,
		"no items":       `{"data":{"items":null}}`,
		"an item failed": `{"data":{"items":[{"id":"1","state":"active","board":null},null]},"errors":[{"path":["items",1]}]}`,
	} {
		if got, err := setup(t, says(body)).client.Existences(t.Context(), ids[:2]); err == nil {
			t.Errorf("%s: %v, want an error, so that absence is reliable", name, got)
		}
	}
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	today := time.Now().UTC().Format(time.DateOnly)
	const me = `"me":{"id":"67214742","name":"Sync Bot","account":{"id":18765432,"slug":"example"}}`
	who := mondayclient.Identity{UserID: 67214742, User: "Sync Bot", AccountID: 18765432, Account: "example"}
	limited := who
	limited.DailyLimit, limited.UsedToday = 10000, 421
	older := func(w http.ResponseWriter, r request) {
		if strings.Contains(r.Query, "platform_api") {
			io.WriteString(w, `{"errors":[{"message":"Cannot query field","extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`)
			return
		}
		io.WriteString(w, `{"data":{"me":{"id":"67214742"}}}`)
	}
	tests := map[string]struct {
		answer func(http.ResponseWriter, request)
		want   mondayclient.Identity
	}{
		"all": {says(`{"data":{` + me + `,"platform_api":{"daily_limit":{"total":10000},"daily_analytics":{"by_day":[{"day":"2020-01-01","usage":7},{"day":"` +
			today + `","usage":421}]}}}}`), limited},
		"no limit":              {says(`{"data":{` + me + `,"platform_api":null}}`), who},
		"limit hidden":          {says(`{"data":{` + me + `,"platform_api":null},"errors":[{"path":["platform_api"],"extensions":{"code":"USER_UNAUTHORIZED","status_code":403}}]}`), who},
		"limit in another form": {says(`{"data":{` + me + `,"platform_api":{"daily_limit":7}}}`), who},
		"an older API":          {older, mondayclient.Identity{UserID: 67214742}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := setup(t, tt.answer).client.WhoAmI(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
		})
	}
	for name, body := range map[string]string{
		"refused": `{"data":{"me":null},"errors":[{"path":["me"],"extensions":{"code":"USER_UNAUTHORIZED","status_code":403}}]}`,
		"nobody":  `{"data":{"me":null}}`,
	} {
		if got, err := setup(t, says(body)).client.WhoAmI(t.Context()); err == nil {
			t.Errorf("%s: %+v, want an error", name, got)
		}
	}
	_, err := setup(t, says(`{"data":{"me":null},"errors":[{"path":["me"],"extensions":{"code":"USER_UNAUTHORIZED","status_code":403}}]}`)).client.WhoAmI(t.Context())
	if e := wantError(t, err, "USER_UNAUTHORIZED"); !e.Outage() {
		t.Error("a refused login is not an outage")
	}
}
