package salesforce_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	sfsim "crmsync/internal/sim/salesforce"
)

// TestSaved performs any actions, also across saves, and expects an org that is loaded from what was saved to answer
// like the original, and to continue its Ids and stamps.
func TestSaved(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)
	config := sfsim.Config{Now: func() time.Time { return at }}
	rapid.Check(t, func(rt *rapid.T) {
		o := setup(t, config)
		for range rapid.IntRange(0, 40).Draw(rt, "actions") {
			before, revision := o.Save(), o.Revision()
			actSaved(rt, o)
			if diff := cmp.Diff(before, o.Save()); diff != "" && o.Revision() == revision {
				rt.Fatalf("the revision stays the same, although the content changed:\n%s", diff)
			}
			if rapid.IntRange(0, 9).Draw(rt, "reload") == 0 {
				o = reloaded(t, o, config)
			}
		}
		second := reloaded(t, o, config)
		if diff := cmp.Diff(viewSaved(o), viewSaved(second)); diff != "" {
			rt.Fatalf("answers (-saved +loaded):\n%s", diff)
		}
		for _, org := range []*org{o, second} {
			org.do("PATCH", "/sobjects/Account/"+sfsim.KeyField+"/k1", `{"Name": "Next"}`)
			org.do("POST", "/sobjects/Lead", `{"LastName": "Next", "Company": "C", "`+sfsim.KeyField+`": "k2"}`)
		}
		if diff := cmp.Diff(viewSaved(o), viewSaved(second)); diff != "" {
			rt.Fatalf("answers after more calls (-saved +loaded):\n%s", diff)
		}
	})
}

// reloaded returns an org with the content of another one, which went through JSON.
func reloaded(t *testing.T, from *org, config sfsim.Config) *org {
	text, err := json.Marshal(from.Save())
	if err != nil {
		t.Fatal(err)
	}
	var saved sfsim.Saved
	if err := json.Unmarshal(text, &saved); err != nil {
		t.Fatal(err)
	}
	to := setup(t, config)
	if err := to.Load(saved); err != nil {
		t.Fatalf("loading %s: %v", text, err)
	}
	return to
}

