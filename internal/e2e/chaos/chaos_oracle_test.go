package chaos_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"crmsync/internal/e2e"
	mondaysim "crmsync/internal/sim/monday"
)

// problem is something that is not as it must be.
type problem struct {
	item int64 // 0: it is of no item
	text string
}

// duty says whether Salesforce must hold a record.
type duty int

const (
	must  duty = iota
	may        // it depends on which events a worker saw together
	never      // it was deleted with its item, or there was no time at which it was wanted
)

// record is a live record of Salesforce.
type record = map[string]any

// oneOf is a field that may hold any of some values; free is one that is not compared, because its newest value is refused.
type (
	oneOf []any
	free  struct{}
)

// oracle says what Salesforce must hold when all is quiet. It knows the example mapping by heart, and Monday's state.
type oracle struct {
	*chaos
	days     oneOf                        // close dates by default: 90 days after one on which the test ran
	byKey    map[string]map[string]record // object -> item id -> record
	shared   map[string][]record          // accounts without an item, by name in lower case, oldest first
	dead     map[int64]time.Time          // item -> when the last of its events was given up
	problems []problem
}

func newOracle(c *chaos) *oracle {
	o := &oracle{chaos: c, byKey: map[string]map[string]record{}, shared: map[string][]record{}, dead: c.deadLetters()}
	for day := c.began.UTC(); !day.After(time.Now().UTC()); day = day.Add(time.Hour) {
		o.days = append(o.days, day.AddDate(0, 0, 90).Format(time.DateOnly))
	}
	o.days = append(o.days, time.Now().UTC().AddDate(0, 0, 90).Format(time.DateOnly))
	for _, object := range []string{"Lead", "Account", "Contact", "Opportunity"} {
		o.byKey[object] = map[string]record{}
		for _, r := range c.salesforce.Records(object) {
			key, keyed := r["Monday_Item_Id__c"].(string)
			switch {
			case keyed:
				o.byKey[object][key] = r // unique: Salesforce sees to it
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
func (o *oracle) check() []problem {
	known := map[string]bool{}
	for _, p := range o.script.parts {
		known[strconv.FormatInt(p.id, 10)] = true
		item, _ := o.monday.Item(p.id)
		switch p.board {
		case e2e.Accounts:
			o.account(p, item)
		case e2e.Contacts:
			o.contact(p, item)
		case e2e.Leads:
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

func (o *oracle) account(p *part, item mondaysim.Item) {
	fields := record{"Name": item.Name, "Phone": e164(item.Text["phone"])}
	o.shows(item, "text_sfid", o.record(p, "Account", item, wanted(item, may), fields))
}

func (o *oracle) contact(p *part, item mondaysim.Item) {
	first, last := names(item.Name)
	fields := record{"FirstName": first, "LastName": last, "Email": o.email(item), "AccountId": nil}
	if linked := item.Linked["connect_account"]; len(linked) > 0 {
		fields["AccountId"] = o.byKey["Account"][strconv.FormatInt(linked[0], 10)]["Id"]
	}
	o.adopted(p, fields)
	o.shows(item, "text_sfid", o.record(p, "Contact", item, wanted(item, never), fields))
}

func (o *oracle) lead(p *part, item mondaysim.Item) {
	status, company := item.Text["status"], item.Text["company"]
	if company == "" {
		company = "Unknown"
	}
	stage, holds := stages[status]
	ofLead, ofOthers := must, must
	switch {
	case !p.held:
		ofLead, ofOthers = never, never
	case item.State != "active":
		ofLead, ofOthers = never, may
	case !holds:
		ofLead, ofOthers = may, may
	}
	first, last := names(item.Name)
	var account any
	if found := o.shared[strings.ToLower(company)]; len(found) > 0 {
		account = found[0]["Id"]
	}
	lead := record{"FirstName": first, "LastName": last, "Company": company, "Email": o.email(item), "Status": "Working"}
	if status == "Qualified" {
		lead["Status"] = "Qualified"
	}
	contact := record{"FirstName": first, "LastName": last, "Email": o.email(item), "AccountId": account}
	opportunity := record{
		"Name": strings.TrimSpace(item.Text["company"] + " - " + item.Name), "AccountId": account, "LeadSource": "Monday",
		"Amount": nil, "CloseDate": o.days, "StageName": any(free{}),
	}
	if amount, err := strconv.ParseFloat(item.Text["amount"], 64); err == nil {
		opportunity["Amount"] = amount
	}
	if date := item.Text["close_date"]; date != "" {
		opportunity["CloseDate"] = date
	}
	if holds {
		opportunity["StageName"] = stage
	}
	refusedAmount := false
	if amount, ok := opportunity["Amount"].(float64); ok && amount >= tooMuch {
		opportunity["Amount"], refusedAmount = free{}, true
	}
	o.adopted(p, contact)
	o.shows(item, "text_sfid", o.record(p, "Lead", item, ofLead, lead))
	if made := o.record(p, "Contact", item, ofOthers, contact); made != nil && ofOthers != never && account == nil {
		o.wrong(item.ID, "there is no account %q", company)
	}
	made := o.record(p, "Opportunity", item, ofOthers, opportunity)
	o.shows(item, "text_oppid", made)
	if made == nil || item.State != "active" {
		return
	}
	if refusedAmount {
		o.given(p, "amount")
	}
	if !holds {
		o.given(p, "status")
	}
}

// wanted is the duty of a record that every item on its board has, with what is left of it when the item is gone.
func wanted(item mondaysim.Item, gone duty) duty {
	if item.State == "active" {
		return must
	}
	return gone
}

// adopted expects the contact that was there before, with what it had, unless it ended with its item.
func (o *oracle) adopted(p *part, fields record) {
	if p.adopts != "" && (p.board == e2e.Leads || !p.ended) {
		fields["Id"], fields["Title"] = p.adopts, "Planted"
	}
}

// email is what a record of the item has as its address.
func (o *oracle) email(item mondaysim.Item) any {
	address := item.Text["email"]
	switch {
	case strings.HasSuffix(address, refusedDomain):
		return free{}
	case address == "":
		return nil
	}
	return address
}

// record is the item's record, if it has one, once it is compared with what it must hold.
func (o *oracle) record(p *part, object string, item mondaysim.Item, d duty, fields record) record {
	got := o.byKey[object][strconv.FormatInt(item.ID, 10)]
	switch {
	case got == nil && d == must:
		o.wrong(item.ID, "has no %s", object)
	case got != nil && d == never:
		o.wrong(item.ID, "has a %s: %v", object, got)
	}
	if got == nil || d == never || item.State != "active" { // what is left of a deleted item is as old as it is
		return got
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !fits(fields[name], got[name]) {
			o.wrong(item.ID, "%s %v: %s is %v, want %v", object, got["Id"], name, got[name], fields[name])
		}
	}
	if email, tested := fields["Email"]; tested && email == any(free{}) {
		o.given(p, "email")
	}
	return got
}

func fits(want, got any) bool {
	switch want := want.(type) {
	case free:
		amount, _ := got.(float64)
		return amount < tooMuch && !strings.HasSuffix(fmt.Sprint(got), refusedDomain)
	case oneOf:
		return slices.Contains(want, got)
	}
	return want == got
}

// shows expects an item to show the Id of its record.
func (o *oracle) shows(item mondaysim.Item, column string, r record) {
	if r != nil && item.State == "active" && item.Text[column] != r["Id"] {
		o.wrong(item.ID, "shows %q in %s, want %v", item.Text[column], column, r["Id"])
	}
}

// given expects that an event was given up because of a value that is refused, and that the item still has.
func (o *oracle) given(p *part, column string) {
	if since := p.refused[column]; o.dead[p.id].Before(since) {
		o.wrong(p.id, "got a value that is refused in %s at %s, and no dead letter since", column, since.UTC().Format(time.TimeOnly))
	}
}

func (o *oracle) wrong(item int64, format string, args ...any) {
	o.problems = append(o.problems, problem{item, fmt.Sprintf(format, args...)})
}

// names are all words but the last, and the last.
func names(name string) (first, last any) {
	at := strings.LastIndex(name, " ")
	if at < 0 {
		return nil, name
	}
	return name[:at], name[at+1:]
}

// e164 is an American number as Salesforce is to hold it.
func e164(number string) any {
	digits := strings.Map(func(r rune) rune {
		if unicode.IsDigit(r) {
			return r
		}
		return -1
	}, number)
	switch {
	case digits == "":
		return nil
	case strings.HasPrefix(number, "+"):
		return "+" + digits
	}
	return "+1" + digits
}
