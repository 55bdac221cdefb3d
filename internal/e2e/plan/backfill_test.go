package plan_test

import (
	"fmt"
	"strings"
	"testing"

	"crmsync/internal/e2e"
	sfsim "crmsync/internal/sim/salesforce"
)

// contactMapping returns a mapping of the contacts board with additional fields.
func contactMapping(fields string) string {
	return fmt.Sprintf(`
version: 1
defaults: { phone_country: US, reconcile: "off" }
boards:
  contacts:
    board: 1002
    records:
      contact:
        object: Contact
        match: [Email]
        fields: { LastName: name, Email: email%s }
`, fields)
}

// backfilled is a world whose worker was started with one mapping, and is restarted with others.
func backfilled(t *testing.T, options ...e2e.Option) (w *e2e.World, restart func(fields string)) {
	w = e2e.Setup(t, append([]e2e.Option{e2e.Mapped(contactMapping(""))}, options...)...)
	w.Start("ingest")
	w.Subscribe()
	stop := w.Start("worker")
	w.Eventually("the first mapping is recorded", func() bool { return w.Count("SELECT count(*) FROM board_mappings") == 1 })
	return w, func(fields string) {
		stop()
		w.Env["MAPPING"] = w.Mapping(contactMapping(fields))
		stop = w.Start("worker")
	}
}

// ended waits until a number of sweeps of a kind have ended and nothing is left to do.
func ended(w *e2e.World, kind string, n int) {
	w.T.Helper()
	w.Eventually(fmt.Sprintf("%d sweeps (%s) have ended", n, kind), func() bool {
		return w.Count("SELECT count(*) FROM sweeps WHERE kind = $1 AND state = 'done'", kind) >= n
	})
	w.Quiet()
	w.Expect(n, "SELECT count(*) FROM sweeps WHERE kind = $1", kind)
}

func phone(number string) map[string]any {
	return map[string]any{"phone": number, "countryShortName": "US"}
}

// TestBackfillOtherColumn: a field that is mapped to another column is only reported by the backfill, and takes the other
// column's value with the item's next event, unless somebody has changed Salesforce's value meanwhile.
func TestBackfillOtherColumn(t *testing.T) {
	t.Parallel()
	w, restart := backfilled(t)
	restart(", Phone: phone")
	ended(w, "backfill", 1)
	create := func(name string) int64 {
		return w.Monday.CreateItem(e2e.Contacts, name, map[string]any{"phone": phone("111"), "text_sfid": "222"})
	}
	ours, theirs := create("Ada"), create("Grace")
	w.Quiet()
	w.Salesforce.Update("Contact", w.Record("Contact", theirs)["Id"].(string), map[string]any{"Phone": "999"})

	restart(", Phone: text_sfid")
	ended(w, "backfill", 2)
	w.Holds(w.Record("Contact", ours), map[string]any{"Phone": "111"})
	w.Expect(2, "SELECT count(*) FROM differences WHERE kind = 'first_meeting' AND action = 'leave' AND field = 'Phone'")
	for _, item := range []int64{ours, theirs} {
		w.Monday.SetColumn(item, "email", e2e.Email("event@example.org"))
	}
	w.Quiet()
	w.Holds(w.Record("Contact", ours), map[string]any{"Email": "event@example.org", "Phone": "222"})
	w.Holds(w.Record("Contact", theirs), map[string]any{"Email": "event@example.org", "Phone": "999"})
	w.Healthy()
}

// TestBackfill: a field that is new in the mapping is filled if it is empty in Salesforce, and reported if it differs,
// without an event of the items. A field that differs only in its default is left alone. Each change of the mapping is
// processed once.
func TestBackfill(t *testing.T) {
	t.Parallel()
	w, restart := backfilled(t)
	create := func(name string, values map[string]any) int64 {
		values["email"] = e2e.Email(strings.ToLower(name) + "@example.org")
		return w.Monday.CreateItem(e2e.Contacts, name, values)
	}
	empty := create("Ada", map[string]any{"phone": phone("+12125550100")})
	same := create("Grace", map[string]any{"phone": phone("+12125550101")})
	other := create("Mary", map[string]any{"phone": phone("+12125550102")})
	none := create("Rosa", map[string]any{})
	w.Quiet()
	for item, number := range map[int64]string{same: "+12125550101", other: "+12125550999", none: "+12125550998"} {
		w.Salesforce.Update("Contact", w.Record("Contact", item)["Id"].(string), map[string]any{"Phone": number, "Title": "By hand"})
	}
	w.Expect(0, "SELECT count(*) FROM sweeps") // the first mapping is not a change

	const fields = ", Phone: { from: phone, as: phone }, Title: { from: text_sfid, default: Unknown }"
	restart(fields)
	ended(w, "backfill", 1)
	w.Holds(w.Record("Contact", empty), map[string]any{"Phone": "+12125550100", "Title": "Unknown"})
	w.Holds(w.Record("Contact", same), map[string]any{"Phone": "+12125550101", "Title": "By hand"})
	w.Holds(w.Record("Contact", other), map[string]any{"Phone": "+12125550999", "Title": "By hand"})
	w.Holds(w.Record("Contact", none), map[string]any{"Phone": "+12125550998", "Title": "By hand"})
	w.Expect(1, "SELECT count(*) FROM differences WHERE kind = 'first_meeting' AND action = 'leave' AND field = 'Phone' AND item_id = $1", other)
	w.Expect(1, "SELECT count(*) FROM differences WHERE action = 'leave'")
	if _, stdout, _ := w.Command("status"); !strings.Contains(stdout, "backfill of contacts") || !strings.Contains(stdout, "; 1 differ: crmsync plan") {
		t.Errorf("status does not report the backfill:\n%s", stdout)
	}

	w.Monday.SetColumn(other, "email", e2e.Email("event@example.org")) // an event of another column decides nothing
	w.Quiet()
	w.Holds(w.Record("Contact", other), map[string]any{"Email": "event@example.org", "Phone": "+12125550999"})
	w.Monday.SetColumn(other, "phone", phone("+12125550105")) // a person does
	w.Quiet()
	w.Holds(w.Record("Contact", other), map[string]any{"Phone": "+12125550105"})

	restart(fields) // nothing is new
	w.Monday.SetColumn(empty, "phone", phone("+12125550103"))
	w.Quiet()
	w.Holds(w.Record("Contact", empty), map[string]any{"Phone": "+12125550103"})
	w.Expect(1, "SELECT count(*) FROM sweeps")

	restart("") // this mapping has no new field either
	w.Eventually("the removal of the fields is recorded", func() bool { return w.Count("SELECT count(*) FROM board_mappings WHERE mapped ? 'contact.Phone'") == 0 })
	w.Expect(1, "SELECT count(*) FROM sweeps")
	w.Monday.SetColumn(empty, "phone", phone("+12125550104"))
	w.Quiet()
	restart(fields) // fields that were not mapped for a while count as new
	ended(w, "backfill", 2)
	w.Expect(1, "SELECT count(*) FROM differences WHERE field = 'Phone' AND item_id = $1 AND kind = 'monday_changed' AND action = 'write'", empty)
	w.Holds(w.Record("Contact", empty), map[string]any{"Phone": "+12125550104"})
	w.Healthy()
}

