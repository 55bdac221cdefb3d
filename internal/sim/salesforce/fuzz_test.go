package salesforce

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"
)

// FuzzQuery looks for queries that break the simulator: each must get an answer in JSON.
func FuzzQuery(f *testing.F) {
	for _, soql := range []string{
		"SELECT Id, Account.Name FROM Contact WHERE (Name LIKE 'a\\_%' OR NOT Email = null) AND CreatedDate > 2026-01-01T00:00:00Z ORDER BY SystemModstamp, Id NULLS LAST LIMIT 5 OFFSET 1",
		"SELECT COUNT() FROM Contact WHERE Id IN ('003000000000001', '') AND HasOptedOutOfEmail = TRUE",
		`SELECT Name FROM Contact WHERE Name NOT IN ('\u00e4\'', 'b') AND Birthdate <= 2026-01-01 AND Name <> ''`,
		"SELECT Name FROM Contact WHERE Name LIKE '' OR Email LIKE '%'",
		"SELECT Name FROM Contact WHERE SystemModstamp = null OR SystemModstamp > 2020-01-01T00:00:00+01:00 ORDER BY SystemModstamp",
	} {
		f.Add(soql)
	}
	s := New(Config{})
	s.Insert("Contact", map[string]any{"LastName": "A", "Email": "a@x.org"})
	s.Insert("Contact", map[string]any{"LastName": "B"})
	f.Fuzz(func(t *testing.T, soql string) {
		op := s.plan(request{method: http.MethodGet, version: "67.0", path: []string{"query"}, query: url.Values{"q": {soql}}})
		a := s.execute(op, nil)
		if a.status != http.StatusOK && a.status != http.StatusBadRequest || !json.Valid(a.json()) {
			t.Errorf("answered %d %s", a.status, a.json())
		}
	})
}

// FuzzRows looks for bodies that break a collection.
func FuzzRows(f *testing.F) {
	for _, body := range []string{
		`{"records":[{"attributes":{"type":"Contact"},"LastName":"A","Account":{"Monday_Item_Id__c":"1"},"Birthdate":"2026-01-01"}]}`,
		`{"allOrNone":true,"records":[{"attributes":{"type":"lead"},"id":"00Q"},{"attributes":{"type":"Lead"},"Company":null,"AnnualRevenue":"1e3"}]}`,
		`{"compositeRequest":[{"method":"POST","url":"/services/data/v67.0/sobjects/Lead","referenceId":"a","body":{"LastName":"@{b.c[0]}"}}]}`,
	} {
		f.Add(http.MethodPatch, "composite/sobjects/Contact/Monday_Item_Id__c", body)
		f.Add(http.MethodPost, "composite", body)
		f.Add(http.MethodPost, "composite/sobjects", body)
	}
	s := New(Config{})
	f.Fuzz(func(t *testing.T, method, path, body string) {
		u := &url.URL{Path: "/services/data/v67.0/" + path}
		r, failed := newRequest(method, u, http.Header{"Content-Type": {"application/json"}}, []byte(body))
		if failed != nil {
			return
		}
		if a := s.execute(s.plan(r), nil); a.body != nil && !json.Valid(a.json()) {
			t.Errorf("answered %d %s", a.status, a.json())
		}
	})
}
