package salesforce_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
)

// library returns an org with five projects of two accounts.
func library(t *testing.T) *org {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	o := setup(t, sfsim.Config{Now: func() time.Time { return start }})
	acme := o.Insert("Account", map[string]any{"Name": "ACME", sfsim.KeyField: "100"})
	zeta := o.Insert("Account", map[string]any{"Name": "Zeta's \"100%\" \\ Co", sfsim.KeyField: "200"})
	for _, f := range []map[string]any{
		{"Name": "a", "Account__c": acme, "Budget__c": 10, "Public__c": true, "Start_Date__c": "2026-01-10", "Email__c": "A@x.org"},
		{"Name": "b", "Account__c": acme, "Budget__c": 20.5, "Start_Date__c": "2026-02-10", "Kickoff__c": "2026-02-10T08:00:00Z"},
		{"Name": "c", "Account__c": zeta, "Budget__c": -5, "Status__c": "Active", "Kickoff__c": "2026-02-10T09:00:00+02:00"},
		{"Name": "D", "Status__c": "Done", "Email__c": "a@X.org"},
		{"Name": "e", "Budget__c": 20.5, "Status__c": "Active"},
	} {
		f[sfsim.KeyField] = f["Name"]
		o.Insert("Monday_Project__c", f)
	}
	gone := o.Insert("Monday_Project__c", map[string]any{"Name": "gone", "Email__c": "a@x.org"})
	o.Delete("Monday_Project__c", gone)
	return o
}

func TestQuery(t *testing.T) {
	t.Parallel()
	o := library(t)
	ids := map[string]any{}
	for _, r := range o.Records("Monday_Project__c") {
		ids[r["Name"].(string)] = r["Id"]
	}
	tests := map[string]string{ // clauses after FROM Monday_Project__c, to names
		"":                                              "a b c D e",
		"WHERE name = 'd'":                              "D",
		"WHERE Name != 'D'":                             "a b c e",
		"WHERE Name <> 'D' LIMIT 2":                     "a b",
		"WHERE Email__c = 'a@x.ORG'":                    "a D",
		"WHERE Email__c IN ('a@x.org', 'z')":            "a D",
		"WHERE Email__c IN ('a@x.org', null)":           "a b c D e",
		"WHERE Email__c NOT IN ('a@x.org')":             "b c e",
		"WHERE Email__c = null":                         "b c e",
		"WHERE Email__c = ''":                           "b c e",
		"WHERE Email__c != NULL":                        "a D",
		"WHERE Monday_Item_Id__c IN ('A','e')":          "a e",
		"WHERE Budget__c > 10":                          "b e",
		"WHERE Budget__c >= 10.0":                       "a b e",
		"WHERE Budget__c < 0 OR Name = 'a'":             "a c",
		"WHERE Budget__c <= -5":                         "c",
		"WHERE Budget__c IN (10, 20.5)":                 "a b e",
		"WHERE Public__c = TRUE":                        "a",
		"WHERE Public__c != true AND Budget__c != null": "b c e",
		"WHERE Start_Date__c > 2026-01-10":              "b",
		"WHERE Kickoff__c = 2026-02-10T07:00:00Z":       "c",
		"WHERE Kickoff__c >= 2026-02-10T08:00:00.000Z":  "b",
		"WHERE Status__c LIKE 'A_ti%'":                  "c e",
		"WHERE NOT Status__c LIKE 'a%'":                 "a b D",
		"WHERE NOT (Name = 'a' OR Name = 'b')":          "c D e",
		"WHERE (Name = 'a' OR Name = 'b') AND (Budget__c = 10 OR Budget__c = 3)":            "a",
		"WHERE Account__r.Name = 'acme'":                                                    "a b",
		"WHERE account__R.monday_item_id__C = '200'":                                        "c",
		`WHERE Account__r.Name = 'Zeta\'s \"100%\" \\ co'`:                                  "c",
		`WHERE Account__r.Name LIKE '%100\%%'`:                                              "c",
		`WHERE Account__r.Name LIKE '%10\%%'`:                                               "",
		`WHERE Name = '\u0062'`:                                                             "b",
		"ORDER BY Name DESC":                                                                "e D c b a",
		"ORDER BY Budget__c, Name DESC":                                                     "D c a e b",
		"ORDER BY Budget__c DESC NULLS LAST, Name":                                          "b e a c D",
		"ORDER BY Account__r.Name NULLS LAST, Name":                                         "a b c D e",
		"ORDER BY Id DESC LIMIT 2 OFFSET 1":                                                 "D c",
		"ORDER BY SystemModstamp LIMIT 2 OFFSET 1":                                          "b c",
		"ORDER BY SystemModstamp DESC LIMIT 1":                                              "e",
		"WHERE IsDeleted = false ORDER BY CreatedDate LIMIT 1":                              "a",
		"WHERE IsDeleted = true":                                                            "",
		"WHERE SystemModstamp > 2030-01-01T00:00:00Z OR Name = 'a' ORDER BY SystemModstamp": "a",
		"WHERE SystemModstamp > 2020-01-01T00:00:00Z AND Name = 'a'":                        "a",
		"WHERE NOT SystemModstamp > 2030-01-01T00:00:00Z ORDER BY Name LIMIT 1":             "a",
		"LIMIT 0": "",
		fmt.Sprintf("WHERE Id = '%s'", ids["c"].(string)[:15]):                                  "c",
		fmt.Sprintf("WHERE Id IN ('%s', '%s', '%s')", ids["c"], ids["a"], ids["c"]):             "a c",
		fmt.Sprintf("WHERE Id > '%s' AND Name != 'e' ORDER BY Id LIMIT 1", ids["c"]):            "D",
		fmt.Sprintf("WHERE Name IN ('e', 'b') AND Id > '%s' ORDER BY SystemModstamp", ids["b"]): "e",
	}
	for soql, want := range tests {
		t.Run(soql, func(t *testing.T) {
			t.Parallel()
			r := o.query("SELECT Name FROM monday_project__C " + soql)
			if got := strings.Trim(fmt.Sprint(r.values("Name")), "[]"); r.status != 200 || got != want {
				t.Errorf("answered %d %.500s, want %s", r.status, r.text, want)
			}
		})
	}
}

