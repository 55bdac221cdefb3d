package salesforce_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

const collections = "/composite/sobjects"

func TestAssignmentRules(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	mine := o.Records("User")[0]["Id"].(string)
	queue := o.Insert("User", map[string]any{"Username": "q@sim.example", "Email": "q@sim.example", "LastName": "Queue"})
	o.SetAssignmentRule("Lead", func(lead map[string]any) string {
		if lead["Company"] == "Big" {
			return queue
		}
		return ""
	})
	id := o.Insert("Lead", map[string]any{"LastName": "L", "Company": "Big", sfsim.KeyField: "1"})
	if got := o.Get("Lead", id)["OwnerId"]; got != mine {
		t.Errorf("a person's lead belongs to %v, want %s", got, mine)
	}
	type m = map[string]any
	calls := map[string]func(header string) *http.Request{
		"create one": func(string) *http.Request {
			return o.request("POST", "/sobjects/Lead", `{"LastName":"L","Company":"Big"}`)
		},
		"update one": func(string) *http.Request { return o.request("PATCH", "/sobjects/Lead/"+id, `{"Phone":"1"}`) },
		"upsert one": func(string) *http.Request {
			return o.request("PATCH", "/sobjects/Lead/Monday_Item_Id__c/1", `{"Phone":"1"}`)
		},
		"create": func(string) *http.Request {
			return o.request("POST", collections, rows("Lead", false, m{"LastName": "L", "Company": "Big"}))
		},
		"update": func(string) *http.Request {
			return o.request("PATCH", collections, rows("Lead", false, m{"Id": id, "Phone": "1"}))
		},
		"upsert": func(string) *http.Request {
			return o.request("PATCH", collections+"/Lead/Monday_Item_Id__c", rows("Lead", false, m{sfsim.KeyField: "1", "Phone": "1"}))
		},
		"composite": func(header string) *http.Request {
			return o.request("POST", "/composite", `{"compositeRequest":[{"method":"PATCH","url":"/services/data/v67.0/sobjects/Lead/`+id+
				`","referenceId":"a","body":{"Phone":"1"},"httpHeaders":{"Sforce-Auto-Assign":"`+header+`"}}]}`)
		},
	}
	for name, request := range calls {
		for header, want := range map[string]string{"": queue, "TRUE": queue, "true": queue, "FALSE": mine, "false": mine} {
			o.Update("Lead", id, m{"OwnerId": mine})
			known := len(o.Records("Lead"))
			req := request(header)
			if header != "" {
				req.Header.Set("Sforce-Auto-Assign", header)
			}
			if r := o.send(req); r.status/100 != 2 {
				t.Fatalf("%s answered %d %s", name, r.status, r.text)
			}
			got := o.Get("Lead", id)["OwnerId"]
			if list := o.Records("Lead"); len(list) > known {
				got = list[len(list)-1]["OwnerId"]
			}
			if got != want {
				t.Errorf("%s with Sforce-Auto-Assign %q: owner = %v, want %s", name, header, got, want)
			}
		}
	}
	r := o.do("POST", "/sobjects/Lead", `{"LastName":"L","Company":"Small"}`)
	if got := o.Get("Lead", r.body.(m)["id"].(string))["OwnerId"]; got != mine {
		t.Errorf("a lead that the rule ignores belongs to %v, want %s", got, mine)
	}
	o.SetAssignmentRule("Lead", nil)
	o.Update("Lead", id, m{"OwnerId": mine})
	o.do("PATCH", "/sobjects/Lead/"+id, `{"Phone":"2"}`)
	if got := o.Get("Lead", id)["OwnerId"]; got != mine {
		t.Errorf("without a rule, owner = %v, want %s", got, mine)
	}
}

func TestTriggerThrowsForTheCall(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	const thrown = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
	o := setup(t, sfsim.Config{})
	o.AddTrigger(sfsim.Trigger{Object: "Contact", Culprit: func(c m) bool { return c["Title"] == "Culprit" && c["LastName"] != nil }})
	before := len(o.Records("Contact"))
	call := func(method, path string, list ...m) []string {
		t.Helper()
		r := o.do(method, path, rows("Contact", false, list...))
		return r.outcomes()
	}
	got := call("POST", collections, m{"LastName": "A"}, m{"LastName": "B", "Title": "Culprit"}, m{"FirstName": "C"})
	if want := []string{thrown, thrown, "REQUIRED_FIELD_MISSING LastName"}; !slices.Equal(got, want) || len(o.Records("Contact")) != before {
		t.Errorf("create with a culprit = %v, want %v; %d records, want "+
			"%d", got, want, len(o.Records("Contact")), before)
	}
	// A culprit that is rejected by itself does not reach the trigger.
	got = call("POST", collections, m{"LastName": "A"}, m{"Title": "Culprit"})
	if want := []string{"ok", "REQUIRED_FIELD_MISSING LastName"}; !slices.Equal(got, want) {
		t.Errorf("create with a rejected culprit = %v, want %v", got, want)
	}
	a, b := o.Insert("Contact", m{"LastName": "A", sfsim.KeyField: "1"}), o.Insert("Contact", m{"LastName": "B"})
	got = call("PATCH", collections, m{"Id": a, "Phone": "1"}, m{"Id": b, "Title": "Culprit"}, m{"Id": a, "Phone": "2"})
	if want := []string{thrown, thrown, "DUPLICATE_VALUE Id"}; !slices.Equal(got, want) || o.Get("Contact", a)["Phone"] != nil {
		t.Errorf("update with a culprit = %v, want %v; phone %v", got, want, o.Get("Contact", a)["Phone"])
	}
	got = call("PATCH", collections, m{"Id": a, "Phone": "1"}, m{"Id": a, "Phone": "2"})
	if want := []string{"ok", "DUPLICATE_VALUE Id"}; !slices.Equal(got, want) || o.Get("Contact", a)["Phone"] != "1" {
		t.Errorf("update without a culprit = %v, want %v", got, want)
	}
	for name, r := range map[string]reply{
		"create": o.do("POST", "/sobjects/Contact", `{"LastName":"L","Title":"Culprit"}`),
		"update": o.do("PATCH", "/sobjects/Contact/"+b, `{"Title":"Culprit"}`),
		"upsert": o.do("PATCH", "/sobjects/Contact/Monday_Item_Id__c/1", `{"Title":"Culprit"}`),
		"new":    o.do("PATCH", "/sobjects/Contact/Monday_Item_Id__c/2", `{"LastName":"L","Title":"Culprit"}`),
	} {
		if r.status != 400 || r.code() != thrown {
			t.Errorf("%s of one record answered %d %s", name, r.status, r.text)
		}
	}
	for _, c := range o.Records("Contact") {
		if c["Title"] != nil {
			t.Errorf("saved despite the trigger: %v", c)
		}
	}
}

