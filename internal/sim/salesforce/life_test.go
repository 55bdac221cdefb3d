package salesforce_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	winner := o.Insert("Account", m{"Name": "W"})
	first, second := o.Insert("Account", m{"Name": "A", sfsim.KeyField: "1"}), o.Insert("Account", m{"Name": "B"})
	contact := o.Insert("Contact", m{"LastName": "L", "AccountId": first})
	before := o.Get("Account", winner)["SystemModstamp"].(string)
	o.MergeRecords("Account", winner[:15], first, second)
	if got := o.Get("Contact", contact); got["AccountId"] != winner {
		t.Errorf("the loser's contact belongs to %v, want %s", got["AccountId"], winner)
	}
	if o.Get("Account", first) != nil || o.Get("Account", winner)["SystemModstamp"].(string) <= before {
		t.Error("the loser still exists, or the winner's SystemModstamp did not change")
	}
	r := o.do("GET", "/queryAll?q=SELECT+Id,IsDeleted,MasterRecordId+FROM+Account+ORDER+BY+Id", "")
	if diff := cmp.Diff([]any{nil, winner, winner}, r.values("MasterRecordId")); diff != "" || !slices.Equal(r.values("IsDeleted"), []any{false, true, true}) {
		t.Errorf("winners (-want +got):\n%s", diff)
	}
	r = o.do("PATCH", collections, rows("Account", false, m{"Id": first, "Phone": "1"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"ENTITY_IS_DELETED"}) {
		t.Errorf("update of the loser = %v", got)
	}
	o.Insert("Account", m{"Name": "C", sfsim.KeyField: "2"})
	o.Undelete("Account", first)
	if got := o.Get("Account", first); got == nil || got["MasterRecordId"] != nil || got[sfsim.KeyField] != "1" {
		t.Errorf("the loser after undelete = %v", got)
	}
}

func TestConversion(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	lead := o.Insert("Lead", m{"FirstName": "F", "LastName": "L", "Company": "C", "Email": "a@x.org", sfsim.KeyField: "1"})
	account, contact, opportunity := o.ConvertLead(lead, sfsim.Conversion{})
	if got := o.Get("Contact", contact); got["Name"] != "F L" || got["Email"] != "a@x.org" || got["AccountId"] != account {
		t.Errorf("contact = %v", got)
	}
	if o.Get("Account", account)["Name"] != "C" || o.Get("Opportunity", opportunity)["AccountId"] != account {
		t.Errorf("account %v, opportunity %v", o.Get("Account", account), o.Get("Opportunity", opportunity))
	}
	got := o.Get("Lead", lead)
	if got["IsConverted"] != true || got["ConvertedContactId"] != contact || got["ConvertedAccountId"] != account || got["ConvertedOpportunityId"] != opportunity {
		t.Errorf("lead = %v", got)
	}
	for name, r := range map[string]reply{
		"update": o.do("PATCH", collections, rows("Lead", false, m{"Id": lead, "Phone": "1"})),
		"upsert": o.do("PATCH", collections+"/Lead/Monday_Item_Id__c", rows("Lead", false, m{sfsim.KeyField: "1", "Phone": "1"})),
	} {
		if got := r.outcomes(); !slices.Equal(got, []string{"CANNOT_UPDATE_CONVERTED_LEAD"}) {
			t.Errorf("%s answered %v", name, got)
		}
	}
	other := o.Insert("Lead", m{"LastName": "L", "Company": "C"})
	if a, c, op := o.ConvertLead(other, sfsim.Conversion{AccountID: account, ContactID: contact, NoOpportunity: true}); a != account || c != contact || op != "" {
		t.Errorf("converted to %s, %s, %s", a, c, op)
	}
}

func TestPurge(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	id := o.Insert("Account", map[string]any{"Name": "A"})
	o.Insert("Account", map[string]any{"Name": "B"})
	o.Delete("Account", id)
	o.Purge("Account", id)
	for _, order := range []string{"Id", "SystemModstamp", "Name"} {
		if r := o.do("GET", "/queryAll?q=SELECT+Name+FROM+Account+ORDER+BY+"+order, ""); !slices.Equal(r.values("Name"), []any{"B"}) {
			t.Errorf("sorted by %s there are %v", order, r.values("Name"))
		}
	}
	r := o.do("PATCH", collections, rows("Account", false, map[string]any{"Id": id, "Phone": "1"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"INVALID_CROSS_REFERENCE_KEY"}) {
		t.Errorf("update of the purged record = %v", got)
	}
}

func TestTouch(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	id := o.Insert("Account", map[string]any{"Name": "A"})
	before := o.Get("Account", id)
	o.Touch("Account")
	after := o.Get("Account", id)
	stamp := after["SystemModstamp"].(string)
	if stamp <= before["SystemModstamp"].(string) {
		t.Errorf("SystemModstamp %s, before %v", stamp, before["SystemModstamp"])
	}
	after["SystemModstamp"] = before["SystemModstamp"]
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
	since := strings.Replace(stamp, "+0000", "Z", 1)
	if r := o.query("SELECT Id FROM Account WHERE SystemModstamp >= " + since); !slices.Equal(r.values("Id"), []any{id}) {
		t.Errorf("a poll finds %s", r.text)
	}
}

// A transaction that is committed late shows a time that others have passed.
func TestUpdateLate(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	now := time.Now()
	o := setup(t, sfsim.Config{Now: func() time.Time { return now }})
	first := o.Insert("Account", m{"Name": "A"})
	now = now.Add(24 * time.Hour)
	second := o.Insert("Account", m{"Name": "B"})
	read := o.Get("Account", second)["SystemModstamp"].(string)
	o.UpdateLate("Account", first, m{"Name": "C"}, time.Hour)
	got := o.Get("Account", first)
	if got["Name"] != "C" || got["SystemModstamp"].(string) >= read {
		t.Errorf("%v, want a time before %s", got, read)
	}
	if got["SystemModstamp"].(string) <= got["CreatedDate"].(string) {
		t.Error("the record's own time went back")
	}
	since := strings.Replace(read, "+0000", "Z", 1)
	if r := o.query("SELECT Id FROM Account WHERE SystemModstamp > " + since); len(r.values("Id")) != 0 {
		t.Errorf("a poll that goes on from there finds %s", r.text)
	}
	if r := o.query("SELECT Id FROM Account ORDER BY SystemModstamp, Id"); !slices.Equal(r.values("Id"), []any{first, second}) {
		t.Errorf("in the order of time: %s", r.text)
	}
}