// TestBackfillOff: without backfills, a changed mapping is only logged, and apply carries it out.
func TestBackfillOff(t *testing.T) {
	t.Parallel()
	w, restart := backfilled(t, e2e.With("BACKFILL", "off"))
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"phone": phone("+12125550100")})
	w.Quiet()
	restart(", Phone: { from: phone, as: phone }")
	log := w.Logs[len(w.Logs)-1]
	w.Eventually("the log reports the new mapping", func() bool { return log.Contains("the mapping has changed: crmsync plan shows") })
	w.Holds(w.Record("Contact", item), map[string]any{"Phone": nil})
	apply(w)
	w.Holds(w.Record("Contact", item), map[string]any{"Phone": "+12125550100"})
	restart(", Phone: { from: phone, as: phone }")
	w.Expect(1, "SELECT count(*) FROM board_mappings WHERE mapped ? 'contact.Phone'")
	w.Expect(0, "SELECT count(*) FROM sweeps WHERE kind = 'backfill'")
	w.Healthy()
}

// TestBackfillLabel: a label that caused a dead letter is added to the mapping. The backfill sends it, since
// Salesforce holds what was sent last.
func TestBackfillLabel(t *testing.T) {
	t.Parallel()
	w, restart := backfilled(t)
	const before, after = ", Title: { from: text_sfid, labels: { Clerk: Staff } }", ", Title: { from: text_sfid, labels: { Clerk: Staff, Boss: Head } }"
	restart(before)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"text_sfid": "Clerk"})
	other := w.Monday.CreateItem(e2e.Contacts, "Grace", map[string]any{"text_sfid": "Clerk"})
	w.Quiet()
	for _, each := range []int64{item, other} {
		w.Monday.SetColumn(each, "text_sfid", "Boss")
	}
	w.Quiet()
	w.Expect(2, "SELECT count(*) FROM dead_letters WHERE reason LIKE '%UNMAPPED_LABEL%'")
	w.Salesforce.Update("Contact", w.Record("Contact", other)["Id"].(string), map[string]any{"Title": "By hand"})
	n := w.Count("SELECT count(*) FROM sweeps")
	restart(after)
	ended(w, "backfill", n+1)
	w.Holds(w.Record("Contact", item), map[string]any{"Title": "Head"})
	w.Holds(w.Record("Contact", other), map[string]any{"Title": "By hand"})
}

// TestBackfillLabelOfNew: a record is created without a label that is not mapped, and Salesforce fills the field with a
// default. Once the label is mapped, the backfill leaves the default, and a replay of the dead letter sends the label.
func TestBackfillLabelOfNew(t *testing.T) {
	t.Parallel()
	w, restart := backfilled(t, e2e.Salesforce(func(c *sfsim.Config) {
		for n := range c.Objects {
			for k, f := range c.Objects[n].Fields {
				if c.Objects[n].Name == "Contact" && f.Name == "Title" {
					c.Objects[n].Fields[k].Default = "Assistant"
				}
			}
		}
	}))
	const before, after = ", Title: { from: text_sfid, labels: { Clerk: Staff } }", ", Title: { from: text_sfid, labels: { Clerk: Staff, Boss: Head } }"
	restart(before)
	item := w.Monday.CreateItem(e2e.Contacts, "Ada", map[string]any{"text_sfid": "Boss"})
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Title": "Assistant"})
	w.DeadLetter()
	n := w.Count("SELECT count(*) FROM sweeps")
	restart(after)
	ended(w, "backfill", n+1)
	w.Holds(w.Record("Contact", item), map[string]any{"Title": "Assistant"})
	if out := w.Crmsync("replay", "--all"); out != "1 put back into the queue.\n" {
		t.Error(out)
	}
	w.Quiet()
	w.Holds(w.Record("Contact", item), map[string]any{"Title": "Head"})
	w.Expect(0, "SELECT count(*) FROM dead_letters WHERE closed_at IS NULL AND replayed_at IS NULL")
}
