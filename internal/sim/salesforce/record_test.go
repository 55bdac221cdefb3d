package salesforce_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestRecordLife(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	r := o.do("POST", "/sobjects/contact", `{"firstname":"Ada","LastName":" Lovelace ","Email":"","HasOptedOutOfEmail":true}`)
	id, _ := r.body.(map[string]any)["id"].(string)
	if r.status != 201 || len(id) != 18 || !strings.HasPrefix(id, "003") || r.header.Get("Location") != base+"/sobjects/Contact/"+id {
		t.Fatalf("create answered %d %s, Location %s", r.status, r.text, r.header.Get("Location"))
	}
	got := o.Get("Contact", id)
	if got["Name"] != "Ada Lovelace" || got["LastName"] != "Lovelace" || got["Email"] != nil || got["HasOptedOutOfEmail"] != true {
		t.Errorf("created %v", got)
	}
	if r := o.do("PATCH", "/sobjects/Contact/"+id[:15], `{"FirstName":null}`); r.status != 204 || r.text != "" {
		t.Errorf("update answered %d %s, want 204", r.status, r.text)
	}
	after := o.Get("Contact", id)
	if after["Name"] != "Lovelace" || after["SystemModstamp"].(string) <= got["SystemModstamp"].(string) || after["CreatedDate"] != got["CreatedDate"] {
		t.Errorf("after the update: %v, before: %v", after, got)
	}
	r = o.do("GET", "/services/data/v20.0/sobjects/CONTACT/"+id+"?fields=id,Name", "")
	want := map[string]any{"attributes": map[string]any{"type": "Contact", "url": "/services/data/v20.0/sobjects/Contact/" + id}, "Id": id, "Name": "Lovelace"}
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("get (-want +got):\n%s", diff)
	}
	if r := o.do("DELETE", "/sobjects/Contact/"+id, ""); r.status != 204 {
		t.Errorf("delete answered %d %s, want 204", r.status, r.text)
	}
	if r := o.do("DELETE", "/sobjects/Contact/"+id, ""); r.status != 404 || r.code() != "ENTITY_IS_DELETED" {
		t.Errorf("second delete answered %d %s, want 404 ENTITY_IS_DELETED", r.status, r.text)
	}
	if o.Get("Contact", id) != nil {
		t.Error("a deleted record still exists")
	}
	if info := r.header.Get("Sforce-Limit-Info"); info != "api-usage=3/100000" {
		t.Errorf("Sforce-Limit-Info = %q, want api-usage=3/100000", info)
	}
}

