package cli

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// values of one customer, as they might be recognized anywhere.
var values = []string{"Zyxwvina", "Qponmlkjson", "Vutsrq Holdings", "zyxwvina.q@qponmlkj.example", "9876543", "Hgfedcba"}

// TestSecrecy lets everything go wrong that can, with values and secrets that are easily found, and looks for them wherever
// something is told.
func TestSecrecy(t *testing.T) {
	t.Parallel()
	secrets := []string{secret, "monday-token", "client-secret", "telegram-token", "hush-password", "hush-slack", "!AQ"} // the last is in every session of Salesforce's
	w := setup(t, slacking, with("ADMIN_USER", "admin"), with("ADMIN_PASSWORD", "hush-password"), with("MAX_ATTEMPTS", "2"))
	w.env["SLACK_WEBHOOK_URL"] += "/services/hush-slack"
	w.telegram.refuseNext(1)
	w.start("serve")
	w.subscribe()
	w.refuse("Lead", "Email", "zyxwvina.q@qponmlkj.example")
	w.salesforce.Insert("Contact", map[string]any{"LastName": "First", "Email": "zyxwvina.q@qponmlkj.example"})
	w.salesforce.Insert("Contact", map[string]any{"LastName": "Second", "Email": "zyxwvina.q@qponmlkj.example"})

	lead := w.lead("Zyxwvina Qponmlkjson", "Vutsrq Holdings", map[string]any{"email": email("zyxwvina.q@qponmlkj.example"), "amount": "9876543"})
	w.quiet()
	for n, fault := range []sfsim.Fault{
		{Status: 400, Body: `[{"errorCode":"JSON_PARSER_ERROR","message":"Cannot deserialize Vutsrq Holdings"}]`},
		{Status: 400, Body: `[{"errorCode":"Vutsrq Holdings","message":"Vutsrq Holdings","fields":["Vutsrq Holdings"]}]`},
		{Status: 500, Body: `[{"errorCode":"UNKNOWN_EXCEPTION","message":"Zyxwvina Qponmlkjson"}]`},
		{Status: 503, Body: `<html>Zyxwvina Qponmlkjson</html>`},
		{Status: 200, Body: `{"Vutsrq Holdings`},
	} {
		w.failingOnce(fault)
		w.monday.SetColumn(lead, "company", fmt.Sprint("Vutsrq Holdings ", n))
		w.quiet()
	}
	w.salesforce.OnCall(nil)
	var calls atomic.Int64
	w.monday.OnCall(func(mondaysim.Call) *mondaysim.Fault {
		if calls.Add(1) == 1 {
			return &mondaysim.Fault{Status: 200, Body: `{"data":null,"errors":[{"message":"Zyxwvina Qponmlkjson","extensions":{"code":"SomethingException","error_data":{"value":"Vutsrq Holdings"}}}]}`}
		}
		return nil
	})
	w.monday.SetColumn(lead, "status", label("Lost")) // has no value for the opportunity's stage
	w.monday.CreateItem(accounts, "Hgfedcba", map[string]any{"phone": map[string]any{"phone": "9876543", "countryShortName": ""}, "text_sfid": "Hgfedcba"})
	w.monday.CreateItem(accounts, "Hgfedcba", map[string]any{"text_sfid": "001000000009876543"})
	for _, body := range []string{"Zyxwvina", `{"event":{"type":"Zyxwvina","boardId":"Vutsrq Holdings"}}`, `{"event":{"type":"create_pulse","boardId":1003,"pulseId":"Zyxwvina"}}`} {
		w.deliver(body)
	}
	w.get(w.ingest + "Zyxwvina")
	w.get(w.admin + "/jobs/api/jobs")
	w.quiet()
	w.alerted()
	if n := w.count("SELECT count(*) FROM dead_letters"); n < 6 {
		t.Errorf("%d dead letters: less went wrong than was meant to", n)
	}

	for place, text := range w.tellings() {
		for _, word := range append(secrets, values...) {
			if at := strings.Index(text, word); at >= 0 {
				t.Errorf("%s tells %q: %.300s", place, word, text[max(0, at-200):])
			}
		}
	}
	_, list, _ := w.command("replay")
	for _, word := range values {
		if strings.Contains(list, word) {
			t.Errorf("the list of dead letters tells %q:\n%s", word, list)
		}
	}
}

// failingOnce makes the next write to Salesforce fail.
func (w *world) failingOnce(fault sfsim.Fault) {
	var calls atomic.Int64
	w.failing(fault, func(c sfsim.Call) bool { return len(c.Records) > 0 && calls.Add(1) == 1 })
}

// tellings is all that the program tells, by the place where it does.
func (w *world) tellings() map[string]string {
	texts := map[string]string{"a metric": w.scrape(), "Telegram": strings.Join(w.telegram.texts(), "\n"), "Slack": strings.Join(w.slack.texts(), "\n")}
	for n, log := range w.logs {
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
		var raw json.RawMessage
		w.ask(&raw, query)
		texts[place] = string(raw)
	}
	return texts
}
