package sfclient

import (
	"encoding/json"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEncodeCollection(t *testing.T) {
	t.Parallel()
	records := []Record{
		{},
		{"Text": "José \"\\ \x00\n\u2028 <&> \xff", "Empty": "", "Null": nil, "Yes": true, "No": false},
		{"Amount": 1234567.25, "Small": 1e-9, "Big": 1e21, "Whole": 3.0, "Int": 42, "Raw": json.Number("1.50")},
		{"Account": map[string]any{"Key__c": "77"}, "attributes": map[string]any{"type": "Other"}},
	}
	encoded, err := encodeCollection(`A"b`, records)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		AllOrNone *bool
		Records   []Record
	}
	if err := json.Unmarshal(encoded, &got); err != nil {
		t.Fatalf("%v in %s", err, encoded)
	}
	named := map[string]any{"type": `A"b`}
	want := []Record{
		{"attributes": named},
		{"attributes": named, "Text": "José \"\\ \x00\n\u2028 <&> \ufffd", "Empty": "", "Null": nil, "Yes": true, "No": false},
		{"attributes": named, "Amount": 1234567.25, "Small": 1e-9, "Big": 1e21, "Whole": 3.0, "Int": 42.0, "Raw": 1.5},
		{"attributes": named, "Account": map[string]any{"Key__c": "77"}},
	}
	if diff := cmp.Diff(want, got.Records); diff != "" {
		t.Errorf("records (-want +got):\n%s", diff)
	}
	if got.AllOrNone == nil || *got.AllOrNone {
		t.Errorf("allOrNone is not false in %s", encoded)
	}
}

func BenchmarkEncodeCollection(b *testing.B) {
	records := make([]Record, 200)
	for n := range records {
		records[n] = Record{"Id": id1, "Name": "Item " + strconv.Itoa(n), "Amount": float64(n), "StageName": "Proposal/Price Quote"}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := encodeCollection("Opportunity", records); err != nil {
			b.Fatal(err)
		}
	}
}
