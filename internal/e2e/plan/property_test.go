package plan_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"crmsync/internal/e2e"
)

// everyWay has fields of each direction: to Salesforce only, both ways with either side winning, and to Monday only.
const everyWay = `
version: 1
defaults: { phone_country: US, reconcile: "off", brake: { deletes: 1, percent: 0 } }
boards:
  leads:
    board: 1003
    records:
      lead:
        object: Lead
        id_column: text_sfid
        match: [Email]
        on_delete: delete
        fields:
          LastName: name
          Company: { from: company, default: Unknown }
          Status: { from: status, labels: { New: Open - Not Contacted, Qualified: Qualified } }
          Email: { from: email, sync: both }
          Phone: { from: phone, as: phone, sync: both, wins: salesforce }
          Description: { from: text_note, sync: to_monday }
`

// columns are the columns that fields come from, by field.
var columns = map[string]string{
	"LastName": "name", "Company": "company", "Status": "status", "Email": "email", "Phone": "phone", "Description": "text_note",
	"text_sfid": "text_sfid",
}

// change is what a plan says about one field, or about a record.
type change struct {
	Item         int64  `json:"-"`
	Record       string `json:"record"`
	SalesforceID string `json:"salesforce_id"`
	Field        string `json:"field"`
	Kind         string `json:"kind"`
	Monday       any    `json:"monday"`
	Salesforce   any    `json:"salesforce"`
	Action       string `json:"action"`
	To           string `json:"to"`
	Code         string `json:"code"`
}

// isUnadopted reports whether the flags ask for a direction in which the field of a first meeting is not synced.
func (c change) isUnadopted(flags []string) bool {
	var oneWay []string
	switch {
	case slices.Contains(flags, "monday"):
		oneWay = []string{"Description"}
	case slices.Contains(flags, "salesforce"):
		oneWay = []string{"LastName", "Company", "Status"}
	}
	return c.Kind == "first_meeting" && slices.Contains(oneWay, c.Field)
}

// sides is what both systems hold: records by Id, and items by id, each by field or column.
type sides struct{ records, items map[string]map[string]string }

func look(w *e2e.World) sides {
	s := sides{map[string]map[string]string{}, map[string]map[string]string{}}
	for _, r := range w.Salesforce.Records("Lead") {
		fields := map[string]string{"key": textOf(r[e2e.Key])}
		for field := range columns {
			fields[field] = textOf(r[field])
		}
		s.records[r["Id"].(string)] = fields
	}
	for _, it := range w.Monday.Items(e2e.Leads) {
		shows := map[string]string{"name": it.Name, "state": it.State}
		for _, column := range columns {
			if column != "name" {
				shows[column] = it.Text[column]
			}
		}
		s.items[strconv.FormatInt(it.ID, 10)] = shows
	}
	return s
}

