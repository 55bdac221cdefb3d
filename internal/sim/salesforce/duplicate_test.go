package salesforce_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestDuplicateRules(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	const alert, found = "allowSave=true", "DUPLICATES_DETECTED"
	tests := map[string]struct {
		block, twin          bool
		method, path, header string
		body                 m
		want                 string
	}{
		"alike":                        {body: m{"LastName": "doe", "Email": "A@X.ORG"}, want: found},
		"alike, allowed":               {body: m{"LastName": "doe", "Email": "A@X.ORG"}, header: alert, want: "ok"},
		"alike, blocked":               {body: m{"LastName": "doe", "Email": "A@X.ORG"}, header: alert, block: true, want: found},
		"one field alike":              {body: m{"LastName": "doe", "Email": "b@x.org"}, want: "ok"},
		"empty field":                  {body: m{"LastName": "doe"}, want: "ok"},
		"becomes alike":                {method: "PATCH", body: m{"Email": "a@x.org"}, want: found},
		"becomes alike, allowed":       {method: "PATCH", body: m{"Email": "a@x.org"}, header: "includeRecordDetails=true; allowSave=TRUE", want: "ok"},
		"another field":                {method: "PATCH", body: m{"Phone": "1"}, want: "ok"},
		"another field of a duplicate": {method: "PATCH", twin: true, body: m{"Phone": "1"}, want: "ok"},
		"upserted":                     {method: "PATCH", path: "/Contact/Monday_Item_Id__c", body: m{sfsim.KeyField: "9", "LastName": "Doe", "Email": "a@x.org"}, want: found},
		"upserted, the same record":    {method: "PATCH", path: "/Contact/Monday_Item_Id__c", body: m{sfsim.KeyField: "1", "LastName": "DOE"}, want: "ok"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := setup(t, sfsim.Config{})
			o.Insert("Contact", m{"LastName": "Doe", "Email": "a@x.org", sfsim.KeyField: "1"})
			o.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Fields: []string{"LastName", "Email"}, Block: tt.block})
			other := o.Insert("Contact", m{"LastName": "Doe", "Email": "c@x.org"})
			method := "POST"
			if tt.method != "" {
				if method = tt.method; tt.path == "" {
					tt.body["Id"] = other
				}
				if tt.twin {
					o.Update("Contact", other, m{"Email": "a@x.org"})
				}
			}
			req := o.request(method, collections+tt.path, rows("Contact", false, tt.body))
			req.Header.Set("Sforce-Duplicate-Rule-Header", tt.header)
			if got := o.send(req).outcomes(); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("answered %v, want %s", got, tt.want)
			}
		})
	}
}

func TestDuplicatesOfOneRecord(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	first := o.Insert("Contact", m{"LastName": "Doe", "Email": "a@x.org"})
	second := o.Insert("Contact", m{"LastName": "Roe", "Email": "A@x.org"})
	hidden := o.Insert("Contact", m{"LastName": "Poe", "Email": "a@x.org"})
	o.Hide("Contact", hidden, true)
	o.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Name: "Mail", Fields: []string{"Email"}})
	ids := func(details string) []any {
		t.Helper()
		req := o.request("POST", "/sobjects/Contact", `{"LastName":"Doe","Email":"a@x.org"}`)
		req.Header.Set("Sforce-Duplicate-Rule-Header", "allowSave=false; includeRecordDetails="+details)
		r := o.send(req)
		if r.status != 400 || r.code() != "DUPLICATES_DETECTED" {
			t.Fatalf("answered %d %s", r.status, r.text)
		}
		result := r.body.([]any)[0].(m)["duplicateResut"].(m)
		if result["allowSave"] != true || result["duplicateRule"] != "Mail" {
			t.Errorf("duplicateResut = %v", result)
		}
		var list []any
		for _, match := range result["matchResults"].([]any)[0].(m)["matchRecords"].([]any) {
			record := match.(m)["record"].(m)
			if list = append(list, record["Id"]); (record["Email"] != nil) != (details == "true") {
				t.Errorf("includeRecordDetails=%s shows %v", details, record)
			}
		}
		return list
	}
	for _, details := range []string{"true", "false"} {
		if diff := cmp.Diff([]any{first, second}, ids(details)); diff != "" {
			t.Errorf("matches (-want +got):\n%s", diff)
		}
	}
}
