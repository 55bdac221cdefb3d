package operate_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/audit"
	"crmsync/internal/cli"
	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
	"crmsync/schema/mapping"
)

// changedColumn changes a column of the example's boards.
func changedColumn(board int64, id string, change func(*mondaysim.Column)) e2e.Option {
	return e2e.Monday(func(c *mondaysim.Config) {
		for n := range c.Boards {
			for i := range c.Boards[n].Columns {
				if col := &c.Boards[n].Columns[i]; c.Boards[n].ID == board && col.ID == id {
					change(col)
				}
			}
		}
	})
}

// changedField changes a field of the standard objects.
func changedField(object, name string, change func(*sfsim.Field)) e2e.Option {
	return e2e.Salesforce(func(c *sfsim.Config) {
		for n := range c.Objects {
			for i := range c.Objects[n].Fields {
				if f := &c.Objects[n].Fields[i]; c.Objects[n].Name == object && f.Name == name {
					change(f)
				}
			}
		}
	})
}

// checked runs `check --live --json` and returns the errors and warnings, each as severity, the text of its line, and message.
func checked(w *e2e.World) (code int, lines []string) {
	w.T.Helper()
	code, stdout, stderr := w.Command("check", "--live", "--json")
	var r cli.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		w.T.Fatalf("check: %v\n%s%s", err, stdout, stderr)
	}
	src, err := os.ReadFile(w.Env["MAPPING"])
	if err != nil {
		w.T.Fatal(err)
	}
	text := strings.Split(string(src), "\n")
	for _, f := range r.Findings {
		if f.Severity == audit.Note {
			continue
		}
		at := "-"
		if f.Line > 0 {
			at, _, _ = strings.Cut(strings.TrimSpace(text[f.Line-1]), " ")
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s", f.Severity, at, f.System, f.Message))
	}
	return code, lines
}

