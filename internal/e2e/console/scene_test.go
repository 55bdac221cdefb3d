package console_test

import (
	"fmt"
	"strings"

	"crmsync/internal/e2e"
)

// scene is a week of a small nonprofit, with an example of everything that the console shows.
type scene struct {
	synced, rejected, drifted, waiting int64  // items
	cause                              string // id
}

// people are the leads of the scene.
var people = []struct{ name, company, status, amount string }{
	{"Maria Fernández", "Riverside Food Bank", "Quote", "12500"},
	{"Jonas Becker", "Harbor Youth Center", "Qualified", "4000"},
	{"Amara Okafor", "Green Valley Schools", "Follow-up", "8200"},
	{"Li Wei", "Eastside Clinic", "MOU", "30000"},
	{"Priya Raman", "Lakeview Shelter", "Quote", "6400"},
	{"Tom O’Brien", "Northern Arts Trust", "Qualified", "1500"},
	{"Sofia Rossi", "Bridge Literacy Project", "New", "900"},
	{"Noah Williams", "Hillside Community Garden", "Follow-up", "2750"},
	{"Emma Larsen", "Open Door Initiative", "Quote", "5100"},
	{"Daniel Kim", "Second Harvest Kitchen", "MOU", "18000"},
	{"Fatima Haddad", "Welcome House", "Qualified", "3300"},
	{"Marta Nowak", "Riverside Food Bank", "Quote", "1200"},
	{"Lucas Silva", "Coastal Rescue", "Follow-up", "7700"},
}

// play creates the scene.
func play(w *e2e.World) (s scene) {
	w.T.Helper()
	w.Salesforce.Reject("Lead", "Email", func(v any) string {
		if text, _ := v.(string); strings.Contains(text, "harbor") || strings.Contains(text, "northern") || strings.Contains(text, "welcome") {
			return e2e.Rejection
		}
		return ""
	})
	w.Salesforce.Reject("Opportunity", "Amount", func(v any) string {
		if v == 30000.0 {
			return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
		}
		return ""
	})
	items := map[string]int64{}
	for _, p := range people {
		items[p.name] = w.Monday.CreateItem(e2e.Leads, p.name, map[string]any{
			"status": e2e.Label(p.status), "company": p.company, "amount": p.amount, "email": e2e.Email(address(p.name, p.company)),
		})
	}
	w.Flush()
	w.Monday.SetColumn(items["Noah Williams"], "company", "Hillside Garden Association")
	w.Mail.Take() // lost
	s = scene{synced: items["Maria Fernández"], rejected: items["Jonas Becker"], drifted: items["Amara Okafor"], waiting: items["Sofia Rossi"]}
	w.Salesforce.Update("Lead", w.Record("Lead", s.drifted)["Id"].(string),
		map[string]any{"Company": "Green Valley School District"})
	w.Monday.SetColumn(s.synced, "status", e2e.Label("MOU"))
	w.Flush()
	w.Monday.SetColumn(s.synced, "amount", "13750")
	w.Flush()
	s.furnish(w)
	w.Eventually("the cause is known", func() bool { return w.Count("SELECT count(*) FROM causes WHERE closed_at IS NULL") > 0 })
	s.cause = w.Text("SELECT cause_id FROM causes ORDER BY first_at LIMIT 1")
	return s
}

