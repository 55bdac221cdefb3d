package salesforce

import (
	"fmt"
	"slices"
	"time"
)

// MergeRecords merges Accounts, Contacts or Leads as a person would. The losers go to the recycle bin, their
// MasterRecordId names the winner, and references to them are changed to the winner. It panics if one of them is
// missing.
//
// https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_merge.htm
func (s *Sim) MergeRecords(object, winner string, losers ...string) {
	for _, loser := range losers {
		s.change(object, loser, func(t *tx, rec *record) {
			master, ok := rec.table.column("MasterRecordId")
			full, _ := parseID(winner)
			kept, found := rec.table.live(full)
			if !ok || !found || kept == rec {
				panic(fmt.Sprintf("sfsim: merging %s %s into %s", object, loser, winner))
			}
			for _, tab := range t.sim.tables {
				for i := range tab.columns {
					if c := &tab.columns[i]; c.parent == rec.table {
						t.reparent(tab, c, rec.id, kept.id)
					}
				}
			}
			values := slices.Clone(rec.values)
			values[colDeleted], values[master.index] = true, kept.id
			t.put(rec, values)
			t.put(kept, slices.Clone(kept.values))
		})
	}
}

// reparent changes references to one record into references to another.
func (x *tx) reparent(tab *table, c *column, from, to string) {
	for _, child := range slices.Clone(tab.find(c, from)) {
		values := slices.Clone(child.values)
		values[c.index] = to
		x.put(child, values)
	}
}

// Conversion is what a lead is converted to.
type Conversion struct {
	AccountID, ContactID string // existing records; empty: new ones
	NoOpportunity        bool
}

// ConvertLead converts a lead as a person would, and returns the Ids of what it became. From then on the lead is
// read-only. It panics if Salesforce would reject the conversion.
//
// https://developer.salesforce.com/docs/atlas.en-us.api.meta/api/sforce_api_calls_convertlead.htm
func (s *Sim) ConvertLead(id string, c Conversion) (account, contact, opportunity string) {
	lead := s.Get("Lead", id)
	if lead == nil || lead["IsConverted"] == true {
		panic("sfsim: no lead to convert: " + id)
	}
	copied := func(fields ...string) map[string]any {
		values := map[string]any{}
		for _, field := range fields {
			if v, ok := lead[field]; ok {
				values[field] = v
			}
		}
		return values
	}
	if account = c.AccountID; account == "" {
		values := copied("Phone", "Website", "Industry", "AnnualRevenue", "NumberOfEmployees")
		values["Name"] = lead["Company"]
		account = s.Insert("Account", values)
	}
	if contact = c.ContactID; contact == "" {
		values := copied("FirstName", "LastName", "Email", "Phone", "MobilePhone", "Title", "LeadSource")
		values["AccountId"] = account
		contact = s.Insert("Contact", values)
	}
	today := s.config.Now().UTC().Format(time.DateOnly)
	converted := map[string]any{
		"IsConverted": true, "ConvertedDate": today, "Status": "Closed - Converted",
		"ConvertedAccountId": account, "ConvertedContactId": contact,
	}
	if !c.NoOpportunity {
		opportunity = s.Insert("Opportunity", map[string]any{
			"Name": fmt.Sprint(lead["Company"], "-"), "AccountId": account, "StageName": stages[0], "CloseDate": today,
		})
		converted["ConvertedOpportunityId"] = opportunity
	}
	s.change("Lead", id, func(t *tx, rec *record) { t.set(rec, converted) })
	return account, contact, opportunity
}

// set sets values in a record that no row could.
func (x *tx) set(rec *record, fields map[string]any) {
	values := slices.Clone(rec.values)
	for name, v := range fields {
		values[rec.table.mustColumn(name).index] = v
	}
	x.put(rec, values)
}

// Undelete restores a record from the recycle bin as a person would; one that was merged away becomes independent
// again. It panics if the record is not in the bin, or if a unique value has been taken meanwhile.
func (s *Sim) Undelete(object, id string) {
	table := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := table.mustRecord(id)
	values := slices.Clone(rec.values)
	values[colDeleted] = false
	if master, ok := table.column("MasterRecordId"); ok {
		values[master.index] = nil
	}
	if failures := table.checkUnique(values, rec); !rec.deleted() || failures != nil {
		panic(fmt.Sprintf("sfsim: undeleting %s %s", object, id))
	}
	t := &tx{sim: s}
	defer t.commit()
	t.put(rec, values)
}

// Purge removes a record from the recycle bin for good. It panics if the record is not there.
func (s *Sim) Purge(object, id string) {
	table := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	rec := table.mustRecord(id)
	if !rec.deleted() {
		panic(fmt.Sprintf("sfsim: %s %s is not in the bin", object, id))
	}
	table.rows = slices.DeleteFunc(table.rows, func(r *record) bool { return r == rec })
	table.log = slices.DeleteFunc(table.log, func(e stamped) bool { return e.rec == rec })
	delete(table.byID, rec.id)
	s.revision.Add(1)
}

// Touch gives all records of an object a new SystemModstamp and changes nothing else, as Salesforce's own mass
// updates do.
func (s *Sim) Touch(object string) {
	table := s.mustTable(object)
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &tx{sim: s}
	defer t.commit()
	for _, rec := range table.rows {
		if !rec.deleted() {
			values := slices.Clone(rec.values)
			modified, by := values[colModified], values[colModifiedBy]
			t.put(rec, values)
			rec.values[colModified], rec.values[colModifiedBy] = modified, by
		}
	}
}
