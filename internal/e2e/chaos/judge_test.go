package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"crmsync/internal/oracle"
	mondaysim "crmsync/internal/sim/monday"
)

// problem is a deviation from what must hold.
type problem struct {
	item int64 // 0: it is of no item
	text string
}

// duty is whether Salesforce must hold a record.
type duty int

const (
	must  duty = iota
	may        // depends on which events were in one batch
	never      // it was deleted with its item, or was never wanted
)

// record is a live record of Salesforce.
type record = map[string]any

// free is a field that is not compared, because its newest value is rejected.
type free struct{}

// judge compares Salesforce with the oracle when everything is quiet.
type judge struct {
	*chaos
	byKey    map[string]map[string]record // object -> item id -> record
	shared   map[string][]record          // accounts without an item, by name in lower case, oldest first
	dead     map[int64]time.Time          // item -> when its last event became a dead letter
	problems []problem
}

func newJudge(c *chaos) *judge {
	o := &judge{chaos: c, byKey: map[string]map[string]record{}, shared: map[string][]record{}, dead: c.deadLetters()}
	for _, object := range []string{"Lead", "Account", "Contact", "Opportunity"} {
		o.byKey[object] = map[string]record{}
		for _, r := range c.Salesforce.Records(object) {
			key, keyed := r["Monday_Item_Id__c"].(string)
			switch {
			case keyed:
				o.byKey[object][key] = r // unique, as Salesforce ensures
			case object == "Account":
				name := strings.ToLower(fmt.Sprint(r["Name"]))
				o.shared[name] = append(o.shared[name], r)
			case !slices.Contains(c.script.planted, fmt.Sprint(r["Id"])):
				o.wrong(0, "%s %v belongs to no item", object, r)
			}
		}
	}
	return o
}

// check compares Salesforce with what it must hold, and the id columns in Monday with Salesforce.
func (o *judge) check() []problem {
	known := map[string]bool{}
	for _, p := range o.script.parts {
		known[strconv.FormatInt(p.id, 10)] = true
		item, _ := o.Monday.Item(p.id)
		switch p.board {
		case oracle.Accounts:
			o.account(p, item)
		case oracle.Contacts:
			o.contact(p, item)
		case oracle.Leads:
			o.lead(p, item)
		}
	}
	for object, records := range o.byKey {
		for key, r := range records {
			if !known[key] {
				o.wrong(0, "%s %v has the key of no item", object, r)
			}
		}
	}
	for name, found := range o.shared {
		planted := 0
		for _, other := range plantedAccounts {
			if strings.ToLower(other) == name {
				planted++
			}
		}
		switch {
		case len(found) > max(planted, 1):
			o.wrong(0, "%d accounts %q: %v", len(found), name, found)
		case planted == 0 && name != "unknown" && !o.script.companies[name]:
			o.wrong(0, "account %q was no lead's company", name)
		}
	}
	return o.problems
}

func (o *judge) account(p *part, item mondaysim.Item) {
	of := oracle.Account(item)
	o.shows(item, of, o.record(p, item, wanted(item, may), of))
}

func (o *judge) contact(p *part, item mondaysim.Item) {
	of := oracle.Contact(item)
	of.Fields["AccountId"] = o.byKey["Account"][strconv.FormatInt(of.Account, 10)]["Id"]
	o.leaveOut(item, of)
	o.adopted(p, of)
	gone := never
	if p.shown {
		gone = may
	}
	o.shows(item, of, o.record(p, item, wanted(item, gone), of))
}