// furnish adds data that would take days to accumulate.
func (s scene) furnish(w *e2e.World) {
	w.T.Helper()
	w.Exec(`INSERT INTO hours (hour, counted_to, success, unchanged, skipped, failed, lags, queued, oldest, salesforce_used, salesforce_limit, monday_used, monday_limit)
		SELECT h, h, busy, busy / 3, busy / 8, CASE WHEN extract(hour FROM h) = 11 AND extract(day FROM h)::int % 6 = 0 THEN busy / 12 ELSE 0 END,
		       ARRAY[0, 0, busy / 6, busy / 2, busy / 4, busy / 12, CASE WHEN extract(hour FROM h) = 14 THEN busy / 9 ELSE 0 END, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
		       busy / 5, busy / 900.0, 21000 + (busy * 9), 100000, (extract(hour FROM h) * 41)::int, 5000
		FROM   (SELECT h, (20 + 260 * greatest(sin(pi() * (extract(hour FROM h) - 6) / 14), 0)
		                   * CASE WHEN extract(isodow FROM h) > 5 THEN 0.2 ELSE 0.8 + 0.4 * abs(sin(extract(day FROM h)::float8)) END)::int AS busy
		        FROM   generate_series(date_trunc('hour', now()) - interval '30 days', date_trunc('hour', now()), interval '1 hour') h) AS days
		ON CONFLICT (hour) DO UPDATE SET success = excluded.success, salesforce_used = excluded.salesforce_used, monday_used = excluded.monday_used`)
	w.Exec(`INSERT INTO sweeps (board_id, board, kind, state, started_at, finished_at, pages, items, fields, differing, written)
		SELECT b.id, b.name, 'reconcile', 'done', date_trunc('day', now()) - d * interval '1 day' + interval '3 hours',
		       date_trunc('day', now()) - d * interval '1 day' + interval '3 hours' + b.id % 7 * interval '31 seconds', 3, b.n, b.n * 9, (b.id + d) % 4, (b.id + d) % 3
		FROM   (VALUES (1001, 'accounts', 412), (1002, 'contacts', 683), (1003, 'leads', 1240)) AS b(id, name, n), generate_series(0, 2) d
		ORDER  BY d DESC, b.id`)
	w.Exec(`INSERT INTO differences (run_id, board_id, item_id, record, object, salesforce_id, field, kind, code, action)
		SELECT (SELECT max(id) FROM sweeps WHERE board_id = 1003), 1003, item_id, 'lead', 'Lead', salesforce_id, f.field, f.kind, '', f.action
		FROM   links, (VALUES ('Company', 'salesforce_changed', 'leave'), ('Email', 'first_meeting', 'leave'), ('LastName', 'monday_changed', 'write')) AS f(field, kind, action)
		WHERE  record = 'lead' AND item_id = $1`, s.drifted)
	w.Exec(`INSERT INTO conflicts (board_id, item_id, record, salesforce_id, field, column_id, base, monday, salesforce, monday_at, salesforce_at, rule, decided_at)
		VALUES (1002, $1, 'contact', '0035f0000000001AAA', 'Phone', 'phone', '"+12125550100"', '"+12125550142"', '"+12125550177"',
		        now() - interval '3 hours', now() - interval '2 hours 50 minutes', 'monday', now() - interval '2 hours 45 minutes'),
		       (1002, $2, 'contact', '0035f0000000002AAA', 'Title', 'text_title', '"Volunteer"', '"Team lead"', '"Coordinator"',
		        now() - interval '26 hours', now() - interval '25 hours', 'salesforce', now() - interval '25 hours')`, s.synced, s.drifted)
	for n := range 6 {
		item := int64(8300000001 + n)
		w.Exec("INSERT INTO items (item_id, board_id, name, known, deleted_at) VALUES ($1, 1002, $2, true, now())", item,
			fmt.Sprintf("Volunteer %d", n+1))
		w.Exec("INSERT INTO deletions (item_id, board_id, state, at) VALUES ($1, 1002, 'held', now() - interval '40 minutes')", item)
	}
	w.Exec("INSERT INTO operations (actor, via, act, subject, reason, items, at) VALUES ('anna', 'console', 'resync', $2, 'asked for by the donor', ARRAY[$1::bigint], now())",
		s.synced, fmt.Sprint("item ", s.synced))
}

// address is a person's address at a company.
func address(name, company string) string {
	plain := strings.NewReplacer(" ", ".", "’", "", "á", "a")
	return strings.ToLower(plain.Replace(name) + "@" + strings.ReplaceAll(company, " ", "") + ".example")
}
