// Package salesforce_test tests the client against the simulated org, without the program.
package salesforce_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/sfclient"
)

type fields = map[string]any

func setup(t *testing.T, config sfsim.Config, usage func(used, limit int)) (*sfclient.Client, *sfsim.Sim) {
	t.Helper()
	sim := sfsim.New(config)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	client, err := sfclient.New(sfclient.Config{
		LoginURL: server.URL, ClientID: "id", ClientSecret: "secret", InstanceHosts: []string{"127.0.0.1"}, Usage: usage,
	})
	if err != nil {
		t.Fatal(err)
	}
	return client, sim
}

func TestFates(t *testing.T) {
	t.Parallel()
	client, sim := setup(t, sfsim.Config{}, nil)
	insert := func(company string) string {
		return sim.Insert("Lead", fields{"LastName": "L", "Company": company})
	}
	live, deleted, purged, hidden := insert("Live"), insert("Deleted"), insert("Purged"), insert("Hidden")
	winner, loser, twice := insert("Winner"), insert("Loser"), insert("Merged twice")
	converted, before := insert("Converted"), insert("Merged before the conversion")
	sim.Delete("Lead", deleted)
	sim.Delete("Lead", purged)
	sim.Purge("Lead", purged)
	sim.Hide("Lead", hidden, true)
	sim.MergeRecords("Lead", loser, twice)
	sim.MergeRecords("Lead", winner, loser)
	sim.MergeRecords("Lead", converted, before)
	account, contact, opportunity := sim.ConvertLead(converted, sfsim.Conversion{})
	became := sfclient.Fate{State: sfclient.Converted, AccountID: account, ContactID: contact, OpportunityID: opportunity}
	want := map[string]sfclient.Fate{
		live: {State: sfclient.Live}, live[:15]: {State: sfclient.Live}, deleted: {State: sfclient.Deleted}, purged: {}, hidden: {},
		loser: {State: sfclient.Merged, MasterID: winner}, twice[:15]: {State: sfclient.Merged, MasterID: winner}, converted: became,
	}
	became.MasterID = converted
	want[before] = became
	var ids []string
	for id := range want {
		ids = append(ids, id)
	}
	got, err := client.Fates(t.Context(), "Lead", ids)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	opportunities, err := client.Fates(t.Context(), "Opportunity", []string{opportunity})
	if diff := cmp.Diff(map[string]sfclient.Fate{opportunity: {State: sfclient.Live}}, opportunities); diff != "" || err != nil {
		t.Errorf("an object without merges: %v (-want +got):\n%s", err, diff)
	}
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	client, sim := setup(t, sfsim.Config{}, nil)
	known := sim.Insert("Contact", fields{"LastName": "Doe", "Email": "doe@example.org"})
	sim.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Fields: []string{"Email"}})
	record := sfclient.Record{"LastName": "Roe", "Email": "doe@example.org", sfsim.KeyField: "7"}
	results, err := client.Upsert(t.Context(), "Contact", sfsim.KeyField, []sfclient.Record{record}, sfclient.WriteOptions{})
	if err != nil || results[0].Success || results[0].Errors[0].Class() != sfclient.Duplicate {
		t.Fatalf("Upsert() = %v, %v", results, err)
	}
	found, result, err := client.Duplicates(t.Context(), "Contact", sfsim.KeyField, record, sfclient.WriteOptions{})
	var refused *sfclient.Error
	if diff := cmp.Diff([]string{known}, found); diff != "" || !errors.As(err, &refused) || refused.Class() != sfclient.Duplicate || result.Success {
		t.Errorf("refused: %v, %v (-want +got):\n%s", result, err, diff)
	}
	found, result, err = client.Duplicates(t.Context(), "Contact", sfsim.KeyField, record, sfclient.WriteOptions{AllowDuplicates: true})
	if err != nil || found != nil || !result.Created || sim.Get("Contact", result.ID)[sfsim.KeyField] != "7" {
		t.Errorf("allowed: %v, %v, %v", found, result, err)
	}
	found, result, err = client.Duplicates(t.Context(), "Contact", "", sfclient.Record{"LastName": "Poe"}, sfclient.WriteOptions{})
	if err != nil || found != nil || !result.Created || sim.Get("Contact", result.ID)["LastName"] != "Poe" {
		t.Errorf("without a rule: %v, %v, %v", found, result, err)
	}
}

func TestAssignment(t *testing.T) {
	t.Parallel()
	client, sim := setup(t, sfsim.Config{}, nil)
	queue := sim.Insert("User", fields{"Username": "q@sim.example", "Email": "q@sim.example", "LastName": "Queue"})
	person := sim.Insert("User", fields{"Username": "p@sim.example", "Email": "p@sim.example", "LastName": "Person"})
	sim.SetAssignmentRule("Lead", func(map[string]any) string { return queue })
	lead := sim.Insert("Lead", fields{"LastName": "L", "Company": "C", "OwnerId": person})
	for _, tt := range []struct {
		options sfclient.WriteOptions
		want    string
	}{{sfclient.WriteOptions{}, person}, {sfclient.WriteOptions{AutoAssign: true}, queue}} {
		if _, err := client.Update(t.Context(), "Lead", []sfclient.Record{{"Id": lead, "Phone": "1"}}, tt.options); err != nil {
			t.Fatal(err)
		}
		if got := sim.Get("Lead", lead)["OwnerId"]; got != tt.want {
			t.Errorf("with %+v the owner is %v, want %s", tt.options, got, tt.want)
		}
	}
}

