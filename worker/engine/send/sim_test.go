package send

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/sfclient"
)

// simulated returns a sender with the real client and a simulated org.
func simulated(t *testing.T) (*Sender, *sfsim.Sim) {
	t.Helper()
	sim := sfsim.New(sfsim.Config{})
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	client, err := sfclient.New(sfclient.Config{
		LoginURL: server.URL, ClientID: "id", ClientSecret: "secret", InstanceHosts: []string{"127.0.0.1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &Sender{Salesforce: client}, sim
}

// TestSimulatedOrg has a batch with many different rejections at once.
func TestSimulatedOrg(t *testing.T) {
	t.Parallel()
	s, sim := simulated(t)
	account := func(name string) string { return sim.Insert("Account", f{"Name": name}) }
	dead, hidden, live := account("Dead"), account("Hidden"), account("Live")
	known := make([]string, 60)
	for n := range known {
		known[n] = sim.Insert("Contact", f{"LastName": fmt.Sprint("Before", n), "Email": fmt.Sprintf("known%d@example.org", n)})
	}
	sim.Delete("Account", dead)
	sim.RejectReferences("Account", dead, "ENTITY_IS_DELETED")
	sim.Hide("Account", hidden, true)
	sim.Lock("Contact", known[1], true)
	sim.Delete("Contact", known[2])
	sim.MergeRecords("Contact", known[0], known[3])
	sim.LimitRows("Contact", 25)
	sim.AddTrigger(sfsim.Trigger{Object: "Contact", Culprit: func(record map[string]any) bool { return record["Title"] == "boom" }})
	sim.AddDuplicateRule(sfsim.DuplicateRule{Object: "Contact", Fields: []string{"Email"}, Block: true})
	sim.AddValidation(sfsim.Validation{Object: "Contact", Invalid: func(record map[string]any) bool {
		return record["Department"] == "Board" && record["Phone"] == nil
	}})

	odd := map[int]f{
		4:  {"Title": "boom"},
		5:  {"AccountId": dead},
		6:  {"AccountId": live},
		7:  {"Department": "Board"},
		60: {"Title": "boom"},
		61: {"AccountId": hidden},
		62: {"Email": "known8@example.org"},
		63: {"Department": "Board", "Phone": "1"},
		64: {"MailingCity": strings.Repeat("x", 300)},
	}
	var writes []Write
	for n := range 100 {
		fields := f{"LastName": fmt.Sprint("After", n), "FirstName": "F"}
		for name, value := range odd[n] {
			fields[name] = value
		}
		w := Write{Op: Upsert, Object: "Contact", Key: sfsim.KeyField, KeyValue: fmt.Sprint(n), Fields: fields}
		if n < len(known) {
			w = Write{Op: Update, Object: "Contact", ID: known[n], Fields: fields}
		}
		w.References = map[string]string{"AccountId": "Account"}
		writes = append(writes, w)
	}
	left := func(code, field string) []Rejection { return []Rejection{rejected(code, field)} }
	want := map[int]Outcome{
		1:  Rejected{[]Rejection{rejected("ENTITY_IS_LOCKED")}},
		2:  Gone{Code: "ENTITY_IS_DELETED"},
		3:  Gone{Code: "ENTITY_IS_DELETED", Into: known[0]},
		4:  Done{ID: known[4], Left: left(codeTrigger, "Title")},
		5:  Done{ID: known[5], Left: []Rejection{{Code: "ENTITY_IS_DELETED", Fields: []string{"AccountId"}, Gone: true}}},
		7:  Done{ID: known[7], Left: left("FIELD_CUSTOM_VALIDATION_EXCEPTION", "Department")},
		60: Done{Created: true, Left: left(codeTrigger, "Title")},
		61: Done{Created: true, Left: left("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", "AccountId")},
		62: Rejected{[]Rejection{{Code: codeDetected, Dependent: true, Records: []string{known[8]}}}},
		64: Done{Created: true, Left: left("STRING_TOO_LONG", "MailingCity")},
	}
	before := sim.TotalCalls()
	outcomes := s.Send(t.Context(), writes)
	calls := sim.TotalCalls() - before
	for n, o := range outcomes {
		expected, isOdd := want[n]
		if !isOdd {
			expected = Done{ID: writes[n].ID, Created: n >= len(known)}
		}
		if done, ok := o.(Done); ok {
			got := sim.Get("Contact", done.ID)
			if got["LastName"] != fmt.Sprint("After", n) || got["FirstName"] != "F" || done.Created && got[sfsim.KeyField] != fmt.Sprint(n) {
				t.Errorf("record of write %d holds %v, want what the org accepts", n, got)
			}
			done.ID = writes[n].ID
			o = done
		}
		if diff := cmp.Diff(expected, o, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(Done{}, "At")); diff != "" {
			t.Errorf("outcome %d (-want +got):\n%s", n, diff)
		}
	}
	if calls > 50 {
		t.Errorf("%d calls, want at most 50", calls)
	}
}

// TestSimulatedLead has a lead that a person converted.
func TestSimulatedLead(t *testing.T) {
	t.Parallel()
	s, sim := simulated(t)
	lead := sim.Insert("Lead", f{"LastName": "L", "Company": "C"})
	account, contact, opportunity := sim.ConvertLead(lead, sfsim.Conversion{})
	got := send(t, s, Write{Op: Update, Object: "Lead", ID: lead[:15], Fields: f{"Phone": "1", "Title": "T"}})
	want := []Outcome{Gone{Code: codeConverted, Converted: &Conversion{Contact: contact, Account: account, Opportunity: opportunity}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

// TestSimulatedLimit has an org that accepts ten new records at once.
func TestSimulatedLimit(t *testing.T) {
	t.Parallel()
	s, sim := simulated(t)
	sim.LimitRows("Opportunity", 10)
	for _, most := range []int{23, 17} {
		var writes []Write
		for n := range 100 {
			writes = append(writes, Write{Op: Upsert, Object: "Opportunity", Key: sfsim.KeyField, KeyValue: fmt.Sprint(most, n), Fields: f{
				"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-07-01",
			}})
		}
		before := sim.TotalCalls()
		for n, o := range send(t, s, writes...) {
			if done, ok := o.(Done); !ok || !done.Created || len(done.Left) > 0 {
				t.Errorf("outcome %d is %+v, want it created whole", n, o)
			}
		}
		if calls := sim.TotalCalls() - before; calls > most {
			t.Errorf("%d calls, want at most %d", calls, most)
		}
	}
}
