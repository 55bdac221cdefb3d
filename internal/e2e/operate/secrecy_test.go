package operate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/schema/schematest"
)

// values are the values of one customer in recognizable forms.
var values = []string{"Zyxwvina", "Qponmlkjson", "Vutsrq Holdings", "zyxwvina.q@qponmlkj.example", "9876543", "Hgfedcba"}

// TestSecrecy makes everything fail that can fail, with values and secrets that are easily found, and searches for them
// in everything that the program outputs.
func TestSecrecy(t *testing.T) {
	t.Parallel()
	secrets := []string{e2e.Secret, "monday-token", "client-secret", "telegram-token", "hush-password", "hush-slack", "!AQ"} // the last is in every session of Salesforce's
	w := e2e.Setup(t, e2e.Slacking, e2e.With("ADMIN_USER", "admin"), e2e.With("ADMIN_PASSWORD", "hush-password"), e2e.With("MAX_ATTEMPTS", "2"))
	w.Env["SLACK_WEBHOOK_URL"] += "/services/hush-slack"
	w.Telegram.RefuseNext(1)
	w.Start("serve")
	w.Subscribe()
	w.Reject("Lead", "Email", "zyxwvina.q@qponmlkj.example")
	w.Salesforce.Insert("Contact", map[string]any{"LastName": "First", "Email": "zyxwvina.q@qponmlkj.example"})
	w.Salesforce.Insert("Contact", map[string]any{"LastName": "Second", "Email": "zyxwvina.q@qponmlkj.example"})

	lead := w.Lead("Zyxwvina Qponmlkjson", "Vutsrq Holdings", map[string]any{"email": e2e.Email("zyxwvina.q@qponmlkj.example"), "amount": "9876543"})
	w.Quiet()
	for n, fault := range []sfsim.Fault{
		{Status: 400, Body: `[{"errorCode":"JSON_PARSER_ERROR","message":"Cannot deserialize Vutsrq Holdings"}]`},
		{Status: 400, Body: `[{"errorCode":"Vutsrq Holdings","message":"Vutsrq Holdings","fields":["Vutsrq Holdings"]}]`},
		{Status: 500, Body: `[{"errorCode":"UNKNOWN_EXCEPTION","message":"Zyxwvina Qponmlkjson"}]`},
		{Status: 503, Body: `<html>Zyxwvina Qponmlkjson</html>`},
		{Status: 200, Body: `{"Vutsrq Holdings`},
	} {
		failingOnce(w, fault)
		w.Monday.SetColumn(lead, "company", fmt.Sprint("Vutsrq Holdings ", n))
		w.Quiet()
	}
	w.Salesforce.OnCall(nil)
	var calls atomic.Int64
	w.Monday.OnCall(func(mondaysim.Call) *mondaysim.Fault {
		if calls.Add(1) == 1 {
			return &mondaysim.Fault{Status: 200, Body: `{"data":null,"errors":[{"message":"Zyxwvina Qponmlkjson","extensions":{"code":"SomethingException","error_data":{"value":"Vutsrq Holdings"}}}]}`}
		}
		return nil
	})
	w.Monday.SetColumn(lead, "status", e2e.Label("Lost")) // has no value for the opportunity's stage
	w.Monday.CreateItem(e2e.Accounts, "Hgfedcba", map[string]any{"phone": map[string]any{"phone": "9876543", "countryShortName": ""}, "text_sfid": "Hgfedcba"})
	w.Monday.CreateItem(e2e.Accounts, "Hgfedcba", map[string]any{"text_sfid": "001000000009876543"})
	for _, body := range []string{"Zyxwvina", `{"event":{"type":"Zyxwvina","boardId":"Vutsrq Holdings"}}`, `{"event":{"type":"create_pulse","boardId":1003,"pulseId":"Zyxwvina"}}`} {
		w.Deliver(body)
	}
	w.Get(w.Ingest + "Zyxwvina")
	w.Get(w.Admin + "/jobs/api/jobs")
	w.Quiet()
	w.Alerted()
	if n := w.Count("SELECT count(*) FROM dead_letters"); n < 6 {
		t.Errorf("%d dead letters, want at least 6: less failed than intended", n)
	}

	for place, text := range outputs(w) {
		for _, word := range append(secrets, values...) {
			if at := strings.Index(text, word); at >= 0 {
				t.Errorf("%s contains %q: %.300s", place, word, text[max(0, at-200):])
			}
		}
	}
	_, list, _ := w.Command("replay")
	for _, word := range values {
		if strings.Contains(list, word) {
			t.Errorf("the list of dead letters contains %q:\n%s", word, list)
		}
	}
}

// failingOnce makes the next write to Salesforce fail.
func failingOnce(w *e2e.World, fault sfsim.Fault) {
	var calls atomic.Int64
	w.Failing(fault, func(c sfsim.Call) bool { return len(c.Records) > 0 && calls.Add(1) == 1 })
}

// outputs returns everything that the program outputs, by place.
func outputs(w *e2e.World) map[string]string {
	texts := map[string]string{"a metric": w.Scrape(), "Telegram": strings.Join(w.Telegram.Texts(), "\n"), "Slack": strings.Join(w.Slack.Texts(), "\n")}
	for n, log := range w.Logs {
		texts[fmt.Sprint("log ", n)] = log.String()
	}
	for place, query := range map[string]string{
		"error_logs":   "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM error_logs t",
		"sync_logs":    "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM sync_logs t",
		"dead_letters": "SELECT coalesce(jsonb_agg(to_jsonb(t) - 'args'), '[]') FROM dead_letters t",
		"outages":      "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM outages t",
		"leases":       "SELECT coalesce(jsonb_agg(to_jsonb(t)), '[]') FROM leases t",
		"river_job":    "SELECT coalesce(jsonb_agg(to_jsonb(t.errors)), '[]') FROM river_job t",
	} {
		texts[place] = string(schematest.Ask[json.RawMessage](w.T, w.DB, query))
	}
	return texts
}
