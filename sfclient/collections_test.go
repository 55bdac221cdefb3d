package sfclient

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	id1 = "001000000000001AAA"
	id2 = "001000000000002AAA"
)

func TestWrites(t *testing.T) {
	t.Parallel()
	records := []Record{{"Id": id1, "Name": "A"}, {"Id": id2, "Name": nil, "attributes": "x"}}
	const sent = `{"allOrNone":false,"records":[` +
		`{"attributes":{"type":"Account"},"id":"001000000000001AAA","Name":"A"},` +
		`{"attributes":{"type":"Account"},"id":"001000000000002AAA","Name":null}]}`
	tests := map[string]struct {
		call  func(*Client) ([]Result, error)
		route string
		body  string
	}{
		"create": {func(c *Client) ([]Result, error) { return c.Create(t.Context(), "Account", records) },
			"POST " + base + "/composite/sobjects", sent},
		"update": {func(c *Client) ([]Result, error) { return c.Update(t.Context(), "Account", records) },
			"PATCH " + base + "/composite/sobjects", sent},
		"upsert": {func(c *Client) ([]Result, error) { return c.Upsert(t.Context(), "Account", "Key__c", records) },
			"PATCH " + base + "/composite/sobjects/Account/Key__c", sent},
		"delete": {func(c *Client) ([]Result, error) { return c.Delete(t.Context(), []string{id1, id2}) },
			"DELETE " + base + "/composite/sobjects", ""},
	}
	const answered = `[{"id":"` + id1 + `","success":true,"errors":[],"created":true},
		{"success":false,"errors":[{"statusCode":"REQUIRED_FIELD_MISSING","message":"Required fields are missing: [Name]","fields":["Name"]}]}]`
	want := []Result{
		{ID: id1, Success: true, Created: true, Errors: []RowError{}},
		{Errors: []RowError{{Code: "REQUIRED_FIELD_MISSING", Message: "Required fields are missing: [Name]", Fields: []string{"Name"}}}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mux := setup(t)
			logins(mux)
			mux.HandleFunc(tt.route, func(w http.ResponseWriter, r *http.Request) {
				if diff := cmp.Diff(tt.body, body(t, r)); diff != "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
				if ids := r.URL.Query().Get("ids"); name == "delete" && (ids != id1+","+id2 || r.FormValue("allOrNone") != "false") {
					t.Errorf("query = %q", r.URL.RawQuery)
				}
				answerJSON(w, http.StatusOK, answered)
			})
			got, err := tt.call(client)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("%s = %v (-want +got):\n%s", name, err, diff)
			}
		})
	}
}

func TestWriteIsRepeatedWholeAfterRenewal(t *testing.T) {
	t.Parallel()
	client, mux := setup(t)
	logins(mux)
	var bodies []string
	mux.HandleFunc("PATCH "+base+"/composite/sobjects", func(w http.ResponseWriter, r *http.Request) {
		if bodies = append(bodies, body(t, r)); token(r) == "token-1" {
			answerJSON(w, http.StatusUnauthorized, expired)
			return
		}
		answerJSON(w, http.StatusOK, `[{"id":"`+id1+`","success":true,"errors":[]}]`)
	})
	if _, err := client.Update(t.Context(), "Account", []Record{{"Id": id1, "Name": "A"}}); err != nil {
		t.Fatal(err)
	}
	if len(bodies) != 2 || bodies[0] == "" || bodies[0] != bodies[1] {
		t.Errorf("bodies = %q", bodies)
	}
}

func TestUnusableWritesAreNotSent(t *testing.T) {
	t.Parallel()
	many := make([]Record, 201)
	ids := make([]string, 201)
	tests := map[string]struct {
		call    func(*Client) error
		code    string // empty: no error
		refused bool   // parts of it may pass
	}{
		"too many":         {func(c *Client) error { _, err := c.Update(t.Context(), "Account", many); return err }, codeTooMany, true},
		"too many deletes": {func(c *Client) error { _, err := c.Delete(t.Context(), ids); return err }, codeTooMany, true},
		"not a number": {func(c *Client) error {
			_, err := c.Update(t.Context(), "Account", []Record{{"Amount": math.NaN()}})
			return err
		}, codeValue, true},
		"not JSON": {func(c *Client) error {
			_, err := c.Update(t.Context(), "Account", []Record{{"Amount": func() {}}})
			return err
		}, codeValue, true},
		"no id":     {func(c *Client) error { _, err := c.Delete(t.Context(), []string{id1, id2 + ",x"}); return err }, "MALFORMED_ID", false},
		"no object": {func(c *Client) error { _, err := c.Upsert(t.Context(), "", "Key__c", many[:1]); return err }, codePath, false},
		"step up":   {func(c *Client) error { _, err := c.UpsertOne(t.Context(), "Account", "Key__c", "..", nil); return err }, codePath, false},
		"none":      {func(c *Client) error { _, err := c.Update(t.Context(), "Account", nil); return err }, "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mux := setup(t)
			logins(mux)
			mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { t.Errorf("request to %s", r.URL) })
			err := tt.call(client)
			e, _ := errors.AsType[*Error](err)
			switch {
			case tt.code == "" && err != nil:
				t.Errorf("error %v", err)
			case tt.code != "" && (e == nil || e.Code != tt.code || !e.Permanent() || e.Refused() != tt.refused):
				t.Errorf("error %v, want %s, refused %t", err, tt.code, tt.refused)
			}
		})
	}
}

