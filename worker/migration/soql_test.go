package migration

import (
	"testing"

	"crmsync/schema/store"
	"crmsync/sfclient"
)

// TestAfter: the condition for the records after a cursor combines the mapping's conditions with the cursor.
func TestAfter(t *testing.T) {
	t.Parallel()
	const at, until = "2026-09-01T10:00:00.000Z", "2026-09-01T11:00:00.000Z"
	tests := map[string]struct {
		board  int64
		cursor store.Cursor
		want   string
	}{
		"all":                  {accountsBoard, store.Cursor{}, ""},
		"from a time":          {accountsBoard, store.Cursor{At: at}, " WHERE SystemModstamp >= " + at},
		"up to a time":         {accountsBoard, store.Cursor{Until: until}, " WHERE SystemModstamp <= " + until},
		"between":              {accountsBoard, store.Cursor{At: at, Until: until}, " WHERE SystemModstamp >= " + at + " AND SystemModstamp <= " + until},
		"behind a record":      {accountsBoard, store.Cursor{At: at, ID: "001A"}, " WHERE ((SystemModstamp = " + at + " AND Id > '001A') OR SystemModstamp > " + at + ")"},
		"an Id without a time": {accountsBoard, store.Cursor{ID: "001A"}, ""},
		"where":                {contactsBoard, store.Cursor{}, " WHERE (Email != null)"},
		"where, between": {
			contactsBoard, store.Cursor{At: at, ID: "003A", Until: until},
			" WHERE (Email != null) AND ((SystemModstamp = " + at + " AND Id > '003A') OR SystemModstamp > " + at + ") AND SystemModstamp <= " + until,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			same(t, "condition", tt.want, where(after(migrationOf(t, tt.board), tt.cursor)))
		})
	}
}

func TestQueries(t *testing.T) {
	t.Parallel()
	m, c := migrationOf(t, contactsBoard), store.Cursor{At: "2026-09-01T10:00:00.000Z"}
	const behind = " FROM Contact WHERE (Email != null) AND SystemModstamp >= 2026-09-01T10:00:00.000Z"
	const fields = "SELECT Id, SystemModstamp, Monday_Item_Id__c, Name, Email, Title, AccountId, Description"
	for name, tt := range map[string]struct{ got, want string }{
		"records": {selectRecords(m, keyField, after(m, c)), fields + behind + " ORDER BY SystemModstamp, Id"},
		"newest":  {selectNewest(m, c), "SELECT SystemModstamp" + behind + " ORDER BY SystemModstamp DESC LIMIT 1"},
		"number":  {countRecords(m, c), "SELECT COUNT()" + behind},
		"by Id": {
			selectRecords(m, keyField, among(m, []string{"003A", "003'B"})),
			fields + ` FROM Contact WHERE (Email != null) AND Id IN ('003A', '003\'B') ORDER BY SystemModstamp, Id`,
		},
	} {
		same(t, name, tt.want, tt.got)
	}
}

func TestStamps(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2026-09-01T12:00:00.250+0200": "2026-09-01T10:00:00.250Z", "2026-09-01T10:00:00.000Z": "2026-09-01T10:00:00.000Z", "yesterday": "", "": "",
	} {
		got, err := stampOf(sfclient.Record{stampField: text})
		if got != want || (err != nil) != (want == "") {
			t.Errorf("stampOf(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for at, want := range map[string]string{"2026-09-01T00:02:00.000Z": "2026-08-31T23:57:00.000Z", "": "", "x": ""} {
		if got := rewind(at); got != want {
			t.Errorf("rewind(%q) = %q, want %q", at, got, want)
		}
	}
}

func TestReadRecord(t *testing.T) {
	t.Parallel()
	id := contactID(1)
	tests := map[string]struct {
		fields sfclient.Record
		ok     bool
	}{
		"whole":      {sfclient.Record{"Id": id, stampField: stamp}, true},
		"short Id":   {sfclient.Record{"Id": id[:15], stampField: stamp}, true},
		"without Id": {sfclient.Record{stampField: stamp}, false},
		"odd Id":     {sfclient.Record{"Id": "003", stampField: stamp}, false},
		"no time":    {sfclient.Record{"Id": id}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := readRecord(tt.fields)
			if (err == nil) != tt.ok {
				t.Fatalf("readRecord() = %v, want it to be read: %t", err, tt.ok)
			}
			if tt.ok && (r.id != id || r.stamp != stamp || !r.isUnmatched()) {
				t.Errorf("record %+v", r)
			}
		})
	}
}