// TestCheckLive plants one fault in either system, or in the mapping, at a time.
func TestCheckLive(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../../deploy/mapping.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	edited := func(before, after string) e2e.Option {
		if strings.Count(string(example), before) != 1 {
			t.Fatalf("%q occurs %d times in the example", before, strings.Count(string(example), before))
		}
		return e2e.Mapped(strings.Replace(string(example), before, after, 1))
	}
	tests := map[string]struct {
		plant e2e.Option
		code  int
		want  []string
	}{
		"nothing": {func(*e2e.World, *stage.Config) {}, cli.ExitDone, nil},
		"missing board": {e2e.Monday(func(c *mondaysim.Config) { c.Boards = c.Boards[1:] }), cli.ExitFailed,
			[]string{"error board: Monday board 1001 does not exist, is archived, or is not visible to the API token (there are 1002 \"Contacts\", 1003 \"Leads\")"}},
		"missing column": {changedColumn(e2e.Leads, "close_date", func(c *mondaysim.Column) { c.ID = "date4" }), cli.ExitFailed,
			[]string{`error CloseDate: Monday board 1003 has no column "close_date" (there are amount "Amount", company "Company", country "Country", date4 "Close date", email "Email", ` +
				`interests "Interests", name "Name", newsletter "Newsletter", owner "Owner", phone "Phone", source "Source", status "Status", text_note "Note", ` +
				`text_oppid "Opportunity Id", text_sfid "Salesforce Id")`}},
		"wrong type of column": {changedColumn(e2e.Leads, "company", func(c *mondaysim.Column) { c.Type = "people" }), cli.ExitFailed, []string{
			`error Company: Monday column "company" is of type people; it needs "as: user"`,
			`error Name: Monday column "company" is of type people; it needs "as: user"`,
			`error Name: Monday column "company" is of type people; it needs "as: user"`}},
		"id column of another type": {changedColumn(e2e.Contacts, "text_sfid", func(c *mondaysim.Column) { c.Type = "numbers" }), cli.ExitFailed,
			[]string{`error id_column: Monday column "text_sfid" is of type numbers; the Salesforce Id can be written only to a text column`}},
		"connected to another board": {changedColumn(e2e.Contacts, "connect_account", func(c *mondaysim.Column) { c.LinkedBoard = e2e.Leads }), cli.ExitFailed,
			[]string{`error AccountId: Monday column "connect_account" connects to board 1003, not to board 1001`}},
		"missing label": {changedColumn(e2e.Leads, "status", func(c *mondaysim.Column) { c.Labels = []string{"New", "Qualified", "Follow-up", "Quote"} }), cli.ExitFailed, []string{
			`error create_when: Monday column "status" has no label "MOU" (there are "New", "Qualified", "Follow-up", "Quote")`,
			`error MOU: Monday column "status" has no label "MOU" (there are "New", "Qualified", "Follow-up", "Quote")`}},
		"unmapped label": {edited("              Quote: Proposal/Price Quote\n", ""), cli.ExitDone,
			[]string{`warning labels: Monday column "status" has labels that are not mapped, and there is no default: the event of an item with one of them becomes a dead letter: "Quote"`}},
		"missing object": {e2e.Salesforce(func(c *sfsim.Config) {
			c.Objects = slices.DeleteFunc(c.Objects, func(o sfsim.Object) bool { return o.Name == "Lead" })
		}), cli.ExitFailed, []string{"error object: Salesforce the object Lead does not exist or is not visible to " +
			"the run-as user"}},
		"missing field": {changedField("Lead", "Email", func(f *sfsim.Field) { f.Name = "Email__c" }), cli.ExitFailed,
			[]string{`error Email: Salesforce Lead has no field Email that is visible to the run-as user`}},
		"read-only field": {changedField("Opportunity", "Amount", func(f *sfsim.Field) { f.ReadOnly = true }), cli.ExitFailed,
			[]string{"error Amount: Salesforce Opportunity.Amount is read-only for the run-as user; if Salesforce " +
				"allows it, give its permission set edit access to the field"}},
		"wrong type of field": {changedField("Opportunity", "CloseDate", func(f *sfsim.Field) { f.Type = sfsim.DateTime }), cli.ExitFailed, []string{
			`error CloseDate: Salesforce Opportunity.CloseDate is of type datetime, and gets a date; add "as: datetime"`,
			"error CloseDate: Salesforce Opportunity.CloseDate is of type datetime, and gets a date"}},
		"key that is not unique": {changedField("Lead", e2e.Key, func(f *sfsim.Field) { f.Unique = false }), cli.ExitFailed,
			[]string{"error object: Salesforce the key Lead.Monday_Item_Id__c is not Unique: an item could get two records"}},
		"key that is not an external ID": {changedField("Lead", e2e.Key, func(f *sfsim.Field) { f.ExternalID = false }), cli.ExitFailed,
			[]string{"error object: Salesforce the key Lead.Monday_Item_Id__c is not an External ID: records cannot be upserted by it"}},
		"short key": {changedField("Lead", e2e.Key, func(f *sfsim.Field) { f.Length = 10 }), cli.ExitFailed,
			[]string{"error object: Salesforce the key Lead.Monday_Item_Id__c holds 10 characters; an item's id can have 18"}},
		"restricted picklist value": {changedField("Opportunity", "StageName", func(f *sfsim.Field) { f.Values = slices.Delete(slices.Clone(f.Values), 1, 2) }), cli.ExitFailed,
			[]string{`error Qualified: Salesforce Opportunity.StageName is a restricted picklist without the value "Qualification" (there are "Prospecting", "Needs Analysis", "Value Proposition", ` +
				`"Id. Decision Makers", "Perception Analysis", "Proposal/Price Quote", "Negotiation/Review", "Closed Won", "Closed Lost")`}},
		"picklist value": {edited("LeadSource: { value: Monday }", "LeadSource: { value: Mondays }"), cli.ExitDone,
			[]string{`warning LeadSource: Salesforce Opportunity.LeadSource is a picklist without the value "Mondays" (there are "Web", "Phone Inquiry", "Partner Referral", "Purchased List", "Other", "Monday"), did you mean "Monday"?`}},
		"calculated field": {changedField("Lead", "Email", func(f *sfsim.Field) { f.Calculated = true }), cli.ExitFailed,
			[]string{"error Email: Salesforce Lead.Email is a formula or a roll-up summary: it is calculated and " +
				"cannot be written"}},
		"several currencies": {e2e.Salesforce(func(c *sfsim.Config) {
			for n := range c.Objects {
				if o := &c.Objects[n]; o.Name == "Opportunity" {
					o.Fields = append(o.Fields, sfsim.Field{Name: "CurrencyIsoCode", Type: sfsim.Picklist, Values: []string{"EUR", "USD"}})
				}
			}
		}), cli.ExitDone, []string{"warning Amount: Salesforce Opportunity.Amount is an amount, and the org has several currencies: a new record gets the currency of the run-as user; map CurrencyIsoCode too"}},
		"owner who does not exist": {edited("  phone_country: US", "  phone_country: US\n  owner: \"005000000000009AAA\"\n#"), cli.ExitFailed,
			[]string{"error owner: Salesforce the default owner 005000000000009AAA does not exist or is not visible " +
				"to the run-as user"}},
		"too long a value": {changedField("Opportunity", "LeadSource", func(f *sfsim.Field) { f.Length = 3 }), cli.ExitFailed,
			[]string{"error LeadSource: Salesforce Opportunity.LeadSource holds 3 characters; this text has 6"}},
		"required field left out": {edited("          Company: { from: company, default: Unknown }   # the default is used while the column is empty\n", ""), cli.ExitFailed,
			[]string{"error fields: Salesforce Lead.Company is required, but the record does not set it"}},
		"Monday's token": {e2e.With("MONDAY_API_TOKEN", "another"), cli.ExitFailed,
			[]string{"error - Monday nothing was checked: reading 3 boards: monday: 401 NOT_AUTHENTICATED"}},
		"Salesforce's secret": {e2e.With("SALESFORCE_CLIENT_SECRET", "another"), cli.ExitFailed,
			[]string{"error - Salesforce nothing was checked: describing Account: logging in: salesforce: 400 invalid_client"}},
		"few calls left": {e2e.Salesforce(func(c *sfsim.Config) { c.DailyLimit = 4 }), cli.ExitDone,
			[]string{"warning - Salesforce 0 of 4 API calls of 24 hours are left"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Systems(t, tt.plant)
			if name != "missing board" {
				w.Subscribe()
			} else {
				w.Subscribe(e2e.Contacts, e2e.Leads)
			}
			code, got := checked(w)
			request := regexp.MustCompile(` \(request [^)]*\)`)
			for i := range got {
				got[i] = request.ReplaceAllString(got[i], "")
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
		})
	}
}

// TestCheckLiveData: Salesforce is asked whether an owner is active, and Monday whether dates have a time.
func TestCheckLiveData(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile("../../../deploy/mapping.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w := e2e.Systems(t)
	w.Subscribe()
	w.Monday.CreateItem(e2e.Leads, "Ada", map[string]any{"close_date": map[string]any{"date": "2026-07-01", "time": "01:00:00"}})
	owner := w.Salesforce.Insert("User", map[string]any{"Username": "ada@example.org", "LastName": "Lovelace", "Email": "ada@example.org", "IsActive": false})
	check := func(defaults string) []string {
		w.Env["MAPPING"] = w.File("mapping.yaml", strings.Replace(string(example), "defaults:\n", "defaults:\n"+defaults, 1))
		_, lines := checked(w)
		return lines
	}
	times := `warning CloseDate: Monday column "close_date" holds dates with a time, and Opportunity.CloseDate gets the day in UTC; set "time_zone" in "defaults" to get the local day`
	want := []string{"error owner: Salesforce the default owner " + owner + " is inactive: Salesforce does not " +
		"accept it as the owner of a record", times}
	if diff := cmp.Diff(want, check("  owner: "+owner+"\n")); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
	if got := check("  time_zone: America/New_York\n"); got != nil {
		t.Errorf("findings with a time zone: %q", got)
	}
	w.Salesforce.Update("User", owner, map[string]any{"IsActive": true})
	if diff := cmp.Diff([]string{times}, check("  owner: "+owner+"\n")); diff != "" {
		t.Errorf("findings with an active owner (-want +got):\n%s", diff)
	}
}

// TestCheckFields: the direction of every field is reported, with the reason if it can only be one way.
func TestCheckFields(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t)
	code, stdout, stderr := w.Command("check", "--fields")
	if code != cli.ExitDone || stderr != "" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{`:\d+:\d+: note: Contact\.FirstName is synced to Salesforce only: it is part of a name\n`, `: note: Contact\.Email is synced to Salesforce\n`,
		`: note: Opportunity\.LeadSource is synced to Salesforce only: it is a fixed value\n`, `: note: Account\.Name is synced to Salesforce only: its record is shared by several items\n`} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}

// TestCheckLiveLines: findings about either system have the form of findings about the file, and notes say what was not
// checked.
func TestCheckLiveLines(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t, changedField("Lead", "Email", func(f *sfsim.Field) { f.ReadOnly = true }))
	w.Subscribe()
	code, stdout, stderr := w.Command("check", "--live")
	if code != cli.ExitFailed || !strings.Contains(stderr, "1 error") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	for _, want := range []string{`mapping\.yaml:\d+:11: error: Lead\.Email is read-only`, `mapping\.yaml:1:1: note: Monday: it does not reveal the URLs of webhooks`,
		`mapping\.yaml:1:1: note: Salesforce: 99996 of 100000 API calls`, `mapping\.yaml: 1 error, 0 warnings; 3 boards, 6 records\.\n$`} {
		if !regexp.MustCompile(want).MatchString(stdout) {
			t.Errorf("%q is not in\n%s", want, stdout)
		}
	}
}

