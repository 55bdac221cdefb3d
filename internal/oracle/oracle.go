// Package oracle determines what Salesforce must hold for an item under the example mapping. It contains that mapping
// as code and reads Monday's state. It is independent of the program, so that the two cannot share an error.
package oracle

import (
	"slices"
	"strconv"
	"strings"
	"time"

	mondaysim "crmsync/internal/sim/monday"
)

// Boards of the example mapping.
const (
	Accounts int64 = 1001
	Contacts int64 = 1002
	Leads    int64 = 1003
)

// Record is what Salesforce must hold for an item.
type Record struct {
	Object string
	Fields map[string]any // as Salesforce's API shows them; nil: empty
	Column string         // column in which the item shows the record's Id; empty: none

	// The Account of the record: that of an item, or the one with this name.
	Account int64
	Company string
}

// OneOf is a field with several permitted values.
type OneOf []any

// Fits reports whether the value of a field is a permitted one.
func Fits(want, got any) bool {
	if values, ok := want.(OneOf); ok {
		return slices.Contains(values, got)
	}
	return want == got
}

// stages maps the labels of a lead that require records to the stage of its Opportunity.
var stages = map[string]string{
	"Qualified": "Qualification", "Follow-up": "Needs Analysis", "Quote": "Proposal/Price Quote", "MOU": "Closed Won",
}

// Stage returns the stage of the Opportunity for a lead's label, and whether the label requires records.
func Stage(label string) (stage string, ok bool) {
	stage, ok = stages[label]
	return stage, ok
}

// Account returns the record of an item on the companies' board.
func Account(item mondaysim.Item) Record {
	return Record{
		Object: "Account", Column: "text_sfid",
		Fields: map[string]any{"Name": item.Name, "Phone": phone(item.Text["phone"])},
	}
}

// Contact returns the record of an item on the people's board.
func Contact(item mondaysim.Item) Record {
	r := Record{Object: "Contact", Column: "text_sfid", Fields: person(item)}
	if linked := item.Linked["connect_account"]; len(linked) > 0 {
		r.Account = linked[0]
	}
	return r
}

// Lead returns the Lead of an item on the leads' board.
func Lead(item mondaysim.Item) Record {
	r := Record{Object: "Lead", Column: "text_sfid", Fields: person(item)}
	r.Fields["Company"], r.Fields["Status"] = company(item), "Working"
	if item.Text["status"] == "Qualified" {
		r.Fields["Status"] = "Qualified"
	}
	return r
}

// LeadContact returns the Contact of an item on the leads' board.
func LeadContact(item mondaysim.Item) Record {
	return Record{Object: "Contact", Fields: person(item), Company: company(item)}
}

// Opportunity returns the Opportunity of an item on the leads' board. If the item has no close date, it is 90 days
// after any day from since until now. It has no StageName if the item's label has none.
func Opportunity(item mondaysim.Item, since time.Time) Record {
	r := Record{Object: "Opportunity", Column: "text_oppid", Company: company(item), Fields: map[string]any{
		"Name": strings.TrimSpace(item.Text["company"] + " - " + item.Name), "Amount": Amount(item.Text["amount"]),
		"LeadSource": "Monday",
		"CloseDate":  nullable(item.Text["close_date"]),
	}}
	if r.Fields["CloseDate"] == nil {
		r.Fields["CloseDate"] = in90Days(since)
	}
	if stage, ok := Stage(item.Text["status"]); ok {
		r.Fields["StageName"] = stage
	}
	return r
}

// Amount returns the value of a currency field for a number.
func Amount(text string) any {
	amount, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil
	}
	return amount
}

func in90Days(since time.Time) (days OneOf) {
	now := time.Now().UTC()
	for day := since.UTC(); day.Before(now); day = day.Add(time.Hour) {
		days = append(days, day.AddDate(0, 0, 90).Format(time.DateOnly))
	}
	return append(days, now.AddDate(0, 0, 90).Format(time.DateOnly))
}

// person returns the fields of the person an item is about. The last name is the last word.
func person(item mondaysim.Item) map[string]any {
	first, last := "", item.Name
	if at := strings.LastIndex(item.Name, " "); at >= 0 {
		first, last = item.Name[:at], item.Name[at+1:]
	}
	return map[string]any{"FirstName": nullable(first), "LastName": last, "Email": nullable(item.Text["email"])}
}

func company(item mondaysim.Item) string {
	if name := item.Text["company"]; name != "" {
		return name
	}
	return "Unknown"
}

// phone returns an American number in E.164.
func phone(typed string) any {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, typed)
	switch {
	case digits == "":
		return nil
	case strings.HasPrefix(typed, "+"), len(digits) == 11 && digits[0] == '1':
		return "+" + digits
	}
	return "+1" + digits
}

func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}