func TestUpsertByKey(t *testing.T) {
	t.Parallel()
	objects := sfsim.Standard()
	i := slices.IndexFunc(objects, func(o sfsim.Object) bool { return o.Name == "Account" })
	objects[i].Fields = append(objects[i].Fields, sfsim.Field{Name: "Code__c", Type: sfsim.String, ExternalID: true})
	o := setup(t, sfsim.Config{Objects: objects})
	old := o.Insert("Account", map[string]any{"Name": "Old", sfsim.KeyField: "7"})
	o.Insert("Account", map[string]any{"Name": "A", "Code__c": "same"})
	o.Insert("Account", map[string]any{"Name": "B", "Code__c": "Same"})
	tests := map[string]struct {
		path, body string
		status     int
		want       string // part of the answer
	}{
		"created":              {"/sobjects/Account/Monday_Item_Id__c/8", `{"Name":"New"}`, 201, `"created":true`},
		"updated":              {"/sobjects/account/monday_item_id__c/7", `{"Phone":"1"}`, 200, `{"id":"` + old + `","success":true,"errors":[],"created":false}`},
		"updated, old version": {"/services/data/v45.0/sobjects/Account/Monday_Item_Id__c/7", `{"Phone":"1"}`, 204, ""},
		"slashes":              {"/sobjects/Account/Monday_Item_Id__c/a/b%20c", `{"Name":"New"}`, 201, `"created":true`},
		"several":              {"/sobjects/Account/Code__c/SAME", `{"Name":"C"}`, 300, `["/services/data/v67.0/sobjects/Account/001`},
		"by id":                {"/sobjects/Account/Id/" + old, `{"Fax":"2"}`, 200, `"created":false`},
		"no such field":        {"/sobjects/Account/Nope__c/7", `{"Name":"C"}`, 404, "NOT_FOUND"},
		"not a key field":      {"/sobjects/Account/Phone/7", `{"Name":"C"}`, 404, "NOT_FOUND"},
		"key in the body":      {"/sobjects/Account/Monday_Item_Id__c/9", `{"Name":"C","Monday_Item_Id__c":"9"}`, 400, "INVALID_FIELD"},
		"refused":              {"/sobjects/Account/Monday_Item_Id__c/10", `{}`, 400, `"errorCode":"REQUIRED_FIELD_MISSING","fields":["Name"]`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if r := o.do("PATCH", tt.path, tt.body); r.status != tt.status || !strings.Contains(r.text, tt.want) {
				t.Errorf("answered %d %s, want %d with %s", r.status, r.text, tt.status, tt.want)
			}
		})
	}
	var keys []any
	for _, rec := range o.Records("Account") {
		if rec[sfsim.KeyField] != nil {
			keys = append(keys, rec[sfsim.KeyField])
		}
	}
	slices.SortFunc(keys, func(a, b any) int { return strings.Compare(a.(string), b.(string)) })
	if diff := cmp.Diff([]any{"7", "8", "a/b c"}, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	user := o.Records("User")[0]["Id"].(string)
	gone := o.Insert("Account", map[string]any{"Name": "Gone"})
	o.Delete("Account", gone)
	o.Insert("Account", map[string]any{"Name": "ACME", sfsim.KeyField: "Key"})
	o.Reject("Contact", "Title", func(v any) string {
		if v == "Forbidden" {
			return "FIELD_CUSTOM_VALIDATION_EXCEPTION"
		}
		return ""
	})
	tests := map[string]struct {
		object, body string
		status       int
		want         string // part of the answer
	}{
		"broken":              {"Contact", `{"LastName":`, 400, "JSON_PARSER_ERROR"},
		"unknown object":      {"Nope", `{}`, 404, "NOT_FOUND"},
		"unknown field":       {"Contact", `{"LastName":"L","Nope":1}`, 400, `[{"message":"No such column 'Nope' on sobject of type Contact","errorCode":"INVALID_FIELD"}]`},
		"number for text":     {"Contact", `{"LastName":5}`, 400, "JSON_PARSER_ERROR"},
		"text for number":     {"Account", `{"Name":"A","AnnualRevenue":"much"}`, 400, "Cannot deserialize instance of currency from VALUE_STRING value much"},
		"fraction for int":    {"Account", `{"Name":"A","NumberOfEmployees":1.5}`, 400, "JSON_PARSER_ERROR"},
		"empty date":          {"Contact", `{"LastName":"L","Birthdate":""}`, 400, "JSON_PARSER_ERROR"},
		"bad datetime":        {"Monday_Project__c", `{"Name":"P","Kickoff__c":"2026-01-01 10:00:00"}`, 400, "JSON_PARSER_ERROR"},
		"text for boolean":    {"Contact", `{"LastName":"L","HasOptedOutOfEmail":"Yes"}`, 400, "JSON_PARSER_ERROR"},
		"null boolean":        {"Contact", `{"LastName":"L","HasOptedOutOfEmail":null}`, 400, `"errorCode":"INVALID_TYPE_ON_FIELD_IN_RECORD","fields":["HasOptedOutOfEmail"]`},
		"missing":             {"Lead", `{"FirstName":"A"}`, 400, `{"message":"Required fields are missing: [LastName, Company]","errorCode":"REQUIRED_FIELD_MISSING","fields":["LastName","Company"]}`},
		"null required":       {"Lead", `{"LastName":"L","Company":"C","Status":null}`, 400, `"fields":["Status"]`},
		"too long":            {"Contact", `{"LastName":"` + strings.Repeat("ä", 81) + `"}`, 400, `"errorCode":"STRING_TOO_LONG","fields":["LastName"]`},
		"bad email":           {"Contact", `{"LastName":"L","Email":"ada@local"}`, 400, `"errorCode":"INVALID_EMAIL_ADDRESS","fields":["Email"]`},
		"restricted picklist": {"Opportunity", `{"Name":"O","CloseDate":"2026-01-01","StageName":"Nope"}`, 400, `"errorCode":"INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST","fields":["StageName"]`},
		"read-only":           {"Contact", `{"LastName":"L","Name":"A"}`, 400, `"errorCode":"INVALID_FIELD_FOR_INSERT_UPDATE","fields":["Name"]`},
		"id":                  {"Contact", `{"LastName":"L","Id":"003"}`, 400, `INVALID_FIELD`},
		"huge number":         {"Account", `{"Name":"A","AnnualRevenue":1e17}`, 400, "NUMBER_OUTSIDE_VALID_RANGE"},
		"no id":               {"Contact", `{"LastName":"L","AccountId":"abc"}`, 400, `"errorCode":"MALFORMED_ID","fields":["AccountId"]`},
		"id of another kind":  {"Contact", `{"LastName":"L","AccountId":"` + user + `"}`, 400, `"errorCode":"MALFORMED_ID","fields":["AccountId"]`},
		"deleted parent":      {"Contact", `{"LastName":"L","AccountId":"` + gone + `"}`, 400, "INVALID_CROSS_REFERENCE_KEY"},
		"no parent with key":  {"Contact", `{"LastName":"L","Account":{"Monday_Item_Id__c":"x"}}`, 400, "Foreign key external ID: x not found for field Monday_Item_Id__c in entity Account"},
		"key taken":           {"Account", `{"Name":"A","Monday_Item_Id__c":"kEY"}`, 400, "DUPLICATE_VALUE"},
		"own rule":            {"Contact", `{"LastName":"L","Title":"Forbidden"}`, 400, `"errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION","fields":["Title"]`},
		"parent by key":       {"Contact", `{"LastName":"L","account":{"Monday_Item_Id__c":"KEY"}}`, 201, `"success":true`},
		"numbers as text":     {"Account", `{"Name":"A","AnnualRevenue":"12.5"}`, 201, `"success":true`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := o.do("POST", "/sobjects/"+tt.object, tt.body); r.status != tt.status || !strings.Contains(r.text, tt.want) {
				t.Errorf("answered %d %s, want %d with %s", r.status, r.text, tt.status, tt.want)
			}
		})
	}
}