// TestCheckUsage: faults of the file and of the environment end with exit code 2, before any call.
func TestCheckUsage(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t, e2e.Mapped("version: 1\n"))
	code, stdout, _ := w.Command("check", "--live", "--json")
	var r cli.Report
	if err := json.Unmarshal([]byte(stdout), &r); err != nil {
		t.Fatal(err)
	}
	want := cli.Report{Mapping: w.Env["MAPPING"], Errors: 1, Findings: []audit.Finding{{Severity: audit.Error, System: "mapping", Line: 1, Column: 1, Message: `"boards" is missing`}}}
	if diff := cmp.Diff(want, r); code != cli.ExitUsage || diff != "" {
		t.Errorf("exit code %d; report (-want +got):\n%s", code, diff)
	}
	w = e2e.Systems(t, e2e.With("MONDAY_API_TOKEN", ""), e2e.With("SALESFORCE_CLIENT_ID", ""))
	code, _, stderr := w.Command("check", "--live")
	if code != cli.ExitUsage || !strings.Contains(stderr, "MONDAY_API_TOKEN: is required") || !strings.Contains(stderr, "SALESFORCE_CLIENT_ID: is required") {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if n := w.Calls(); n != [2]int{} {
		t.Errorf("%v calls, want none", n)
	}
	w.Env["MAPPING"] = w.File("mapping.yaml", "version: 1\nboards: { b: { board: 1, records: { r: { object: Lead, fields: { Email: email } } } } }\n")
	code, stdout, _ = w.Command("check", "--json")
	if code != cli.ExitDone || !strings.Contains(stdout, `"findings": []`) {
		t.Errorf("exit code %d: %s", code, stdout)
	}
}

