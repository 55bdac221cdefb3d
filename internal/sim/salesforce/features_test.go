package salesforce_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

func TestValidationRules(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	rule := sfsim.Validation{Object: "Opportunity", Invalid: func(op m) bool { return op["StageName"] == "Closed Won" && op["Amount"] == nil }}
	o.AddValidation(rule)
	rule.Fields = []string{"StageName"}
	o.AddValidation(rule)
	id := o.Insert("Opportunity", m{"Name": "O", "StageName": "Qualification", "CloseDate": "2026-01-01"})
	const code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
	update := func(fields m) []string {
		fields["Id"] = id
		r := o.do("PATCH", collections, rows("Opportunity", false, fields))
		return r.outcomes()
	}
	if got := update(m{"StageName": "Closed Won"}); !slices.Equal(got, []string{code + "; " + code + " StageName"}) {
		t.Errorf("update without the other field = %v", got)
	}
	if got := update(m{"StageName": "Closed Won", "Amount": 5}); !slices.Equal(got, []string{"ok"}) {
		t.Errorf("update with the other field = %v", got)
	}
	if got := update(m{"Amount": nil}); !slices.Equal(got, []string{code + "; " + code + " StageName"}) {
		t.Errorf("clearing the other field = %v", got)
	}
}

func TestStatesAndCountries(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	o.EnableStatesAndCountries(map[string][]string{"United States": {"Ohio"}, "Germany": nil})
	id := o.Insert("Contact", m{"LastName": "L"})
	const code = "FIELD_INTEGRITY_EXCEPTION"
	for _, tt := range []struct {
		state, country any
		want           string
	}{
		{"Ohio", nil, code + " MailingState"},
		{nil, "Atlantis", code + " MailingCountry"},
		{"Bavaria", "United States", code + " MailingState"},
		{"Ohio", "United States", "ok"},
		{"Bavaria", "Germany", "ok"},
		{nil, "Germany", "ok"},
	} {
		r := o.do("PATCH", collections, rows("Contact", false, m{"Id": id, "MailingState": tt.state, "MailingCountry": tt.country}))
		if got := r.outcomes(); !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%v, %v: %v, want %s", tt.state, tt.country, got, tt.want)
		}
	}
}

