package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// demoExpected is a record that Salesforce must hold, by what Monday's boards say and the example mapping means.
type demoExpected struct {
	object string
	item   int64          // whose id the record carries; 0: none, the record is one of several items
	name   string         // what tells it from others of its object: name of a company, address of a person
	fields map[string]any // nil: must be empty
	shown  string         // column in which the item shows the record's Id; empty: none

	company string // name of the Account that it belongs to, of companies that are on no board
	at      int64  // item of that Account, of those that are
}

// expected reads the boards as a bookkeeper would: it knows nothing of the program and none of its tables.
func (d *demo) expected() (all []demoExpected) {
	byName := map[string]int64{}
	for _, item := range d.monday.Items(demoCompanies) {
		byName[item.Name] = item.ID
		all = append(all, demoExpected{
			object: "Account", item: item.ID, name: item.Name, shown: "text_sfid",
			fields: map[string]any{"Name": item.Name, "Phone": demoDigits(item.Text["phone"])},
		})
	}
	var shared []string
	for n := d.size.companies; n < len(d.story.companies); n += 10 {
		shared = append(shared, d.story.companies[n]) // was there before
	}
	for _, item := range d.monday.Items(demoPeople) {
		if item.State == "active" {
			all = append(all, d.expectedPerson(item))
		}
	}
	for _, item := range d.monday.Items(demoLeads) {
		if !slices.Contains(demoSteps, item.Text["status"]) {
			continue
		}
		company := item.Text["company"]
		at := byName[company]
		if at == 0 {
			shared = append(shared, company)
		}
		all = append(all, d.expectedLead(item, company, at)...)
	}
	slices.Sort(shared)
	for _, name := range slices.Compact(shared) {
		all = append(all, demoExpected{object: "Account", name: name, fields: map[string]any{"Name": name}})
	}
	// Accounts first: the others refer to them.
	slices.SortStableFunc(all, func(a, b demoExpected) int { return strings.Compare(a.object, b.object) })
	return all
}

func (d *demo) expectedPerson(item mondaysim.Item) demoExpected {
	first, last := demoNames(item.Name)
	e := demoExpected{
		object: "Contact", item: item.ID, name: item.Text["email"], shown: "text_sfid",
		fields: map[string]any{"FirstName": first, "LastName": last, "Email": item.Text["email"]},
	}
	if linked := item.Linked["connect_account"]; len(linked) > 0 {
		e.at = linked[0]
	}
	return e
}

// expectedLead is what one lead becomes. Its Lead goes with its item; what has come of it stays.
func (d *demo) expectedLead(item mondaysim.Item, company string, at int64) (all []demoExpected) {
	first, last := demoNames(item.Name)
	status, email := item.Text["status"], item.Text["email"]
	leadStatus := "Working"
	if status == "Qualified" {
		leadStatus = "Qualified"
	}
	if item.State == "active" {
		all = append(all, demoExpected{object: "Lead", item: item.ID, name: email, shown: "text_sfid", fields: map[string]any{
			"FirstName": first, "LastName": last, "Company": company, "Email": email, "Status": leadStatus,
		}})
	}
	amount := item.Text["amount"]
	if held, refused := d.story.held[item.ID]; refused {
		amount = held
	}
	stage := map[string]string{"Qualified": "Qualification", "Follow-up": "Needs Analysis", "Quote": "Proposal/Price Quote", "MOU": "Closed Won"}[status]
	opportunity := demoExpected{object: "Opportunity", item: item.ID, name: company + " - " + item.Name, company: company, at: at, fields: map[string]any{
		"Name": company + " - " + item.Name, "StageName": stage, "Amount": demoNull(amount), "LeadSource": "Monday",
		"CloseDate": d.closeDate(item.Text["close_date"]),
	}}
	if item.State == "active" {
		opportunity.shown = "text_oppid"
	}
	return append(all, opportunity, demoExpected{object: "Contact", item: item.ID, name: email, company: company, at: at, fields: map[string]any{
		"FirstName": first, "LastName": last, "Email": email,
	}})
}

// closeDate is the form's, or 90 days after the day on which the record was made.
func (d *demo) closeDate(given string) any {
	if given != "" {
		return given
	}
	in90 := func(t time.Time) string { return t.UTC().AddDate(0, 0, 90).Format(time.DateOnly) }
	return []string{in90(d.began), in90(time.Now())} // midnight may have passed
}

// demoNames are the first and the last name of a full one.
func demoNames(full string) (first, last string) {
	words := strings.Fields(full)
	return strings.Join(words[:len(words)-1], " "), words[len(words)-1]
}

// demoDigits is an American number in E.164.
func demoDigits(typed string) any {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, typed)
	return "+1" + strings.TrimPrefix(digits, "1")
}

func demoNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// is says whether a record is the expected one.
func (e demoExpected) is(record map[string]any) bool {
	if e.item != 0 {
		return record[sfsim.KeyField] == fmt.Sprint(e.item)
	}
	return record[sfsim.KeyField] == nil && record["Name"] == e.name
}

// same says whether a record is about the same company, person or opportunity.
func (e demoExpected) same(record map[string]any) bool {
	switch e.object {
	case "Contact", "Lead":
		return record["Email"] == e.name
	}
	return record["Name"] == e.name
}

// differs names a field in which the record is not as expected; empty: none.
func (e demoExpected) differs(record map[string]any) string {
	for field, want := range e.fields {
		got := record[field]
		switch want := want.(type) {
		case nil:
			if got == nil {
				continue
			}
		case []string:
			if slices.Contains(want, fmt.Sprint(got)) {
				continue
			}
		default:
			if got != nil && fmt.Sprint(got) == fmt.Sprint(want) {
				continue
			}
		}
		return field
	}
	return ""
}