// TestScaffold: the output of scaffold for any board and object passes check, and contains nothing that the systems
// reject.
func TestScaffold(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t)
	w.Subscribe()
	for _, board := range []int64{e2e.Accounts, e2e.Contacts, e2e.Leads} {
		for _, object := range []string{"Account", "Contact", "Lead", "Opportunity", "Monday_Project__c"} {
			code, stdout, stderr := w.Command("scaffold", "--board", fmt.Sprint(board), "--object", object)
			if code != cli.ExitDone {
				t.Fatalf("scaffold of %d and %s: exit code %d, %s", board, object, code, stderr)
			}
			w.Env["MAPPING"] = w.File("mapping.yaml", stdout)
			if code, _, stderr := w.Command("check"); code != cli.ExitDone {
				t.Errorf("check of %d and %s: exit code %d, %s\n%s", board, object, code, stderr, stdout)
			}
			_, findings := checked(w)
			for _, f := range findings {
				if strings.HasPrefix(f, "error") && !strings.Contains(f, "is required, but the record does not set it") {
					t.Errorf("%d and %s: %s\n%s", board, object, f, stdout)
				}
			}
		}
	}
	for name, args := range map[string][]string{
		"board 9":    {"--board", "9", "--object", "Lead"},
		"object Led": {"--board", "1001", "--object", "Led"},
	} {
		if code, stdout, stderr := w.Command(append([]string{"scaffold"}, args...)...); code != cli.ExitFailed || stdout != "" || !strings.Contains(stderr, name) {
			t.Errorf("%s: exit code %d, %q, %q", name, code, stdout, stderr)
		}
	}
}