func TestRetrieve(t *testing.T) {
	t.Parallel()
	client, mux := setup(t)
	logins(mux)
	mux.HandleFunc("POST "+base+"/composite/sobjects/Account", func(w http.ResponseWriter, r *http.Request) {
		if got, want := body(t, r), `{"fields":["Id","Name"],"ids":["`+id1+`","`+id2+`"]}`; got != want {
			t.Errorf("body = %s, want %s", got, want)
		}
		answerJSON(w, http.StatusOK, `[null,{"attributes":{"type":"Account"},"Id":"`+id2+`","Name":"B"}]`)
	})
	got, err := client.Retrieve(t.Context(), "Account", []string{id1, id2}, []string{"Id", "Name"})
	if diff := cmp.Diff([]Record{nil, {"Id": id2, "Name": "B"}}, got); diff != "" || err != nil {
		t.Errorf("Retrieve = %v (-want +got):\n%s", err, diff)
	}
}

func TestUpsertOne(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status int
		answer string
		want   Result
		code   string
		match  []string
	}{
		"created":      {201, `{"id":"` + id1 + `","success":true,"errors":[],"created":true}`, Result{ID: id1, Success: true, Created: true, Errors: []RowError{}}, "", nil},
		"updated":      {200, `{"id":"` + id1 + `","success":true,"errors":[],"created":false}`, Result{ID: id1, Success: true, Errors: []RowError{}}, "", nil},
		"updated, old": {204, ``, Result{Success: true}, "", nil},
		"two of them": {300, `["/services/data/v67.0/sobjects/Account/` + id1 + `","/services/data/v67.0/sobjects/Account/` + id2 + `"]`,
			Result{}, "DUPLICATE_EXTERNAL_ID", []string{id1, id2}},
		"empty answer": {200, `{}`, Result{}, codeUnexpected, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, mux := setup(t)
			logins(mux)
			mux.HandleFunc("PATCH "+base+"/sobjects/Account/Key__c/{value}", func(w http.ResponseWriter, r *http.Request) {
				if got, want := r.URL.EscapedPath(), base+"/sobjects/Account/Key__c/a%2Fb%3Fc%20%C3%BC%25"; got != want {
					t.Errorf("path = %s, want %s", got, want)
				}
				if got, want := body(t, r), `{"Name":"A \"B\""}`; got != want {
					t.Errorf("body = %s, want %s", got, want)
				}
				answerJSON(w, tt.status, tt.answer)
			})
			got, err := client.UpsertOne(t.Context(), "Account", "Key__c", "a/b?c ü%", Record{"Name": `A "B"`, "Id": id1, "key__c": "x"})
			if tt.code == "" {
				if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
					t.Errorf("UpsertOne = %v (-want +got):\n%s", err, diff)
				}
				return
			}
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Code != tt.code || !cmp.Equal(e.Matches, tt.match) || (e.Class() == Duplicate) != (tt.status == 300) {
				t.Errorf("UpsertOne = %v, matches %v, want %s, %v", err, e.Matches, tt.code, tt.match)
			}
		})
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	odd := Result{Errors: []RowError{{Code: codeUnexpected}}}
	tests := map[string]struct {
		answer string
		want   []Result
		code   string
	}{
		"one, none failed":     {`[{"id":"1","success":true}]`, []Result{{ID: "1", Success: true}}, ""},
		"a null":               {`[null]`, []Result{odd}, ""},
		"failure without why":  {`[{"success":false,"errors":[]}]`, []Result{odd}, ""},
		"success without Id":   {`[{"success":true}]`, []Result{odd}, ""},
		"one too few":          {`[]`, nil, codeUnexpected},
		"one too many":         {`[{"success":true,"id":"1"},{"success":true,"id":"2"}]`, nil, codeUnexpected},
		"an object":            {`{"success":true}`, nil, codeUnexpected},
		"cut short":            {`[{"success":true`, nil, codeUnexpected},
		"html":                 {` <html>`, nil, codeUnreadable},
		"nothing":              {``, nil, codeUnreadable},
		"a value for a code":   {`[{"errors":[{"statusCode":"jane@example.org","fields":["jane@example.org","Email"]}]}]`, []Result{{Errors: []RowError{{Fields: []string{"Email"}}}}}, ""},
		"fields of a relation": {`[{"errors":[{"statusCode":"INVALID_FIELD","fields":["Account.Key__c"]}]}]`, []Result{{Errors: []RowError{{Code: "INVALID_FIELD", Fields: []string{"Account.Key__c"}}}}}, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := decodeResults(answer{status: 200, body: []byte(tt.answer)}, 1)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("results (-want +got):\n%s", diff)
			}
			if e, _ := errors.AsType[*Error](err); (err != nil) != (tt.code != "") || err != nil && e.Code != tt.code {
				t.Errorf("error %v, want %q", err, tt.code)
			}
		})
	}
}

func TestRowErrorHidesItsMessage(t *testing.T) {
	t.Parallel()
	r := RowError{Code: "INVALID_EMAIL_ADDRESS", Fields: []string{"Email"}, Message: "Email: invalid email address: jane"}
	for _, got := range []string{r.String(), fmt.Sprintf("%v", r), fmt.Sprintf("%+v", []Result{{Errors: []RowError{r}}})} {
		if strings.Contains(got, "jane") || !strings.Contains(got, "INVALID_EMAIL_ADDRESS [Email]") {
			t.Errorf("text of the row error: %s", got)
		}
	}
}