func TestQueryRefused(t *testing.T) {
	t.Parallel()
	o := library(t)
	tests := map[string]string{
		"":                                       "MALFORMED_QUERY",
		"SELECT FROM Lead":                       "MALFORMED_QUERY",
		"SELECT Id Lead":                         "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE":              "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name = 'x":    "MALFORMED_QUERY",
		`SELECT Id FROM Lead WHERE Name='\x'`:    "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name == 'x'":  "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE (Name = 'x'":  "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name IN 'x'":  "MALFORMED_QUERY",
		"SELECT Id FROM Lead LIMIT x":            "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name LIKE ''": "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Lead; DROP":              "MALFORMED_QUERY",
		"SELECT Id, id FROM Lead":                "MALFORMED_QUERY",
		"SELECT Id FROM Lead WHERE Name='a' AND Email='b' OR Phone='c'":     "MALFORMED_QUERY", // requires parentheses
		"SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01T00:00:00 00:00": "MALFORMED_QUERY",
		"SELECT Nope FROM Lead":                                "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE Nope = 1":                   "INVALID_FIELD",
		"SELECT Id FROM Lead ORDER BY Nope":                    "INVALID_FIELD",
		"SELECT Nope.Name FROM Lead":                           "INVALID_FIELD",
		"SELECT Owner.Nope FROM Lead":                          "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE Name = 5":                   "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE AnnualRevenue = '5'":        "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01'": "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE CreatedDate > 2026-01-01":   "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE IsConverted = 'true'":       "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE IsConverted > true":         "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE Description = 'x'":          "INVALID_FIELD", // too long to filter by
		"SELECT Id FROM Lead WHERE CreatedDate LIKE '2026%'":   "INVALID_FIELD",
		"SELECT Id FROM Lead WHERE OwnerId = 'x'":              "INVALID_QUERY_FILTER_OPERATOR",
		"SELECT Id FROM Lead OFFSET 2001":                      "NUMBER_OUTSIDE_VALID_RANGE",
		"SELECT Id FROM Nope":                                  "INVALID_TYPE",
	}
	for soql, want := range tests {
		t.Run(soql, func(t *testing.T) {
			t.Parallel()
			if r := o.query(soql); r.status != 400 || r.code() != want {
				t.Errorf("answered %d %s, want 400 %s", r.status, r.text, want)
			}
		})
	}
}