// viewSaved returns what an org answers, and what it would save.
func viewSaved(o *org) map[string]any {
	out := map[string]any{"saved": o.Save()}
	ask := func(name, path string) {
		r := o.do("GET", path, "")
		if out[name] = r.body; r.status != 200 {
			o.t.Errorf("%s: %d %s", name, r.status, r.text)
		}
	}
	for _, object := range sfsim.Standard() {
		fields := []string{"Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "LastModifiedById", "SystemModstamp"}
		for _, f := range object.Fields {
			fields = append(fields, f.Name)
		}
		all := "SELECT " + strings.Join(fields, ",") + " FROM " + object.Name
		ask(object.Name+" with deleted", "/queryAll?q="+url.QueryEscape(all+" ORDER BY Id"))
		ask(object.Name+" by stamp",
			"/query?q="+url.QueryEscape(all+" WHERE SystemModstamp >= 2026-09-23T12:00:00Z ORDER BY SystemModstamp, Id"))
		if object.Name != "User" {
			ask(object.Name+" by key", "/query?q="+url.QueryEscape(all+" WHERE "+sfsim.KeyField+" IN ('k1','K2') ORDER BY Id"))
		}
	}
	return out
}

// actSaved does one thing in an org, as a person would, except what the org would refuse.
func actSaved(t *rapid.T, o *org) {
	type m = map[string]any
	text := rapid.StringN(1, 20, 60)
	live := func(object string) []string { return ids(o, object, false) }
	key := func() any {
		if k := rapid.SampledFrom([]string{"", "k1", "k2", "k3"}).Draw(t, "key"); k != "" && !taken(o, k) {
			return k
		}
		return nil
	}
	actions := map[string]func(){
		"account": func() {
			o.do("POST", "/sobjects/Account", encode(t, m{"Name": text.Draw(t, "name"), "AnnualRevenue": rapid.Float64Range(0, 1e12).Draw(t, "revenue"), sfsim.KeyField: key()}))
		},
		"lead": func() {
			o.do("POST", "/sobjects/Lead", encode(t, m{"FirstName": text.Draw(t, "first"), "LastName": "L", "Company": "C", "NumberOfEmployees": 7, sfsim.KeyField: key()}))
		},
		"project": func() {
			o.do("POST", "/sobjects/Monday_Project__c", encode(t, m{"Name": "P", "Public__c": true, "Kickoff__c": "2026-02-28T10:00:00.123+02:00", "Start_Date__c": "2026-02-28", "Tags__c": "Events;Training", "Notes__c": text.Draw(t, "notes")}))
		},
		"touch": func() { o.Touch("Account") },
		"user": func() {
			o.Insert("User", m{"Username": fmt.Sprintf("u%d@sim.example", len(o.Records("User"))), "Email": "u@sim.example", "LastName": "U"})
		},
	}
	if accounts := live("Account"); len(accounts) > 0 {
		id := rapid.SampledFrom(accounts).Draw(t, "account")
		maps.Copy(actions, map[string]func(){
			"update": func() {
				o.do("PATCH", "/sobjects/Account/"+id, encode(t, m{"Phone": text.Draw(t, "phone"), "Website": nil}))
			},
			"update late": func() {
				o.UpdateLate("Account", id, m{"Phone": rapid.StringMatching(`[0-9]{3}`).Draw(t, "phone")}, time.Minute)
			},
			"delete": func() { o.Delete("Account", id) },
			"contact": func() {
				o.do("POST", "/sobjects/Contact", encode(t, m{"LastName": "L", "AccountId": id, sfsim.KeyField: key()}))
			},
		})
		if id != accounts[0] {
			actions["merge"] = func() { o.MergeRecords("Account", accounts[0], id) }
		}
	}
	if leads := slices.DeleteFunc(live("Lead"), func(id string) bool { return o.Get("Lead", id)["IsConverted"] == true }); len(leads) > 0 {
		actions["convert"] = func() { o.ConvertLead(rapid.SampledFrom(leads).Draw(t, "lead"), sfsim.Conversion{}) }
	}
	if gone := ids(o, "Account", true); len(gone) > 0 {
		actions["purge"] = func() { o.Purge("Account", rapid.SampledFrom(gone).Draw(t, "purged")) }
	}
	actions[rapid.SampledFrom(slices.Sorted(maps.Keys(actions))).Draw(t, "action")]()
}

// ids returns the Ids of the records that are live, or that are in the bin.
func ids(o *org, object string, deleted bool) []string {
	var out []string
	for _, rec := range o.Save().Records[object] {
		if rec["IsDeleted"] == deleted {
			out = append(out, rec["Id"].(string))
		}
	}
	return out
}

func taken(o *org, key string) bool {
	for _, object := range []string{"Account", "Lead", "Contact"} {
		for _, rec := range o.Records(object) {
			if rec[sfsim.KeyField] == key {
				return true
			}
		}
	}
	return false
}

func encode(t *rapid.T, fields map[string]any) string {
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLoadRefuses breaks saved content in one place at a time.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	id := o.Insert("Account", map[string]any{"Name": "A", "NumberOfEmployees": 7})
	text := encodeSaved(t, o.Save())
	for change, want := range map[[2]string]string{
		{`"Account":[`, `"Invoice":[`}:                                                  `there is no object "Invoice"`,
		{`"NumberOfEmployees":7`, `"Employees":7`}:                                      `Account, record 1: there is no field "Employees"`,
		{`"NumberOfEmployees":7`, `"NumberOfEmployees":"seven"`}:                        "the value of NumberOfEmployees is not a int",
		{`"IsDeleted":false,"LastModifiedById"`, `"IsDeleted":null,"LastModifiedById"`}: "the value of IsDeleted is not a boolean",
		{id, id[:17] + "0"}:            "is not an Id of this object",
		{`"ids":2`, `"ids":0`}:         "or the next Id is taken",
		{`"user":"005`, `"user":"x05`}: "the integration user is not one of the users",
	} {
		broken := strings.Replace(text, change[0], change[1], 1)
		if broken == text {
			t.Fatalf("%s is not in %s", change[0], text)
		}
		var saved sfsim.Saved
		if err := json.Unmarshal([]byte(broken), &saved); err != nil {
			t.Fatal(err)
		}
		if err := sfsim.New(sfsim.Config{}).Load(saved); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", change[1], err, want)
		}
	}
}

func encodeSaved(t *testing.T, saved sfsim.Saved) string {
	t.Helper()
	text, err := json.Marshal(saved)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