func textOf(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// differing is what became different between two looks: "system id field".
func (s sides) differing(then sides) (all map[string]string) {
	all = map[string]string{}
	for system, pair := range map[string][2]map[string]map[string]string{"salesforce": {s.records, then.records}, "monday": {s.items, then.items}} {
		for id, after := range pair[1] {
			for name, value := range after {
				if before := pair[0][id][name]; pair[0][id] != nil && before != value {
					all[strings.Join([]string{system, id, name}, " ")] = value
				}
			}
		}
		for id := range pair[0] {
			if pair[1][id] == nil {
				all[system+" "+id] = "gone"
			}
		}
	}
	return all
}

// clear removes everything from both systems and the database.
func clearAll(w *e2e.World) {
	for _, it := range w.Monday.Items(e2e.Leads) {
		if it.State == "active" {
			w.Monday.DeleteItem(it.ID)
		}
		w.Monday.PurgeItem(it.ID)
	}
	for _, r := range w.Salesforce.Records("Lead") {
		w.Salesforce.Delete("Lead", r["Id"].(string))
	}
	w.Exec("TRUNCATE items, links, waits, leases, deletions, conflicts, differences, sweeps")
}

// scene is one run of the property.
type scene struct {
	*e2e.World
	rt    *rapid.T
	items []int64
}

func (s *scene) email(n int) any {
	switch rapid.SampledFrom([]string{"", "a", "b"}).Draw(s.rt, "email") {
	case "a":
		return e2e.Email(fmt.Sprintf("ada%d@example.org", n))
	case "b":
		return e2e.Email(fmt.Sprintf("byron%d@example.org", n))
	}
	return nil
}

func (s *scene) phone() any {
	return rapid.SampledFrom([]any{nil, e2e.Phone("+12125550100"), e2e.Phone("+12125550101"), e2e.Phone("+12125550102")}).Draw(s.rt, "phone")
}

// edit changes something on either side.
func (s *scene) edit() {
	n := rapid.IntRange(0, len(s.items)-1).Draw(s.rt, "item")
	item := s.items[n]
	if it, _ := s.Monday.Item(item); it.State != "active" {
		return
	}
	found := s.Salesforce.Records("Lead")
	k := slices.IndexFunc(found, func(r map[string]any) bool { return r[e2e.Key] == strconv.FormatInt(item, 10) })
	set := func(field string, values ...any) {
		if k >= 0 {
			s.Salesforce.Update("Lead", found[k]["Id"].(string), map[string]any{field: rapid.SampledFrom(values).Draw(s.rt, field)})
		}
	}
	switch rapid.SampledFrom([]string{"name", "company", "status", "email", "phone", "delete", "archive", "LastName", "Email", "Phone", "Description", "gone"}).Draw(s.rt, "what") {
	case "name":
		s.Monday.Rename(item, rapid.SampledFrom([]string{"King", "Byron", "Lovelace"}).Draw(s.rt, "name"))
	case "company":
		s.Monday.SetColumn(item, "company", rapid.SampledFrom([]any{"", "Engines", "Looms"}).Draw(s.rt, "company"))
	case "status":
		s.Monday.SetColumn(item, "status", e2e.Label(rapid.SampledFrom([]string{"New", "Qualified", "Quote"}).Draw(s.rt, "status")))
	case "email":
		s.Monday.SetColumn(item, "email", s.email(n))
	case "phone":
		s.Monday.SetColumn(item, "phone", s.phone())
	case "delete":
		s.Monday.DeleteItem(item)
	case "archive":
		s.Monday.ArchiveItem(item)
	case "LastName":
		set("LastName", "King", "Drift")
	case "Email":
		set("Email", nil, fmt.Sprintf("ada%d@example.org", n), fmt.Sprintf("there%d@example.org", n))
	case "Phone":
		set("Phone", nil, "+12125550101", "+12125550109")
	case "Description":
		set("Description", nil, "A note", "Another note")
	case "gone":
		if k >= 0 {
			s.Salesforce.Delete("Lead", found[k]["Id"].(string))
		}
	}
}

// planIt plans the board, and returns what is planned and the file.
func (s *scene) planIt(flags ...string) (all []change, file string) {
	file = filepath.Join(s.Dir, "property.json")
	before := look(s.World)
	code, stdout, stderr := s.Command(append([]string{"plan", "--json", "--out", file}, flags...)...)
	if code != 0 {
		s.rt.Fatalf("plan: exit %d, %s", code, stderr)
	}
	if diff := cmp.Diff(before.differing(look(s.World)), map[string]string{}); diff != "" {
		s.rt.Fatalf("planning changed something:\n%s", diff)
	}
	var p struct {
		Boards []struct {
			Differing []struct {
				Item        int64
				Differences []change
			}
		}
	}
	if err := json.Unmarshal([]byte(stdout), &p); err != nil {
		s.rt.Fatal(err)
	}
	for _, it := range p.Boards[0].Differing {
		for _, c := range it.Differences {
			c.Item = it.Item
			all = append(all, c)
		}
	}
	return all, file
}

// apply applies what was planned, by the file or by the same flags, and waits for the deletions. It exits with 1 if and
// only if a field cannot be adopted.
func (s *scene) apply(planned []change, file string, flags []string) (accepted bool) {
	args := append([]string{"apply", "--yes"}, flags...)
	if rapid.Bool().Draw(s.rt, "by the file") {
		args = []string{"apply", "--yes", "--plan", file}
		if accepted = rapid.Bool().Draw(s.rt, "accepted"); accepted {
			args = append(args, "--accept-deletes")
		}
	}
	want := 0
	if slices.ContainsFunc(planned, func(c change) bool { return c.isUnadopted(flags) }) {
		want = 1
	}
	if code, stdout, stderr := s.Command(args...); code != want {
		s.rt.Fatalf("%v: exit %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	s.Quiet()
	return accepted
}

// check compares what was planned with what has changed, and with what the run reports.
func (s *scene) check(planned []change, flags []string, accepted bool, before, after sides) {
	want, unsure := map[string]string{}, map[string]bool{}
	braked, passing, gone := map[string]bool{}, 0, 0
	var reported []string
	for _, c := range planned {
		action := c.Action
		switch {
		case action == "hold": // it is queued, too
			action = "write"
		case c.isUnadopted(flags):
			action = "reject"
		}
		if only := strings.HasPrefix(c.Code, "ONLY_TO_"); only != c.isUnadopted(flags) {
			s.rt.Fatalf("code %q, flags %v: %+v", c.Code, flags, c)
		}
		reported = append(reported, fmt.Sprint(c.Item, " ", c.Record, ".", c.Field, " ", c.Kind, " ", action))
		item := strconv.FormatInt(c.Item, 10)
		switch {
		case c.Action == "leave", c.Kind == "new_record":
		case c.Kind == "deleted_item" && !accepted: // which of them pass the brake depends on the order of the events
			if before.records[c.SalesforceID] == nil {
				gone++ // then it is not visible whether it passed
				continue
			}
			braked["salesforce "+c.SalesforceID] = true
			passing += map[bool]int{true: 1}[c.Action == "write"]
		case c.Kind == "id_column":
			unsure["monday "+item+" text_sfid"] = true
		case c.Kind == "deleted_item":
			if before.records[c.SalesforceID] != nil { // otherwise somebody has deleted it already
				want["salesforce "+c.SalesforceID] = "gone"
			}
		case c.Kind == "wrong_key":
			want["salesforce "+c.SalesforceID+" key"] = item
		case c.To == "monday":
			want["monday "+item+" "+columns[c.Field]] = textOf(c.Salesforce)
		default:
			want["salesforce "+c.SalesforceID+" "+c.Field] = textOf(c.Monday)
		}
	}
	got := before.differing(after)
	for name := range unsure {
		if got[name] == before.items[strings.Fields(name)[1]]["text_sfid"] {
			s.rt.Fatalf("%s was planned but did not change", name)
		}
		delete(got, name)
	}
	for name := range braked {
		if got[name] == "gone" {
			delete(got, name)
			passing--
		}
	}
	if passing > gone || passing < -gone {
		s.rt.Fatalf("%d of %d deletions too many were planned to pass the brake: %+v", passing, len(braked), planned)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.rt.Fatalf("changed (-planned +done):\n%s\nplanned: %+v", diff, planned)
	}
	s.checkCreated(planned, before, after)
	slices.Sort(reported)
	if len(planned) == 0 {
		return
	}
	rows := strings.Split(s.Text(`SELECT string_agg(item_id || ' ' || record || '.' || field || ' ' || kind || ' ' || action, ';'
		ORDER BY item_id || ' ' || record || '.' || field || ' ' || kind || ' ' || action COLLATE "C") FROM differences WHERE run_id = (SELECT max(id) FROM sweeps)`), ";")
	if diff := cmp.Diff(reported, rows); diff != "" {
		s.rt.Fatalf("reported (-planned +report):\n%s", diff)
	}
}

// checkCreated checks that the records that were created are those that were planned, with the planned values.
func (s *scene) checkCreated(planned []change, before, after sides) {
	want := map[string]map[string]string{} // by item
	for _, c := range planned {
		item := strconv.FormatInt(c.Item, 10)
		switch {
		case c.Kind != "new_record":
		case c.Field == "":
			want[item] = map[string]string{}
		default:
			want[item][c.Field] = textOf(c.Monday)
		}
	}
	got := map[string]map[string]string{}
	for id, fields := range after.records {
		if before.records[id] == nil {
			made := maps.Clone(fields)
			maps.DeleteFunc(made, func(field, _ string) bool { _, planned := want[fields["key"]][field]; return !planned })
			got[fields["key"]] = made
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.rt.Fatalf("created (-planned +done):\n%s", diff)
	}
}

// TestPlanIsApply edits both sides at random while all events are lost: plan lists exactly the fields that apply writes
// and reports, and a second plan has nothing to write.
func TestPlanIsApply(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.Mapped(everyWay), e2e.With("SALESFORCE_POLL", "off"), e2e.With("BACKFILL", "off"), e2e.With("LOG_LEVEL", "info"))
	w.Start("worker")
	rapid.Check(t, func(rt *rapid.T) {
		clearAll(w)
		s := &scene{World: w, rt: rt}
		for n := range rapid.IntRange(1, 4).Draw(rt, "items") {
			s.items = append(s.items, w.Monday.CreateItem(e2e.Leads, fmt.Sprint("King", n), map[string]any{"email": s.email(n), "phone": s.phone()}))
		}
		if rapid.Bool().Draw(rt, "a record from before") {
			w.Salesforce.Insert("Lead", map[string]any{"LastName": "Before", "Company": "Looms", "Email": "ada0@example.org", "Phone": "+12125550109", "Description": "A note"})
		}
		for range rapid.IntRange(1, 3).Draw(rt, "rounds") {
			var flags []string
			if side := rapid.SampledFrom([]string{"", "monday", "salesforce"}).Draw(rt, "adopt"); side != "" {
				flags = append(flags, "--adopt", side)
			}
			if rapid.Bool().Draw(rt, "enforce") {
				flags = append(flags, "--enforce")
			}
			planned, file := s.planIt(flags...)
			before := look(w)
			accepted := s.apply(planned, file, flags)
			s.check(planned, flags, accepted, before, look(w))
			again, _ := s.planIt(flags...)
			for _, c := range again {
				if c.Action == "write" {
					rt.Fatalf("left to do: %+v\nafter %+v", c, planned)
				}
			}
			for range rapid.IntRange(0, 6).Draw(rt, "edits") {
				s.edit()
			}
			w.Exec("UPDATE items SET seen_at = seen_at - interval '1 hour'")
		}
	})
}