func (o *judge) lead(p *part, item mondaysim.Item) {
	_, holds := oracle.Stage(item.Text["status"])
	ofLead, ofOthers := must, must
	switch {
	case !p.held:
		ofLead, ofOthers = never, never
	case item.State != "active":
		ofLead, ofOthers = never, may
	case !holds:
		ofLead, ofOthers = may, may
	}
	lead, contact, opportunity := oracle.Lead(item), oracle.LeadContact(item), oracle.Opportunity(item, o.began)
	var account any
	if found := o.shared[strings.ToLower(contact.Company)]; len(found) > 0 {
		account = found[0]["Id"]
	}
	contact.Fields["AccountId"], opportunity.Fields["AccountId"] = account, account
	o.leaveOut(item, lead)
	o.leaveOut(item, contact)
	amount, _ := opportunity.Fields["Amount"].(float64)
	if amount >= tooMuch {
		opportunity.Fields["Amount"] = free{}
	}
	o.adopted(p, contact)
	o.shows(item, lead, o.record(p, item, ofLead, lead))
	if made := o.record(p, item, ofOthers, contact); made != nil && ofOthers != never && account == nil {
		o.wrong(item.ID, "there is no account %q", contact.Company)
	}
	made := o.record(p, item, ofOthers, opportunity)
	o.shows(item, opportunity, made)
	if made == nil || item.State != "active" {
		return
	}
	if amount >= tooMuch {
		o.given(p, "amount")
	}
	if !holds {
		o.given(p, "status")
	}
}

// wanted returns the duty of a record that every item on its board has; gone is its duty once the item is gone.
func wanted(item mondaysim.Item, gone duty) duty {
	if item.State == "active" {
		return must
	}
	return gone
}

// adopted expects the earlier contact with its values, unless it was deleted with its item.
func (o *judge) adopted(p *part, of oracle.Record) {
	if p.adopts != "" && (p.board == oracle.Leads || !p.ended) {
		of.Fields["Id"], of.Fields["Title"] = p.adopts, "Planted"
	}
}

// leaveOut excludes a rejected address from the comparison.
func (o *judge) leaveOut(item mondaysim.Item, of oracle.Record) {
	if strings.HasSuffix(item.Text["email"], rejectedDomain) {
		of.Fields["Email"] = free{}
	}
}

// record returns the item's record, if it has one, after comparing it with what it must hold.
func (o *judge) record(p *part, item mondaysim.Item, d duty, of oracle.Record) record {
	got := o.byKey[of.Object][strconv.FormatInt(item.ID, 10)]
	switch {
	case got == nil && d == must:
		o.wrong(item.ID, "has no %s", of.Object)
	case got != nil && d == never:
		o.wrong(item.ID, "has a %s: %v", of.Object, got)
	}
	if got == nil || d == never || item.State != "active" { // the records of a deleted item are no longer updated
		return got
	}
	for _, name := range slices.Sorted(maps.Keys(of.Fields)) {
		if !fits(of.Fields[name], got[name]) {
			o.wrong(item.ID, "%s %v: %s is %v, want %v", of.Object, got["Id"], name, got[name], of.Fields[name])
		}
	}
	if email, tested := of.Fields["Email"]; tested && email == any(free{}) {
		o.given(p, "email")
	}
	return got
}

func fits(want, got any) bool {
	if want == any(free{}) {
		amount, _ := got.(float64)
		return amount < tooMuch && !strings.HasSuffix(fmt.Sprint(got), rejectedDomain)
	}
	return oracle.Fits(want, got)
}

// shows expects an item to show the Id of its record.
func (o *judge) shows(item mondaysim.Item, of oracle.Record, r record) {
	if r != nil && item.State == "active" && item.Text[of.Column] != r["Id"] {
		o.wrong(item.ID, "shows %q in %s, want %v", item.Text[of.Column], of.Column, r["Id"])
	}
}

// given expects that an event became a dead letter because of a rejected value that the item still has.
func (o *judge) given(p *part, column string) {
	if since := p.rejected[column]; o.dead[p.id].Before(since) {
		o.wrong(p.id, "got a rejected value in %s at %s, and no dead letter since", column, since.UTC().Format(time.TimeOnly))
	}
}

func (o *judge) wrong(item int64, format string, args ...any) {
	o.problems = append(o.problems, problem{item, fmt.Sprintf(format, args...)})
}