func TestQueryShape(t *testing.T) {
	t.Parallel()
	o := library(t)
	account := o.Records("Account")[0]["Id"].(string)
	r := o.do("GET", "/query/?q=SELECT%20name%2C%20budget__c,+Public__c,+Kickoff__c,+account__r.NAME,+Account__r.Id%20FROM%20Monday_Project__c+WHERE+Name+IN+('b','e')", "")
	var got []map[string]any
	for _, rec := range r.body.(map[string]any)["records"].([]any) {
		rec := rec.(map[string]any)
		delete(rec, "attributes")
		got = append(got, rec)
	}
	parent := map[string]any{"attributes": map[string]any{"type": "Account", "url": base + "/sobjects/Account/" + account}, "Name": "ACME", "Id": account}
	want := []map[string]any{
		{"Name": "b", "Budget__c": 20.5, "Public__c": false, "Kickoff__c": "2026-02-10T08:00:00.000+0000", "Account__r": parent},
		{"Name": "e", "Budget__c": 20.5, "Public__c": false, "Kickoff__c": nil, "Account__r": nil},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if r := o.query("select count() from Monday_Project__c where Public__c = false"); r.text != `{"done":true,"records":[],"totalSize":4}` {
		t.Errorf("count answered %s", r.text)
	}
	if r := o.do("GET", "/queryAll?q=SELECT+Name,IsDeleted+FROM+Monday_Project__c+WHERE+Email__c='a@x.org'+ORDER+BY+SystemModstamp", ""); fmt.Sprint(r.values("IsDeleted")) != "[false false true]" {
		t.Errorf("queryAll answered %s", r.text)
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{PageSize: 500})
	for i := range 1050 {
		o.Insert("Lead", map[string]any{"LastName": fmt.Sprintf("%04d", i), "Company": "\"C\"\nÄ"})
	}
	tests := map[string]struct {
		header string
		want   []int
	}{
		"org's":    {"", []int{500, 500, 50}},
		"asked":    {"batchSize=300", []int{300, 300, 300, 150}},
		"smallest": {"batchSize=1", []int{200, 200, 200, 200, 200, 50}},
		"too many": {"batchSize=2000", []int{500, 500, 50}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var pages []int
			names := map[any]bool{}
			for next := base + "/query?q=SELECT+LastName,Company+FROM+Lead"; next != ""; {
				req := o.request(http.MethodGet, next, "")
				req.Header.Set("Sforce-Query-Options", tt.header)
				r := o.send(req)
				body := r.body.(map[string]any)
				next, _ = body["nextRecordsUrl"].(string)
				if body["totalSize"] != 1050.0 || body["done"] != (next == "") {
					t.Fatalf("page has done = %v, totalSize = %v, next = %q", body["done"], body["totalSize"], next)
				}
				for _, name := range r.values("LastName") {
					names[name] = true
				}
				pages = append(pages, len(r.values("Company")))
			}
			if diff := cmp.Diff(tt.want, pages); diff != "" || len(names) != 1050 {
				t.Errorf("%d names, pages (-want +got):\n%s", len(names), diff)
			}
		})
	}
	if r := o.do("GET", "/query/0r8000000000000AAA-500", ""); r.status != 400 || r.code() != "INVALID_QUERY_LOCATOR" {
		t.Errorf("unknown locator answered %d %s", r.status, r.text)
	}
}

// TestKeyset reads all changes page by page while records keep changing, as an incremental sync does.
func TestKeyset(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	var list []map[string]any
	for i := range 150 {
		list = append(list, map[string]any{"LastName": fmt.Sprint(i), "Company": "C"})
	}
	o.do("POST", "/composite/sobjects", rows("Lead", false, list...)) // one call: the stamps are the same
	o.do("POST", "/composite/sobjects", rows("Lead", false, list...))
	stamp, id := "2000-01-01T00:00:00.000+0000", "000000000000000"
	seen := map[string]int{}
	for page := 0; ; page++ {
		at := strings.Replace(stamp, "+0000", "Z", 1)
		r := o.query(fmt.Sprintf("SELECT Id, SystemModstamp FROM Lead WHERE (SystemModstamp = %s AND Id > '%s') OR SystemModstamp > %s ORDER BY SystemModstamp, Id LIMIT 70", at, id, at))
		got, stamps := r.values("Id"), r.values("SystemModstamp")
		if len(got) == 0 {
			break
		}
		for i := range got {
			if stamps[i].(string)+got[i].(string) <= stamp+id {
				t.Fatalf("page %d: %v %v after %s %s", page, stamps[i], got[i], stamp, id)
			}
			stamp, id = stamps[i].(string), got[i].(string)
			seen[id]++
		}
		if page < 3 {
			o.Update("Lead", got[0].(string), map[string]any{"Company": "D"}) // found again later
		}
	}
	again := 0
	for _, n := range seen {
		again += n - 1
	}
	if len(seen) != 300 || again != 3 {
		t.Errorf("saw %d leads, %d of them twice, want 300 and 3", len(seen), again)
	}
}
