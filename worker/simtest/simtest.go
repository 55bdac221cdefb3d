// Package simtest provides tests of the packages below worker with both simulators, served over HTTP, and a client of
// each.
package simtest

import (
	"net/http/httptest"
	"testing"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/mondayclient"
	"crmsync/schema/schematest"
	"crmsync/sfclient"
)

// Systems are both simulators with a client of each.
type Systems struct {
	Monday     *mondaysim.Sim
	Salesforce *sfsim.Sim

	MondayClient     *mondayclient.Client
	SalesforceClient *sfclient.Client
}

// Start serves both simulators until the test ends. Webhooks that Monday would send are dropped, unless the
// configuration says otherwise. Calls have a budget that tests do not use up.
func Start(t testing.TB, monday mondaysim.Config) Systems {
	t.Helper()
	const token = "token"
	monday.Token = token
	if monday.ComplexityPerMinute == 0 {
		monday.ComplexityPerMinute = 1_000_000_000
	}
	if monday.Deliver == nil {
		monday.Deliver = func(mondaysim.Delivery) {}
	}
	s := Systems{Monday: mondaysim.New(monday), Salesforce: sfsim.New(sfsim.Config{})}
	t.Cleanup(s.Monday.Close)
	salesforceServer, mondayServer := httptest.NewServer(s.Salesforce), httptest.NewServer(s.Monday)
	t.Cleanup(salesforceServer.Close)
	t.Cleanup(mondayServer.Close)
	s.SalesforceClient = schematest.Must[*sfclient.Client](t)(
		sfclient.New(sfclient.Config{LoginURL: salesforceServer.URL, ClientID: "id", ClientSecret: "secret"}))
	s.MondayClient = schematest.Must[*mondayclient.Client](t)(
		mondayclient.New(mondayclient.Config{URL: mondayServer.URL + "/v2", Token: token}))
	return s
}
