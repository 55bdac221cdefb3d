package sfclient

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fated returns an 18-character Id by number.
func fated(n int) string {
	id, _ := ID18(fmt.Sprintf("00Q00000000%04d", n))
	return id
}

func TestFates(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answers("GET "+root+"/sobjects/Lead/describe", 200, `{"name":"Lead","keyPrefix":"00Q","fields":[{"name":"Id"},{"name":"IsDeleted"},
		{"name":"MasterRecordId"},{"name":"IsConverted"},{"name":"ConvertedContactId"},{"name":"ConvertedAccountId"}]}`)
	rows := map[string]string{ // by Id: the fields that have a value
		fated(1): `"IsDeleted":false`,
		fated(2): `"IsDeleted":true`,
		fated(3): `"IsDeleted":true,"MasterRecordId":"` + fated(1) + `"`,
		fated(4): `"IsDeleted":true,"MasterRecordId":"` + fated(3) + `"`,
		fated(5): `"IsDeleted":true,"MasterRecordId":"` + fated(2) + `"`,
		fated(6): `"IsDeleted":false,"IsConverted":true,"ConvertedContactId":"003000000000001","ConvertedAccountId":null`,
		fated(7): `"IsDeleted":true,"MasterRecordId":"` + fated(6) + `"`,
		fated(8): `"IsDeleted":true,"MasterRecordId":"` + fated(99) + `"`,
	}
	queries := 0
	b.mux.HandleFunc("GET "+root+"/queryAll", func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.FormValue("q"), " FROM Grant__c ") {
			reply(w, 400, `[{"errorCode":"INVALID_TYPE"}]`)
			return
		}
		queries++
		const start = "SELECT Id, IsDeleted, MasterRecordId, IsConverted, ConvertedContactId, ConvertedAccountId FROM Lead WHERE Id IN ('"
		list, ok := strings.CutPrefix(r.FormValue("q"), start)
		if !ok {
			t.Errorf("query %s", r.FormValue("q"))
		}
		var found []string
		for id := range strings.SplitSeq(strings.TrimSuffix(list, "')"), "','") {
			if fields, ok := rows[id]; ok {
				found = append(found, `{"attributes":{},"Id":"`+id+`",`+fields+`}`)
			}
		}
		reply(w, 200, `{"totalSize":0,"done":true,"records":[`+strings.Join(found, ",")+`]}`)
	})
	want := map[string]Fate{
		fated(1):      {State: Live},
		fated(1)[:15]: {State: Live},
		fated(2):      {State: Deleted},
		fated(3)[:15]: {State: Merged, MasterID: fated(1)},
		fated(4):      {State: Merged, MasterID: fated(1)},
		fated(5):      {State: Deleted, MasterID: fated(2)},
		fated(6):      {State: Converted, ContactID: "003000000000001AAA"},
		fated(7):      {State: Converted, MasterID: fated(6), ContactID: "003000000000001AAA"},
		fated(8):      {State: Missing, MasterID: fated(99)},
		fated(9):      {State: Missing},
		"no id":       {State: Missing},
	}
	var ids []string
	for id := range want {
		ids = append(ids, id)
	}
	got, err := b.Fates(t.Context(), "Grant__c", ids)
	if got != nil || asError(t, err).Code != "INVALID_TYPE" {
		t.Fatalf("Fates() of a missing object = %v, %v", got, err)
	}
	got, err = b.Fates(t.Context(), "Lead", ids)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if queries != 2 {
		t.Errorf("%d queries, want 2: one for all, one for the winner outside ids", queries)
	}
}

func TestFatesOfManyAndOfCircles(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.answers("GET "+root+"/sobjects/Account/describe", 200, `{"name":"Account","fields":[{"name":"Id"},{"name":"IsDeleted"},{"name":"MasterRecordId"}]}`)
	queries := 0
	b.mux.HandleFunc("GET "+root+"/queryAll", func(w http.ResponseWriter, r *http.Request) {
		queries++
		if strings.Contains(r.FormValue("q"), "IsConverted") {
			t.Errorf("query %s asks for a field the object does not have", r.FormValue("q"))
		}
		var p struct {
			Done    bool     `json:"done"`
			Records []Record `json:"records"`
		}
		_, list, _ := strings.Cut(strings.TrimSuffix(r.FormValue("q"), "')"), "('")
		for id := range strings.SplitSeq(list, "','") {
			p.Records = append(p.Records, Record{"Id": id, "IsDeleted": true, "MasterRecordId": id}) // into itself
		}
		p.Done = true
		body, _ := json.Marshal(p)
		reply(w, 200, string(body))
	})
	ids := make([]string, 450)
	for n := range ids {
		ids[n] = fated(n)
	}
	got, err := b.Fates(t.Context(), "Account", ids)
	if err != nil || len(got) != 450 || queries != 3 {
		t.Errorf("%d fates by %d queries, error %v", len(got), queries, err)
	}
}
