package mapping

import (
	"slices"
	"strings"
	"testing"
)

const printed = `version: 1
defaults: { key: K__c, phone_country: US, owner: 005000000000000AAA, time_zone: Europe/Oslo, brake: { deletes: 7 } }
boards:
  b:
    board: 1
    create_when: { status: [New, Old] }
    records:
      r:
        object: Lead
        id_column: sfid
        match: [Email]
        items: { where: "A = 1" }
        fields:
          Email: { from: email, as: email, default: x }
          Phone: { from: phone, as: phone }
          Owner: { from: people, as: user }
          Day: date
          Time: { from: date, as: datetime }
          Stage: { from: status, labels: { New: One, Old: Two } }
          Title: { template: "{title}, {date}" }
          Link: { from: connect, link: c.s }
          Other: { record: t }
      t: { object: Account, fields: { Source: { value: Monday }, Close: { from: close, default: +90d } } }
  c: { board: 2, records: { s: { object: Account, fields: { Name: name } } } }
`

// fieldPrints returns the fingerprints of all fields, by record and field.
func fieldPrints(m *Mapping) map[string]string {
	all := map[string]string{}
	for _, b := range m.Boards {
		for _, r := range b.Records {
			for _, f := range r.Fields {
				all[r.Name+"."+f.Name] = f.Fingerprint()
			}
		}
	}
	return all
}

// TestFingerprint changes the mapping in one place at a time, and checks which fingerprints change.
func TestFingerprint(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		before, after string
		fields        string // whose fingerprints change
		records       string
		same          bool // of the whole mapping
	}{
		"a comment":          {before: "version: 1\n", after: "# a comment\nversion: 1\n", same: true},
		"order of labels":    {before: "New: One, Old: Two", after: "Old: Two, New: One"},
		"order of fields":    {before: "          Owner: { from: people, as: user }\n          Day: date\n", after: "          Day: { from: date }\n          Owner: { as: user, from: people }\n", same: true},
		"order that decides": {before: "          Day: date\n          Time: { from: date, as: datetime }\n", after: "          Time: { from: date, as: datetime }\n          Day: date\n"},
		"order of gates":     {before: "[New, Old]", after: "[Old, New]", same: true},
		"key":                {before: "K__c", after: "L__c"},
		"country":            {before: "country: US", after: "country: NO", fields: "r.Phone", records: "r"},
		"owner":              {before: "0AAA", after: "1AAA", fields: "r.Owner", records: "r"},
		"zone":               {before: "Europe/Oslo", after: "Asia/Tokyo", fields: "r.Day r.Stage r.Title t.Close", records: "r t"},
		"brake":              {before: "deletes: 7", after: "deletes: 8"},
		"board":              {before: "board: 2", after: "board: 3"},
		"condition":          {before: "[New, Old]", after: "[New]", records: "r t"},
		"object":             {before: "object: Lead", after: "object: Contact", records: "r"},
		"id column":          {before: "sfid", after: "text_id"},
		"match":              {before: "match: [Email]", after: "match: [Phone]"},
		"where":              {before: "A = 1", after: "A = 2"},
		"on_delete":          {before: "object: Lead\n", after: "object: Lead\n        on_delete: delete\n"},
		"assignment":         {before: "object: Lead\n", after: "object: Lead\n        assignment: never\n"},
		"column":             {before: "from: phone", after: "from: phone_2", fields: "r.Phone", records: "r"},
		"conversion":         {before: "as: email", after: "as: lower", fields: "r.Email", records: "r"},
		"default":            {before: "default: x", after: "default: y", fields: "r.Email", records: "r"},
		"default as number":  {before: "default: x", after: "default: 1", fields: "r.Email", records: "r"},
		"days":               {before: "+90d", after: "+91d", fields: "t.Close", records: "t"},
		"label":              {before: "Old: Two", after: "Old: Three", fields: "r.Stage", records: "r"},
		"template":           {before: "{title}, ", after: "{title} ", fields: "r.Title", records: "r"},
		"value":              {before: "value: Monday", after: "value: Tuesday", fields: "t.Source", records: "t"},
		"direction":          {before: "phone, as: phone", after: "phone, as: phone, sync: to_salesforce"},
		"both ways":          {before: "phone, as: phone", after: "phone, as: phone, sync: both", fields: "r.Phone", records: "r"},
		"the record meant":   {before: "Other: { record: t }", after: "Other: { from: connect, link: c.s }", fields: "r.Other", records: "r"},
		"a new field":        {before: "          Day: date\n", after: "          Day: date\n          Night: date\n", fields: "r.Night", records: "r"},
		"a field less":       {before: "          Day: date\n", after: "", fields: "r.Day", records: "r"},
		"a default of a day": {before: "Day: date", after: "Day: { from: date, default: null }", fields: "r.Day", records: "r"},
	}
	old := mustParse(t, printed)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Count(printed, tt.before) != 1 {
				t.Fatalf("%q occurs %d times in the mapping", tt.before, strings.Count(printed, tt.before))
			}
			m := mustParse(t, strings.Replace(printed, tt.before, tt.after, 1))
			if same := m.Fingerprint() == old.Fingerprint(); same != tt.same {
				t.Errorf("same fingerprint of the mapping = %v, want %v", same, tt.same)
			}
			before, after := fieldPrints(old), fieldPrints(m)
			var fields, records []string
			for _, name := range names(union(before, after)) {
				if before[name] != after[name] {
					fields = append(fields, name)
				}
			}
			for i, b := range old.Boards {
				for _, r := range b.Records {
					if m.Boards[i].Named(r.Name).Fingerprint() != r.Fingerprint() {
						records = append(records, r.Name)
					}
				}
			}
			slices.Sort(records)
			if got := strings.Join(fields, " "); got != tt.fields {
				t.Errorf("changed fields = %q, want %q", got, tt.fields)
			}
			if got := strings.Join(records, " "); got != tt.records {
				t.Errorf("changed records = %q, want %q", got, tt.records)
			}
		})
	}
}

func union(a, b map[string]string) map[string]string {
	all := map[string]string{}
	for _, m := range []map[string]string{a, b} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

// TestFingerprintIsStable checks stored fingerprints: they must not change between versions unless the meaning does.
func TestFingerprintIsStable(t *testing.T) {
	t.Parallel()
	m := mustParse(t, minimal)
	r := m.Boards[0].Records[0]
	got := []string{m.Fingerprint(), r.Fingerprint(), r.Fields[0].Fingerprint()}
	if want := []string{"efeeea520c636d4051aa8f18b909f844", "4ed6627407f78161db58663ab2f46ceb", "36083eff91c1662cfa47472d2419273f"}; !slices.Equal(got, want) {
		t.Errorf("fingerprints = %q, want %q; should generation be increased?", got, want)
	}
}
