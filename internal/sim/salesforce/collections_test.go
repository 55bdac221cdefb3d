package salesforce_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

func rows(object string, allOrNone bool, list ...map[string]any) string {
	for _, row := range list {
		if object != "" {
			row["attributes"] = map[string]string{"type": object}
		}
	}
	body, _ := json.Marshal(map[string]any{"allOrNone": allOrNone, "records": list})
	return string(body)
}

func TestCollections(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	tests := map[string]struct {
		method, path string
		body         func(id, gone string) string
		want         []string // outcomes
		code         string   // of the whole call, if it is rejected
	}{
		"create": {"POST", "", func(string, string) string {
			return rows("Contact", false, m{"LastName": "A"}, m{"FirstName": "B"}, m{"LastName": "C", "Email": "x", "Phone": strings.Repeat("1", 41)})
		}, []string{"ok", "REQUIRED_FIELD_MISSING LastName", "INVALID_EMAIL_ADDRESS Email; STRING_TOO_LONG Phone"}, ""},
		"create all or none": {"POST", "", func(string, string) string {
			return rows("Contact", true, m{"LastName": "A", sfsim.KeyField: "1"}, m{"FirstName": "B"})
		}, []string{"ALL_OR_NONE_OPERATION_ROLLED_BACK", "REQUIRED_FIELD_MISSING LastName"}, ""},
		"create with an id": {"POST", "", func(id, _ string) string {
			return rows("Contact", false, m{"LastName": "A", "Id": id})
		}, []string{"INVALID_FIELD_FOR_INSERT_UPDATE Id"}, ""},
		"same unique value twice": {"POST", "", func(string, string) string {
			return rows("Contact", false, m{"LastName": "A", sfsim.KeyField: "1"}, m{"LastName": "B", sfsim.KeyField: "1"})
		}, []string{"ok", "DUPLICATE_VALUE"}, ""},
		"update": {"PATCH", "", func(id, gone string) string {
			return rows("Contact", false, m{"id": id, "FirstName": "A"}, m{"Id": gone, "FirstName": "A"}, m{"Id": "0035f0000099999", "FirstName": "A"},
				m{"Id": "nope"}, m{"FirstName": "A"}, m{"Id": "0015f0000000001"}, m{"Id": id[:15], "FirstName": "B"})
		}, []string{"ok", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID Id", "MISSING_ARGUMENT", "MALFORMED_ID Id", "DUPLICATE_VALUE Id"}, ""},
		"upsert": {"PATCH", "/contact/monday_item_id__c", func(string, string) string {
			return rows("Contact", false, m{"Monday_Item_Id__c": "1", "LastName": "A"}, m{"Monday_Item_Id__c": "old", "FirstName": "A"}, m{"Monday_Item_Id__c": "OLD", "FirstName": "B"},
				m{"LastName": "C"}, m{"Monday_Item_Id__c": "2"})
		}, []string{"created", "ok", "DUPLICATE_VALUE Monday_Item_Id__c", "MISSING_ARGUMENT", "REQUIRED_FIELD_MISSING LastName"}, ""},
		"upsert by id": {"PATCH", "/Contact/Id", func(id, _ string) string {
			return rows("Contact", false, m{"Id": id, "FirstName": "A"})
		}, []string{"ok"}, ""},
		"several objects": {"POST", "", func(string, string) string {
			return `{"records":[{"attributes":{"type":"account"},"Name":"A"},{"attributes":{"type":"contact"},"LastName":"B"}]}`
		}, []string{"ok", "ok"}, ""},
		"too many chunks": {"POST", "", func(string, string) string {
			pair := `{"attributes":{"type":"Account"},"Name":"A"},{"attributes":{"type":"Contact"},"LastName":"B"}`
			return `{"records":[` + strings.TrimSuffix(strings.Repeat(pair+",", 6), ",") + `]}`
		}, nil, "LIMIT_EXCEEDED"},
		"too many": {"POST", "", func(string, string) string {
			list := make([]map[string]any, 201)
			for i := range list {
				list[i] = m{"LastName": "A"}
			}
			return rows("Contact", false, list...)
		}, nil, "EXCEEDED_ID_LIMIT"},
		"none":            {"POST", "", func(string, string) string { return rows("", false) }, nil, "MISSING_ARGUMENT"},
		"no type":         {"POST", "", func(string, string) string { return rows("", false, m{"LastName": "A"}) }, nil, "INVALID_TYPE"},
		"another type":    {"PATCH", "/Account/Id", func(string, string) string { return rows("Contact", false, m{"Id": "1"}) }, nil, "INVALID_TYPE"},
		"unknown field":   {"POST", "", func(string, string) string { return rows("Contact", false, m{"LastName": "A", "Nope": 1}) }, nil, "INVALID_FIELD"},
		"wrong JSON type": {"POST", "", func(string, string) string { return rows("Contact", false, m{"LastName": 1}) }, nil, "JSON_PARSER_ERROR"},
		"broken":          {"POST", "", func(string, string) string { return `{"records":{}}` }, nil, "JSON_PARSER_ERROR"},
		"no key field":    {"PATCH", "/Contact/Nope", func(string, string) string { return "{}" }, nil, "NOT_FOUND"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := setup(t, sfsim.Config{})
			id := o.Insert("Contact", m{"LastName": "Old", sfsim.KeyField: "old"})
			gone := o.Insert("Contact", m{"LastName": "Gone"})
			o.Delete("Contact", gone)
			before := len(o.Records("Contact"))
			r := o.do(tt.method, "/composite/sobjects"+tt.path, tt.body(id, gone))
			if tt.code != "" {
				if r.status < 400 || r.code() != tt.code || len(o.Records("Contact")) != before {
					t.Fatalf("answered %d %.300s, want %s and no write", r.status, r.text, tt.code)
				}
				return
			}
			if diff := cmp.Diff(tt.want, r.outcomes()); r.status != 200 || diff != "" {
				t.Errorf("answered %d %s (-want +got):\n%s", r.status, r.text, diff)
			}
		})
	}
}

func TestAllOrNoneLeavesNothing(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	id := o.Insert("Contact", map[string]any{"LastName": "Old", sfsim.KeyField: "old"})
	before := o.Records("Contact")
	o.do("PATCH", "/composite/sobjects/Contact/Monday_Item_Id__c", rows("Contact", true,
		map[string]any{sfsim.KeyField: "new", "LastName": "New"}, map[string]any{sfsim.KeyField: "old", "LastName": "Changed"}, map[string]any{sfsim.KeyField: "bad"}))
	if diff := cmp.Diff(before, o.Records("Contact")); diff != "" {
		t.Errorf("records changed (-before +after):\n%s", diff)
	}
	r := o.query("SELECT Id FROM Contact WHERE Monday_Item_Id__c IN ('old','new','bad') OR LastName = 'Changed' ORDER BY SystemModstamp")
	if diff := cmp.Diff([]any{id}, r.values("Id")); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if r := o.do("PATCH", "/sobjects/Contact/Monday_Item_Id__c/new", `{"LastName":"New"}`); r.status != 201 {
		t.Errorf("creating the rolled-back key answered %d %s, want 201", r.status, r.text)
	}
}

func TestDeleteAndRetrieveMany(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	a, b := o.Insert("Contact", map[string]any{"LastName": "A", sfsim.KeyField: "1"}), o.Insert("Account", map[string]any{"Name": "B"})
	r := o.do("POST", "/composite/sobjects/Contact", fmt.Sprintf(`{"ids":[%q,"nope",%q],"fields":["name"]}`, a[:15], b))
	want := []any{map[string]any{"attributes": map[string]any{"type": "Contact", "url": base + "/sobjects/Contact/" + a}, "Name": "A"}, nil, nil}
	if diff := cmp.Diff(want, r.body); diff != "" {
		t.Errorf("retrieved (-want +got):\n%s", diff)
	}
	if r := o.do("GET", "/composite/sobjects/Contact?ids="+a+"&fields=Nope", ""); r.code() != "INVALID_FIELD" {
		t.Errorf("unknown field answered %d %s", r.status, r.text)
	}
	r = o.do("DELETE", "/composite/sobjects?allOrNone=true&ids="+a+",nope", "")
	if diff := cmp.Diff([]string{"ALL_OR_NONE_OPERATION_ROLLED_BACK", "MALFORMED_ID"}, r.outcomes()); diff != "" {
		t.Errorf("deleting all or none (-want +got):\n%s", diff)
	}
	if r := o.do("GET", "/sobjects/Contact/Monday_Item_Id__c/1", ""); r.status != 200 {
		t.Errorf("after a rolled-back delete, the key answered %d %s", r.status, r.text)
	}
	r = o.do("DELETE", "/composite/sobjects?ids="+strings.Join([]string{a, b, a, "0035f0000099999"}, ","), "")
	if diff := cmp.Diff([]string{"ok", "ok", "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY"}, r.outcomes()); diff != "" {
		t.Errorf("deleting (-want +got):\n%s", diff)
	}
}
