package salesforce_test

import (
	"slices"
	"strings"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestHiddenRecord(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	account := o.Insert("Account", m{"Name": "A", sfsim.KeyField: "1"})
	contact := o.Insert("Contact", m{"LastName": "L", "AccountId": account})
	o.Hide("Account", account, true)
	refer := func() []string {
		r := o.do("PATCH", collections, rows("Contact", false, m{"Id": contact, "AccountId": account}))
		return r.outcomes()
	}
	if got := refer(); !slices.Equal(got, []string{"INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"}) {
		t.Errorf("a reference to the hidden record: %v", got)
	}
	o.RejectReferences("Account", account, "INVALID_CROSS_REFERENCE_KEY")
	if got := refer(); !slices.Equal(got, []string{"INVALID_CROSS_REFERENCE_KEY"}) {
		t.Errorf("a reference to the hidden record with its own code: %v", got)
	}
	r := o.do("PATCH", collections, rows("Account", false, m{"Id": account, "Phone": "1"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"INVALID_CROSS_REFERENCE_KEY"}) {
		t.Errorf("an update of the hidden record: %v", got)
	}
	r = o.do("PATCH", collections+"/Account/Monday_Item_Id__c", rows("Account", false, m{sfsim.KeyField: "1", "Name": "B"}))
	if !slices.Equal(r.outcomes(), []string{"DUPLICATE_VALUE"}) || strings.Contains(r.text, account) {
		t.Errorf("an upsert by the hidden record's key: %s", r.text)
	}
	r = o.do("PATCH", "/sobjects/Contact/"+contact, `{"Account":{"Monday_Item_Id__c":"1"}}`)
	if r.code() != "INVALID_FIELD" {
		t.Errorf("a reference by the hidden record's key: %s", r.text)
	}
	for _, path := range []string{"/query?q=SELECT+Id+FROM+Account", "/queryAll?q=SELECT+Id+FROM+Account+WHERE+Id='" + account + "'",
		"/query?q=SELECT+Id+FROM+Account+WHERE+Monday_Item_Id__c='1'", "/query?q=SELECT+Id+FROM+Account+ORDER+BY+SystemModstamp"} {
		if r := o.do("GET", path, ""); r.status != 200 || len(r.values("Id")) != 0 {
			t.Errorf("%s answered %d %s", path, r.status, r.text)
		}
	}
	if r := o.query("SELECT Account.Name FROM Contact"); !strings.Contains(r.text, `"Account":null`) {
		t.Errorf("the child shows %s", r.text)
	}
	if r := o.do("POST", collections+"/Account", `{"ids":["`+account+`"],"fields":["Id"]}`); r.text != "[null]" {
		t.Errorf("retrieve answered %s", r.text)
	}
	if r := o.do("GET", "/sobjects/Account/"+account, ""); r.status != 404 {
		t.Errorf("get answered %d %s", r.status, r.text)
	}
	o.Hide("Account", account, false)
	o.RejectReferences("Account", account, "")
	if got := refer(); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("a reference to the record after it is shown again: %v", got)
	}
}

func TestReferenceToDeletedRecord(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	account := o.Insert("Account", m{"Name": "A"})
	o.Delete("Account", account)
	o.RejectReferences("Account", account, "ENTITY_IS_DELETED")
	r := o.do("POST", collections, rows("Contact", false, m{"LastName": "L", "AccountId": account}))
	if got := r.outcomes(); !slices.Equal(got, []string{"ENTITY_IS_DELETED"}) {
		t.Errorf("answered %v", got)
	}
}

func TestLock(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	id := o.Insert("Opportunity", m{"Name": "O", "StageName": "Qualification", "CloseDate": "2026-01-01"})
	o.Lock("Opportunity", id, true)
	for name, r := range map[string]reply{
		"update": o.do("PATCH", collections, rows("Opportunity", false, m{"Id": id, "Amount": 1})),
		"delete": o.do("DELETE", collections+"?ids="+id, ""),
	} {
		if got := r.outcomes(); !slices.Equal(got, []string{"ENTITY_IS_LOCKED"}) {
			t.Errorf("%s answered %v", name, got)
		}
	}
	o.Update("Opportunity", id, m{"NextStep": "An approver may"})
	o.Lock("Opportunity", id, false)
	if r := o.do("PATCH", collections, rows("Opportunity", false, m{"Id": id, "Amount": 1})); !slices.Equal(r.outcomes(), []string{"ok"}) {
		t.Errorf("unlocked: %v", r.outcomes())
	}
}

func TestInactiveOwner(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	gone := o.Insert("User", m{"Username": "g@sim.example", "Email": "g@sim.example", "LastName": "Gone"})
	id := o.Insert("Lead", m{"LastName": "L", "Company": "C", "OwnerId": gone})
	o.Update("User", gone, m{"IsActive": false})
	create := o.do("POST", collections, rows("Lead", false, m{"LastName": "L", "Company": "C", "OwnerId": gone}))
	keep := o.do("PATCH", collections, rows("Lead", false, m{"Id": id, "Phone": "1", "OwnerId": gone}))
	if !slices.Equal(create.outcomes(), []string{"INACTIVE_OWNER_OR_USER"}) || !slices.Equal(keep.outcomes(), []string{"ok"}) {
		t.Errorf("owner changed to an inactive user: %v; owner unchanged: %v", create.outcomes(), keep.outcomes())
	}
}

func TestHiddenObject(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	id := o.Insert("Account", map[string]any{"Name": "A"})
	o.HideObject("Account", true)
	for path, want := range map[string]string{
		"/query?q=SELECT+Id+FROM+Account": "INVALID_TYPE", "/sobjects/Account/" + id: "NOT_FOUND", "/sobjects/Account/describe": "NOT_FOUND",
	} {
		if r := o.do("GET", path, ""); r.code() != want {
			t.Errorf("%s answered %d %s", path, r.status, r.text)
		}
	}
	o.HideObject("Account", false)
	if r := o.query("SELECT Id FROM Account"); len(r.values("Id")) != 1 {
		t.Errorf("given back: %s", r.text)
	}
}