// TestScaffoldAdd checks that a mapping of several boards can be created in steps, and passes check.
func TestScaffoldAdd(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t)
	w.Subscribe()
	w.Env["MAPPING"] = filepath.Join(w.Dir, "new.yaml")
	for _, args := range [][]string{
		{"--board", "1001", "--object", "Account", "--board", "1002", "--object", "Contact"}, {"--board", "1003", "--object", "Lead"},
	} {
		code, stdout, stderr := w.Command(append([]string{"scaffold", "--add", w.Env["MAPPING"]}, args...)...)
		if code != cli.ExitDone || strings.Count(stdout, ": added board ") != len(args)/4 {
			t.Fatalf("exit code %d: %s%s", code, stdout, stderr)
		}
	}
	code, stdout, stderr := w.Command("check", "--live")
	if code != cli.ExitDone || !strings.HasSuffix(stdout, " warnings; 3 boards, 3 records.\n") {
		t.Errorf("check: exit code %d, %s%s", code, stdout, stderr)
	}
	before, err := os.ReadFile(w.Env["MAPPING"])
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--board", "1003", "--object", "Lead"}, {"--board", "1003", "--board", "1002", "--object", "Lead"}} {
		if code, _, stderr := w.Command(append([]string{"scaffold", "--add", w.Env["MAPPING"]}, args...)...); code == cli.ExitDone {
			t.Errorf("%q: exit code 0, %s", args, stderr)
		}
	}
	if after, err := os.ReadFile(w.Env["MAPPING"]); err != nil || !bytes.Equal(after, before) {
		t.Errorf("the file changed (%v)", err)
	}
}

// TestBoards checks both lists, and that requested boards that do not exist are reported.
func TestBoards(t *testing.T) {
	t.Parallel()
	w := e2e.Systems(t)
	if code, stdout, stderr := w.Command("boards"); code != cli.ExitDone || !strings.Contains(stdout, "1003   Leads\n") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	code, stdout, stderr := w.Command("boards", "1003", "9")
	if code != cli.ExitFailed || !strings.Contains(stdout, "New, Qualified, Follow-up") || !strings.Contains(stderr, "board 9 does not exist") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	code, stdout, _ = w.Command("boards", "--json", "1002")
	var boards []struct {
		Columns []struct {
			ID     string  `json:"id"`
			Boards []int64 `json:"boards"`
		} `json:"columns"`
	}
	if err := json.Unmarshal([]byte(stdout), &boards); code != cli.ExitDone || err != nil || len(boards) != 1 {
		t.Fatalf("exit code %d, error %v: %s", code, err, stdout)
	}
	for _, c := range boards[0].Columns {
		if c.ID == "connect_account" && !slices.Equal(c.Boards, []int64{e2e.Accounts}) {
			t.Errorf("connect_account links to %v", c.Boards)
		}
	}
}

func TestMappingSchema(t *testing.T) {
	t.Parallel()
	code, stdout, _ := e2e.Systems(t).Command("mapping", "schema")
	if code != cli.ExitDone || stdout != string(mapping.Schema()) || !json.Valid([]byte(stdout)) {
		t.Errorf("exit code %d, %d bytes", code, len(stdout))
	}
}
