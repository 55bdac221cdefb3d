package demo

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"crmsync/internal/oracle"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// expected is a record that Salesforce must hold.
type expected struct {
	oracle.Record
	item int64  // whose id the record carries; 0: none, because several items share the record
	name string // distinguishes it within its object: name of a company, address of a person
}

// expected derives the expected records from the boards. It is independent of the program and its tables.
func (d *demo) expected() (all []expected) {
	byName := map[string]int64{}
	for _, item := range d.Monday.Items(oracle.Accounts) {
		byName[item.Name] = item.ID
		all = append(all, expected{Record: oracle.Account(item), item: item.ID, name: item.Name})
	}
	var shared []string
	for n := d.size.companies; n < len(d.scenario.companies); n += 10 {
		shared = append(shared, d.scenario.companies[n]) // existed before the demo
	}
	for _, item := range d.Monday.Items(oracle.Contacts) {
		if item.State == "active" {
			all = append(all, expected{Record: oracle.Contact(item), item: item.ID, name: item.Text["email"]})
		}
	}
	for _, item := range d.Monday.Items(oracle.Leads) {
		if !slices.Contains(way, item.Text["status"]) {
			continue
		}
		company := item.Text["company"]
		at := byName[company]
		if at == 0 {
			shared = append(shared, company)
		}
		all = append(all, d.expectedLead(item, at)...)
	}
	slices.Sort(shared)
	for _, name := range slices.Compact(shared) {
		all = append(all, expected{Record: oracle.Record{Object: "Account", Fields: map[string]any{"Name": name}},
			name: name})
	}
	// Accounts come first, because the others refer to them.
	slices.SortStableFunc(all, func(a, b expected) int { return strings.Compare(a.Object, b.Object) })
	return all
}

// expectedLead returns the records of one lead; at is the item of its company, 0 if that is on no board. Its Lead is
// deleted with its item; the other records remain.
func (d *demo) expectedLead(item mondaysim.Item, at int64) (all []expected) {
	if item.State == "active" {
		all = append(all, expected{Record: oracle.Lead(item), item: item.ID, name: item.Text["email"]})
	}
	opportunity := oracle.Opportunity(item, d.began)
	if held, rejected := d.scenario.held[item.ID]; rejected {
		opportunity.Fields["Amount"] = oracle.Amount(held)
	}
	contact := oracle.LeadContact(item)
	opportunity.Account, contact.Account = at, at
	return append(all, expected{Record: opportunity, item: item.ID, name: opportunity.Fields["Name"].(string)},
		expected{Record: contact, item: item.ID, name: item.Text["email"]})
}

// is reports whether a record is the expected one.
func (e expected) is(record map[string]any) bool {
	if e.item != 0 {
		return record[sfsim.KeyField] == fmt.Sprint(e.item)
	}
	return record[sfsim.KeyField] == nil && record["Name"] == e.name
}

// same reports whether a record is about the same company, person or opportunity.
func (e expected) same(record map[string]any) bool {
	switch e.Object {
	case "Contact", "Lead":
		return record["Email"] == e.name
	}
	return record["Name"] == e.name
}

// differs returns a field in which the record differs from the expected one, or "".
func (e expected) differs(record map[string]any) string {
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		if !oracle.Fits(e.Fields[field], record[field]) {
			return field
		}
	}
	return ""
}
