package salesforce_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestComposite(t *testing.T) {
	t.Parallel()
	const (
		account = `{"method":"PATCH","url":"/services/data/v67.0/sobjects/Account/Monday_Item_Id__c/7","referenceId":"acc","body":{"Name":"ACME"}}`
		contact = `{"method":"PATCH","url":"/services/data/v67.0/sobjects/Contact/Monday_Item_Id__c/8","referenceId":"con","body":{"LastName":"L","AccountId":"@{acc.id}"}}`
		found   = `{"method":"GET","url":"/services/data/v67.0/query?q=SELECT+Id+FROM+Contact+WHERE+AccountId>='@{acc.id}'+ORDER+BY+SystemModstamp","referenceId":"found"}`
		change  = `{"method":"PATCH","url":"/services/data/v67.0/sobjects/Contact/@{found.records[0].Id}","referenceId":"change","body":{"Title":"x"}}`
		bad     = `{"method":"POST","url":"/services/data/v67.0/sobjects/Contact","referenceId":"bad","body":{}}`
		many    = `{"method":"POST","url":"/services/data/v67.0/composite/sobjects","referenceId":"many","body":{"records":[{"attributes":{"type":"Lead"}}]}}`
		update  = `{"method":"PATCH","url":"/services/data/v67.0/sobjects/Lead/Monday_Item_Id__c/9","referenceId":"update","body":{"Title":"x"}}`
		leads   = `{"method":"GET","url":"/services/data/v67.0/query?q=SELECT+Id+FROM+Lead+ORDER+BY+SystemModstamp","referenceId":"leads"}`
		remove  = `{"method":"DELETE","url":"/services/data/v67.0/sobjects/Lead/@{leads.records[0].Id}","referenceId":"remove"}`
	)
	tests := map[string]struct {
		allOrNone bool
		parts     []string
		want      []string // status and error code of each part
		contacts  int
	}{
		"references":               {true, []string{account, contact, found, change}, []string{"201", "201", "200", "204"}, 1},
		"own update is seen":       {true, []string{update, leads, remove}, []string{"200", "200", "204"}, 0},
		"one fails":                {false, []string{bad, account}, []string{"400 REQUIRED_FIELD_MISSING", "201"}, 0},
		"one fails, all":           {true, []string{account, contact, bad}, []string{"400 PROCESSING_HALTED", "400 PROCESSING_HALTED", "400 REQUIRED_FIELD_MISSING"}, 0},
		"dangling":                 {false, []string{contact}, []string{"400 PROCESSING_HALTED"}, 0},
		"rows may fail":            {true, []string{many, account}, []string{"200", "201"}, 0},
		"unknown resource":         {false, []string{`{"method":"GET","url":"/nope","referenceId":"a"}`}, []string{"404 NOT_FOUND"}, 0},
		"composite in a composite": {false, []string{`{"method":"POST","url":"/services/data/v67.0/composite","referenceId":"a","body":{}}`}, []string{"404 NOT_FOUND"}, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := setup(t, sfsim.Config{})
			o.Insert("Lead", map[string]any{"LastName": "L", "Company": "C", sfsim.KeyField: "9"})
			r := o.do("POST", "/composite", fmt.Sprintf(`{"allOrNone":%v,"compositeRequest":[%s]}`, tt.allOrNone, strings.Join(tt.parts, ",")))
			if r.status != 200 {
				t.Fatalf("answered %d %s", r.status, r.text)
			}
			var got []string
			for _, p := range r.body.(map[string]any)["compositeResponse"].([]any) {
				p := p.(map[string]any)
				body := reply{body: p["body"]}
				got = append(got, strings.TrimSpace(fmt.Sprint(p["httpStatusCode"], " ", body.code())))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s\n%s", diff, r.text)
			}
			if n := len(o.Records("Contact")); n != tt.contacts {
				t.Errorf("%d contacts, want %d", n, tt.contacts)
			}
			if n := o.TotalCalls(); n != 1 {
				t.Errorf("%d calls, want 1", n)
			}
		})
	}
}

func TestCompositeLimits(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	part := func(path string, n int) string {
		return fmt.Sprintf(`{"method":"GET","url":"%s%s","referenceId":"r%d"}`, base, path, n)
	}
	repeat := func(path string, n int) string {
		var list []string
		for i := range n {
			list = append(list, part(path, i))
		}
		return strings.Join(list, ",")
	}
	tests := map[string]struct{ parts, code string }{
		"25":           {repeat("/sobjects", 25), ""},
		"26":           {repeat("/sobjects", 26), "LIMIT_EXCEEDED"},
		"6 queries":    {repeat("/query?q=SELECT+Id+FROM+Lead", 6), "LIMIT_EXCEEDED"},
		"same id":      {part("/limits", 1) + "," + part("/limits", 1), "INVALID_INPUT"},
		"id with dash": {`{"method":"GET","url":"/","referenceId":"a-b"}`, "INVALID_INPUT"},
		"none":         {"", "INVALID_INPUT"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if r := o.do("POST", "/composite", `{"compositeRequest":[`+tt.parts+`]}`); r.code() != tt.code {
				t.Errorf("answered %d %s, want %q", r.status, r.text, tt.code)
			}
		})
	}
}