func TestFeedOfSeveralObjects(t *testing.T) {
	t.Parallel()
	client, sim := setup(t, sfsim.Config{PageSize: 200}, nil)
	for range 201 {
		sim.Insert("Account", fields{"Name": "A"})
	}
	contact := sim.Insert("Contact", fields{"LastName": "L"})
	sim.Delete("Contact", contact)
	calls := sim.TotalCalls()
	results, err := client.QueryAllEach(t.Context(), []string{
		"SELECT Id, SystemModstamp FROM Account WHERE SystemModstamp >= 2020-01-01T00:00:00+00:00 ORDER BY SystemModstamp, Id",
		"SELECT Id, IsDeleted FROM Contact", "SELECT Nope FROM Lead",
	})
	if err != nil || len(results) != 3 || sim.TotalCalls() != calls+1 {
		t.Fatalf("%d results by %d calls, error %v", len(results), sim.TotalCalls()-calls, err)
	}
	if n := len(results[0].Records); n != 200 || results[0].Total != 201 || results[0].Err != nil {
		t.Errorf("accounts: %d of %d, error %v", n, results[0].Total, results[0].Err)
	}
	if diff := cmp.Diff([]sfclient.Record{{"Id": contact, "IsDeleted": true}}, results[1].Records); diff != "" {
		t.Errorf("contacts (-want +got):\n%s", diff)
	}
	var refused *sfclient.Error
	if !errors.As(results[2].Err, &refused) || refused.Code != "INVALID_FIELD" {
		t.Errorf("leads: %v", results[2].Err)
	}
	next, err := client.NextPage(t.Context(), results[0].Next)
	if err != nil || len(next.Records) != 1 || next.Next != "" {
		t.Errorf("next page of accounts: %v, %v", next, err)
	}
}

func TestWhoAmI(t *testing.T) {
	t.Parallel()
	client, sim := setup(t, sfsim.Config{DailyLimit: 500}, nil)
	who, err := client.WhoAmI(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	user := sim.Records("User")[0]
	if who.Username != user["Username"] || who.UserID != user["Id"] || who.OrgID == "" || who.Limit != 500 || who.Used != 1 {
		t.Errorf("WhoAmI() = %+v, want user %v", who, user)
	}
}

func TestShape(t *testing.T) {
	t.Parallel()
	client, _ := setup(t, sfsim.Config{PersonAccounts: true}, nil)
	for object, want := range map[string][3]bool{"Contact": {true, true, false}, "Lead": {false, true, true}, "Opportunity": {false, false, false}} {
		shape, err := client.Shape(t.Context(), object)
		if err != nil {
			t.Fatal(err)
		}
		if got := [3]bool{shape.Has("IsPersonAccount"), shape.Has("MasterRecordId"), shape.Has("IsConverted")}; got != want {
			t.Errorf("%s has %v, want %v", object, got, want)
		}
		id := map[string]string{"Contact": "003", "Lead": "00Q", "Opportunity": "006"}[object] + "5f0000000001"
		if !shape.Fits(id) || shape.Fits("001"+id[3:]) {
			t.Errorf("%s fits %q wrongly: prefix %s", object, id, shape.KeyPrefix)
		}
	}
}

func TestOrgThatMoves(t *testing.T) {
	t.Parallel()
	for name, status := range map[string]int{"redirect": http.StatusMovedPermanently, "page": http.StatusNotFound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, sim := setup(t, sfsim.Config{}, nil)
			if _, err := client.WhoAmI(t.Context()); err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(sim)
			t.Cleanup(server.Close)
			sim.Move(server.URL, status)
			var away *sfclient.Error
			if _, err := client.WhoAmI(t.Context()); !errors.As(err, &away) || !away.Outage() {
				t.Errorf("the first call after the move: %v", err)
			}
			if who, err := client.WhoAmI(t.Context()); err != nil || who.Host != server.Listener.Addr().String() {
				t.Errorf("the next call: %+v, %v", who, err)
			}
		})
	}
}

func TestClasses(t *testing.T) {
	t.Parallel()
	client, sim := setup(t, sfsim.Config{}, nil)
	create := func(records ...sfclient.Record) []sfclient.Result {
		t.Helper()
		results, err := client.Create(t.Context(), "Account", records, sfclient.WriteOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return results
	}
	sim.LimitRows("Account", 1)
	for _, r := range create(sfclient.Record{"Name": "A"}, sfclient.Record{"Name": "B"}) {
		if r.Success || r.Errors[0].Class() != sfclient.Oversized || len(r.Errors[0].Fields) > 0 {
			t.Errorf("two rows: %+v", r)
		}
	}
	if r := create(sfclient.Record{"Name": "A"})[0]; !r.Success {
		t.Errorf("one row: %+v", r)
	}
	sim.SetStorageFull(true)
	if r := create(sfclient.Record{"Name": "A"})[0]; r.Success || r.Errors[0].Class() != sfclient.StorageFull {
		t.Errorf("storage full: %+v", r)
	}
	sim.Retire(68)
	var gone *sfclient.Error
	if _, err := client.WhoAmI(t.Context()); !errors.As(err, &gone) || !gone.Outage() || gone.Advice() == "" {
		t.Errorf("version gone: %v", err)
	}
}