func TestSecondUniqueField(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	o.Insert("Contact", m{"LastName": "Old"})
	o.AddField("Contact", sfsim.Field{Name: "Member__c", Type: sfsim.String, Unique: true})
	o.AddField("Contact", sfsim.Field{Name: "Active__c", Type: sfsim.Boolean})
	o.AddField("Contact", sfsim.Field{Name: "Source__c", Type: sfsim.String, ExternalID: true, Default: "Import"})
	o.Insert("Contact", m{"LastName": "A", "Member__c": "7"})
	r := o.do("POST", collections, rows("Contact", false, m{"LastName": "B", "Member__c": "7", sfsim.KeyField: "1"}, m{"LastName": "B", sfsim.KeyField: "1"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"DUPLICATE_VALUE", "ok"}) {
		t.Errorf("answered %v", got)
	}
	if r := o.query("SELECT LastName FROM Contact WHERE Member__c = '7'"); !slices.Equal(r.values("LastName"), []any{"A"}) {
		t.Errorf("found %s", r.text)
	}
	if r := o.query("SELECT LastName FROM Contact WHERE Source__c = 'import'"); len(r.values("LastName")) != 3 {
		t.Errorf("found %s", r.text)
	}
	if r := o.query("SELECT LastName FROM Contact WHERE Active__c = false"); len(r.values("LastName")) != 3 {
		t.Errorf("found %s", r.text)
	}
}

func TestFormula(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	id := o.Insert("Opportunity", m{"Name": "O", "StageName": "Qualification", "CloseDate": "2026-01-01", "Amount": 10})
	o.AddField("Opportunity", sfsim.Field{Name: "Half__c", Type: sfsim.Currency, Formula: func(op m) any {
		amount, _ := op["Amount"].(float64)
		return amount / 2
	}})
	o.AddField("Opportunity", sfsim.Field{Name: "Lines__c", Type: sfsim.Double, Calculated: true})
	if got := o.Get("Opportunity", id)["Half__c"]; got != 5.0 {
		t.Errorf("formula of an existing record = %v", got)
	}
	o.do("PATCH", "/sobjects/Opportunity/"+id, `{"Amount":30}`)
	if r := o.query("SELECT Half__c FROM Opportunity WHERE Half__c > 14"); !slices.Equal(r.values("Half__c"), []any{15.0}) {
		t.Errorf("formula after an update = %s", r.text)
	}
	r := o.do("PATCH", collections, rows("Opportunity", false, m{"Id": id, "Half__c": 1, "Lines__c": 1}))
	if got := r.outcomes(); !slices.Equal(got, []string{"INVALID_FIELD_FOR_INSERT_UPDATE Half__c Lines__c"}) {
		t.Errorf("written: %v", got)
	}
	calculated := map[any]bool{}
	for _, f := range o.do("GET", "/sobjects/Opportunity/describe", "").body.(m)["fields"].([]any) {
		if f := f.(m); f["calculated"] == true && f["createable"] == false && f["updateable"] == false {
			calculated[f["name"]] = true
		}
	}
	if len(calculated) != 2 || !calculated["Half__c"] || !calculated["Lines__c"] {
		t.Errorf("calculated fields = %v", calculated)
	}
}

func TestPersonAccounts(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{PersonAccounts: true})
	business := o.Insert("Account", m{"Name": "B"})
	account, contact := o.InsertPersonAccount("Ada", "Lovelace", "ada@x.org")
	for _, object := range []string{"Account", "Contact"} {
		want := map[string]string{"Account": account, "Contact": contact}[object]
		if r := o.query("SELECT Id FROM " + object + " WHERE IsPersonAccount = true"); !slices.Equal(r.values("Id"), []any{want}) {
			t.Errorf("of %s: %s", object, r.text)
		}
	}
	r := o.do("PATCH", collections, rows("Contact", false, m{"Id": contact, "LastName": "King"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"INVALID_FIELD_FOR_INSERT_UPDATE LastName"}) {
		t.Errorf("update of the contact = %v", got)
	}
	r = o.do("PATCH", collections, rows("Account", false, m{"Id": account, "Name": "King"}, m{"Id": business, "Name": "King"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"INVALID_FIELD_FOR_INSERT_UPDATE Name", "ok"}) {
		t.Errorf("update of the accounts = %v", got)
	}
	o.do("PATCH", "/sobjects/Account/"+account, `{"LastName":"King"}`)
	if got := o.Get("Account", account)["Name"]; got != "Ada King" {
		t.Errorf("name = %v, want Ada King", got)
	}
	if without := setup(t, sfsim.Config{}); without.query("SELECT IsPersonAccount FROM Contact").code() != "INVALID_FIELD" {
		t.Error("an org without person accounts has IsPersonAccount")
	}
}

func TestCurrencies(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{Currencies: []string{"USD", "EUR"}})
	r := o.do("POST", "/sobjects/Opportunity", `{"Name":"O","StageName":"Qualification","CloseDate":"2026-01-01"}`)
	id, _ := r.body.(map[string]any)["id"].(string)
	if got := o.Get("Opportunity", id)["CurrencyIsoCode"]; got != "USD" {
		t.Errorf("currency = %v in %s", got, r.text)
	}
	if r := o.do("PATCH", "/sobjects/Opportunity/"+id, `{"CurrencyIsoCode":"XXX"}`); r.code() != "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" {
		t.Errorf("unknown currency: %s", r.text)
	}
	if r := o.query("SELECT IsoCode FROM CurrencyType WHERE IsActive = true AND IsCorporate = true"); !slices.Equal(r.values("IsoCode"), []any{"USD"}) {
		t.Errorf("org's own currency: %s", r.text)
	}
}

func TestStorageFull(t *testing.T) {
	t.Parallel()
	type m = map[string]any
	o := setup(t, sfsim.Config{})
	id := o.Insert("Account", m{"Name": "A", sfsim.KeyField: "1"})
	o.SetStorageFull(true)
	r := o.do("PATCH", collections+"/Account/Monday_Item_Id__c", rows("Account", false, m{sfsim.KeyField: "1", "Phone": "1"}, m{sfsim.KeyField: "2", "Name": "B"}))
	if got := r.outcomes(); !slices.Equal(got, []string{"ok", "STORAGE_LIMIT_EXCEEDED"}) {
		t.Errorf("answered %v", got)
	}
	if r := o.do("GET", "/limits", ""); !strings.Contains(r.text, `"DataStorageMB":{"Max":1024,"Remaining":0}`) {
		t.Errorf("limits: %s", r.text)
	}
	o.SetStorageFull(false)
	if r := o.do("POST", "/sobjects/Account", `{"Name":"B"}`); r.status != 201 || o.Get("Account", id)["Phone"] != "1" {
		t.Errorf("afterwards: %d %s", r.status, r.text)
	}
}

func TestMove(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	server := httptest.NewServer(o.Sim)
	t.Cleanup(server.Close)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	old := func() *http.Response {
		t.Helper()
		resp, err := client.Do(o.request("GET", "/limits?x=1", ""))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp
	}
	o.Move(server.URL, http.StatusMovedPermanently)
	if r := old(); r.StatusCode != 301 || r.Header.Get("Location") != server.URL+base+"/limits?x=1" {
		t.Errorf("the old host answered %d, Location %s", r.StatusCode, r.Header.Get("Location"))
	}
	o.Move(server.URL, http.StatusNotFound)
	if r := old(); r.StatusCode != 404 || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		t.Errorf("the old host answered %d %s", r.StatusCode, r.Header.Get("Content-Type"))
	}
	grant := o.grant(url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"s"}}).body.(map[string]any)
	if grant["instance_url"] != server.URL {
		t.Errorf("login names %v, want %s", grant["instance_url"], server.URL)
	}
	o.url = server.URL
	if r := o.do("GET", "/limits", ""); r.status != 401 {
		t.Errorf("an old session answered %d", r.status)
	}
	o.token = grant["access_token"].(string)
	if r := o.do("GET", "/limits", ""); r.status != 200 {
		t.Errorf("the new host answered %d %s", r.status, r.text)
	}
}

func TestRetiredVersion(t *testing.T) {
	t.Parallel()
	o := setup(t, sfsim.Config{})
	o.Retire(67)
	for version, want := range map[string]int{"v66.0": 410, "v67.0": 200} {
		if r := o.do("GET", "/services/data/"+version+"/limits", ""); r.status != want || want == 410 && r.code() != "UNSUPPORTED_API_VERSION" {
			t.Errorf("%s answered %d %s, want %d", version, r.status, r.text, want)
		}
	}
}
