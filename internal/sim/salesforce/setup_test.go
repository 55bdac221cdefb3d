package salesforce_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	sfsim "crmsync/internal/sim/salesforce"
)

const base = "/services/data/v67.0"

// org is a simulator behind a server, and a session with it.
type org struct {
	*sfsim.Sim
	t     *testing.T
	url   string
	token string
}

type reply struct {
	status int
	header http.Header
	text   string
	body   any // decoded JSON
}

func setup(t *testing.T, c sfsim.Config) *org {
	sim := sfsim.New(c)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	o := &org{Sim: sim, t: t, url: server.URL}
	o.login()
	return o
}

func (o *org) login() {
	r := o.grant(url.Values{"grant_type": {"client_credentials"}, "client_id": {"app"}, "client_secret": {"secret"}})
	if r.status != http.StatusOK {
		o.t.Fatalf("token answered %d %s", r.status, r.text)
	}
	o.token = r.body.(map[string]any)["access_token"].(string)
}

func (o *org) grant(form url.Values) reply {
	req, err := http.NewRequestWithContext(o.t.Context(), http.MethodPost, o.url+"/services/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return o.send(req)
}

// do sends JSON and fails the test if there is no answer. A path without /services is relative to base.
func (o *org) do(method, path, body string) reply {
	o.t.Helper()
	return o.send(o.request(method, path, body))
}

func (o *org) request(method, path, body string) *http.Request {
	o.t.Helper()
	if !strings.HasPrefix(path, "/services") {
		path = base + path
	}
	req, err := http.NewRequestWithContext(o.t.Context(), method, o.url+path, strings.NewReader(body))
	if err != nil {
		o.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+o.token)
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return req
}

func (o *org) send(req *http.Request) reply {
	o.t.Helper()
	r, err := o.try(req)
	if err != nil {
		o.t.Fatal(err)
	}
	return r
}

func (o *org) try(req *http.Request) (reply, error) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode, header: resp.Header, text: string(text)}
	if len(text) > 0 && strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		if err := json.NewDecoder(bytes.NewReader(text)).Decode(&r.body); err != nil {
			return reply{}, err
		}
	}
	return r, nil
}

// query runs SOQL and returns the answer.
func (o *org) query(soql string) reply {
	o.t.Helper()
	return o.do(http.MethodGet, "/query?q="+url.QueryEscape(soql), "")
}

// code returns the first error code of an answer that is an array of errors, whether of the call or of a row.
func (r reply) code() string {
	list, _ := r.body.([]any)
	if len(list) == 0 {
		return ""
	}
	first, _ := list[0].(map[string]any)
	code, _ := first["errorCode"].(string)
	return code
}

// outcomes returns the outcome of each row of a collection: created, ok, or its error codes and fields. If the call
// was rejected, it returns the codes of the call.
func (r reply) outcomes() []string {
	rows, _ := r.body.([]any)
	var list []string
	for _, row := range rows {
		row := row.(map[string]any)
		switch {
		case row["errorCode"] != nil:
			list = append(list, row["errorCode"].(string))
		case row["created"] == true:
			list = append(list, "created")
		case row["success"] == true:
			list = append(list, "ok")
		default:
			var parts []string
			for _, e := range row["errors"].([]any) {
				e := e.(map[string]any)
				part := e["statusCode"].(string)
				for _, f := range e["fields"].([]any) {
					part += " " + f.(string)
				}
				parts = append(parts, part)
			}
			list = append(list, strings.Join(parts, "; "))
		}
	}
	return list
}

// values returns one field of each record in a query's answer.
func (r reply) values(field string) []any {
	answer, _ := r.body.(map[string]any)
	records, _ := answer["records"].([]any)
	var list []any
	for _, rec := range records {
		list = append(list, rec.(map[string]any)[field])
	}
	return list
}
