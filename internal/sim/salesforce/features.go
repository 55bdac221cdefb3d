package salesforce

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// AddField adds a field to an object; existing records get its default. No call may be running.
func (s *Sim) AddField(object string, f Field) {
	t := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	t.addColumn(f)
	c := &t.columns[len(t.columns)-1]
	c.parent = s.byName[strings.ToLower(f.ReferenceTo)]
	for _, rec := range t.rows {
		rec.values = append(slices.Clone(rec.values), c.initial())
		t.compute(rec.values)
	}
	if c.Unique || c.ExternalID {
		delete(t.indexes, c.index) // the index does not contain the default
		t.indexOf(c)
	}
}

// SetStorageFull makes the org reject everything that would create a record with STORAGE_LIMIT_EXCEEDED, or accept it
// again.
func (s *Sim) SetStorageFull(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// Move moves the org to another host, such as https://na2.example: logins return it as their instance, and all
// sessions end. Other hosts answer API calls with this status: a redirect, or 404 with a page.
func (s *Sim) Move(instance string, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instance, s.movedStatus = strings.TrimSuffix(instance, "/"), status
	clear(s.sessions)
}

// Retire makes the org reject calls to API versions before this one, such as 60, with UNSUPPORTED_API_VERSION.
func (s *Sim) Retire(before int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.oldest = before
}

// instanceFor returns the instance URL for a login at this origin.
func (s *Sim) instanceFor(origin string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cmp.Or(s.instance, origin)
}

// noLongerHere is the page served by a host that the org has left.
const noLongerHere = `<!DOCTYPE html><html><head><title>URL No Longer Exists</title></head></html>`

// movedAway answers a call to a host that the org has left.
func (s *Sim) movedAway(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	instance, status := s.instance, s.movedStatus
	s.mu.Unlock()
	switch {
	case instance == "" || origin(r) == instance:
		return false
	case status/100 == 3:
		http.Redirect(w, r, instance+r.RequestURI, status)
	default:
		writeFault(w, &Fault{Status: status, Body: noLongerHere})
	}
	return true
}

// retired rejects a retired version of the API.
func (s *Sim) retired(version string) *failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	if v, _ := strconv.ParseFloat(version, 64); v >= float64(s.oldest) {
		return nil
	}
	return fail("UNSUPPORTED_API_VERSION", "The API version v%s is no longer supported.", version).with(http.StatusGone)
}

// extend adds the fields and objects of the org's features.
func extend(c Config) []Object {
	objects := slices.Clone(c.Objects)
	for i := range objects {
		o := &objects[i]
		o.Fields = slices.Clone(o.Fields)
		if c.PersonAccounts {
			o.Fields = append(o.Fields, personFields[o.Name]...)
		}
		if len(c.Currencies) > 0 && o.Name != "User" {
			o.Fields = append(o.Fields, Field{
				Name: "CurrencyIsoCode", Label: "Currency ISO Code",
				Type: Picklist, Restricted: true, Values: c.Currencies, Default: c.Currencies[0],
			})
		}
	}
	if len(c.Currencies) > 0 {
		objects = append(objects, Object{Name: "CurrencyType", Label: "Currency Type", Prefix: "01L", Fields: []Field{
			{Name: "IsoCode", Label: "Currency ISO Code", Type: Picklist, Values: c.Currencies, Required: true},
			{Name: "ConversionRate", Label: "Conversion Rate", Type: Double, Required: true},
			{Name: "IsActive", Label: "Active", Type: Boolean},
			{Name: "IsCorporate", Label: "Corporate Currency", Type: Boolean},
		}})
	}
	return objects
}

// personFields are the fields that person accounts add.
//
// https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_guidelines_personaccounts.htm
var personFields = map[string][]Field{
	"Account": {
		{Name: "IsPersonAccount", Label: "Is Person Account", Type: Boolean, ReadOnly: true},
		{Name: "PersonContactId", Label: "Contact ID", Type: Reference, ReferenceTo: "Contact", ReadOnly: true},
		{Name: "FirstName", Label: "First Name", Type: String, Length: 40},
		{Name: "LastName", Label: "Last Name", Type: String, Length: 80},
		{Name: "PersonEmail", Label: "Email", Type: Email, Length: 80},
	},
	"Contact": {
		{Name: "IsPersonAccount", Label: "Is Person Account", Type: Boolean, ReadOnly: true},
	},
}

// InsertPersonAccount adds a person account as a person would, and returns its Id and that of its contact. The org
// must have person accounts.
func (s *Sim) InsertPersonAccount(first, last, email string) (account, contact string) {
	name := strings.TrimSpace(first + " " + last)
	account = s.Insert("Account", map[string]any{"Name": name, "FirstName": first, "LastName": last, "PersonEmail": email})
	person := map[string]any{"FirstName": first, "LastName": last, "Email": email, "AccountId": account}
	contact = s.Insert("Contact", person)
	s.change("Account", account, func(t *tx, rec *record) {
		t.set(rec, map[string]any{"IsPersonAccount": true, "PersonContactId": contact})
	})
	s.change("Contact", contact, func(t *tx, rec *record) { t.set(rec, map[string]any{"IsPersonAccount": true}) })
	return account, contact
}

// checkPerson rejects rows that write only half of a person account: its contact is written through the account, and
// the account's name is composed of the person's names.
func checkPerson(r row, old *record) []*failure {
	if old == nil || !old.is("IsPersonAccount") {
		return nil
	}
	var fields []string
	for i := range r.table.columns {
		if c := &r.table.columns[i]; r.set[i] && (r.table.Name == "Contact" || c.Name == "Name") {
			fields = append(fields, c.Name)
		}
	}
	return about(fields, "INVALID_FIELD_FOR_INSERT_UPDATE", r.table.Name+": bad field names on insert/update call: %s")
}