func TestTriggerOfOneObjectAmongSeveral(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	accounts := func(record map[string]any) bool { return record["LastName"] == nil }
	o.AddTrigger(sfsim.Trigger{Object: "Contact", Culprit: accounts, Message: "it sees contacts only"})
	contact := `{"records":[{"attributes":{"type":"Account"},"Name":"A"},{"attributes":{"type":"Contact"},"LastName":"B"}]}`
	if r := o.do("POST", collections, contact); !slices.Equal(r.outcomes(), []string{"ok", "ok"}) {
		t.Errorf("a trigger on contacts ran on accounts: %v", r.outcomes())
	}
	o = setup(t, sfsim.Config{})
	o.AddTrigger(sfsim.Trigger{Object: "Contact", Culprit: func(map[string]any) bool { return true }, Message: "UNABLE_TO_LOCK_ROW"})
	r := o.do("POST", collections, `{"records":[{"attributes":{"type":"Account"},"Name":"A"},{"attributes":{"type":"Contact"},"LastName":"B"},
		{"attributes":{"type":"Account"},"Name":"C"}]}`)
	if want := []string{"ok", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "ok"}; !slices.Equal(r.outcomes(), want) {
		t.Errorf("answered %v, want %v", r.outcomes(), want)
	}
	if len(o.Records("Account")) != 2 || len(o.Records("Contact")) != 0 {
		t.Errorf("%d accounts and %d contacts, want 2 and none", len(o.Records("Account")), len(o.Records("Contact")))
	}
	r = o.do("POST", collections, `{"allOrNone":true,"records":[{"attributes":{"type":"Account"},"Name":"A"},{"attributes":{"type":"Contact"},"LastName":"B"}]}`)
	if want := []string{"ALL_OR_NONE_OPERATION_ROLLED_BACK", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}; !slices.Equal(r.outcomes(), want) || len(o.Records("Account")) != 2 {
		t.Errorf("all or none answered %v, want %v", r.outcomes(), want)
	}
}

func TestLimitOfRows(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	o.LimitRows("Opportunity", 10)
	create := func(n int) []string {
		var list []map[string]any
		for i := range n {
			list = append(list, map[string]any{"Name": fmt.Sprint("O", i), "StageName": "Qualification", "CloseDate": "2026-01-01"})
		}
		r := o.do("POST", collections, rows("Opportunity", false, list...))
		return slices.Compact(r.outcomes())
	}
	if diff := cmp.Diff([]string{"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"}, create(11)); diff != "" || len(o.Records("Opportunity")) != 0 {
		t.Errorf("eleven rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ok"}, create(10)); diff != "" {
		t.Errorf("ten rows (-want +got):\n%s", diff)
	}
	o.LimitRows("Opportunity", 0)
	if diff := cmp.Diff([]string{"ok"}, create(200)); diff != "" {
		t.Errorf("without a limit (-want +got):\n%s", diff)
	}
}

// A flow rewrites what anybody saves, in the same transaction.
func TestFlow(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	o.AddFlow("Account", func(record map[string]any) map[string]any {
		name, _ := record["Name"].(string)
		return m{"Name": strings.ToUpper(name)}
	})
	id := o.Insert("Account", m{"Name": "a"})
	if got := o.Get("Account", id)["Name"]; got != "A" {
		t.Errorf("inserted by a person: %v", got)
	}
	r := o.do("PATCH", collections, rows("Account", false, m{"Id": id, "Name": "b"}))
	if got := o.Get("Account", id)["Name"]; got != "B" || !slices.Equal(r.outcomes(), []string{"ok"}) {
		t.Errorf("updated by the API: %v, %v", got, r.outcomes())
	}
	r = o.do("POST", collections, rows("Account", false, m{"Name": "c"}))
	if got := o.query("SELECT Name FROM Account WHERE Name = 'c'").values("Name"); !slices.Equal(got, []any{"C"}) || !slices.Equal(r.outcomes(), []string{"ok"}) {
		t.Errorf("created by the API: %v, %v", got, r.outcomes())
	}
}