func TestBin(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	account := o.Insert("Account", map[string]any{"Name": "A", sfsim.KeyField: "1"})
	contact := o.Insert("Contact", map[string]any{"LastName": "L", "AccountId": account})
	project := o.Insert("Monday_Project__c", map[string]any{"Name": "P", "Account__c": account})
	o.Delete("Account", account)
	if o.Get("Contact", contact) != nil {
		t.Error("the contact of a deleted account still exists")
	}
	if p := o.Get("Monday_Project__c", project); p == nil || p["Account__c"] != nil {
		t.Errorf("the deleted account's project = %v, want one without an account", p)
	}
	again := o.Insert("Account", map[string]any{"Name": "B", sfsim.KeyField: "1"})
	if r := o.do("GET", "/sobjects/Account/Monday_Item_Id__c/1?fields=Id", ""); !strings.Contains(r.text, again) {
		t.Errorf("key 1 finds %s, want %s", r.text, again)
	}
	if r := o.do("GET", "/queryAll?q=SELECT+Id+FROM+Account+WHERE+IsDeleted=true", ""); !cmp.Equal(r.values("Id"), []any{account}) {
		t.Errorf("bin holds %v, want %s", r.values("Id"), account)
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	id := o.Insert("Account", map[string]any{"Name": "A"})
	tests := map[string]struct {
		method, path string
		status       int
		want         string
	}{
		"resources":         {"GET", "/", 200, `"composite"`},
		"limits":            {"GET", "/limits", 200, `"DailyApiRequests":{"Max":100000`},
		"global describe":   {"GET", "/sobjects/", 200, `"keyPrefix":"a0X"`},
		"describe":          {"GET", "/sobjects/opportunity/describe/", 200, `"restrictedPicklist":true`},
		"basic information": {"GET", "/sobjects/Lead", 200, `"objectDescribe"`},
		"unknown":           {"GET", "/nope", 404, "NOT_FOUND"},
		"no version":        {"GET", "/services/data/latest/limits", 404, "NOT_FOUND"},
		"no record":         {"GET", "/sobjects/Account/001000000000001AAA", 404, "The requested resource does not exist"},
		"no id":             {"GET", "/sobjects/Account/nope", 404, "Provided external ID field does not exist"},
		"wrong checksum":    {"GET", "/sobjects/Account/" + id[:15] + "AAZ", 404, "NOT_FOUND"},
		"unknown field":     {"GET", "/sobjects/Account/" + id + "?fields=Nope", 400, "INVALID_FIELD"},
		"wrong method":      {"PUT", "/sobjects/Account/" + id, 405, "METHOD_NOT_ALLOWED"},
		"long address":      {"GET", "/query?q=" + strings.Repeat("x", 17000), 414, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := o.do(tt.method, tt.path, ""); r.status != tt.status || !strings.Contains(r.text, tt.want) {
				t.Errorf("answered %d %.300s, want %d with %s", r.status, r.text, tt.status, tt.want)
			}
		})
	}
	req := o.request(http.MethodPost, "/sobjects/Account", `{"Name":"A"}`)
	req.Header.Set("Content-Type", "text/plain")
	if r := o.send(req); r.status != 415 {
		t.Errorf("a body of type text answered %d %s, want 415", r.status, r.text)
	}
}
