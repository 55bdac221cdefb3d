package chaos_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"crmsync/internal/oracle"
	mondaysim "crmsync/internal/sim/monday"
	sfsim "crmsync/internal/sim/salesforce"
)

// What Salesforce rejects in TestChaos: amounts from tooMuch on, and addresses of one domain.
const (
	tooMuch        = 1_000_000.0
	rejectedDomain = "@rejected.example"
	rejectedCode   = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
)

// script performs people's actions on Monday's boards. The same seed causes the same events.
type script struct {
	rng    *rand.Rand
	size   chaosSize
	monday *mondaysim.Sim
	tame   bool // no rejected values are entered

	parts     []*part
	companies map[string]bool // all that a lead ever had, in lower case
	planted   []string        // Ids of contacts that were in Salesforce before
	unused    []string        // those for which no item was created yet
	count     int             // makes values unique
	now       int             // number of the step
}

// part is an item as known to the people who act on it.
type part struct {
	number    int
	id, board int64
	alive     bool
	unruly    bool                 // gets rejected values, and a status that changes back and forth
	adopts    string               // Id of the Salesforce contact that is to become the item's; its address stays
	shown     bool                 // adopts by its id column, and not by its address: the record outlives the item
	held      bool                 // a lead once had a status that creates records
	ended     bool                 // it was deleted at some time
	touched   int                  // number of the last step that acted on it
	rejected  map[string]time.Time // column -> when it last got a rejected value
	story     []string             // what happened to it
}

// newScript creates the records that exist in Salesforce before the first event.
func newScript(seed uint64, size chaosSize, monday *mondaysim.Sim, salesforce *sfsim.Sim) *script {
	s := &script{rng: rand.New(rand.NewPCG(seed, 0)), size: size, monday: monday, companies: map[string]bool{}}
	for n := range 6 {
		id := salesforce.Insert("Contact", map[string]any{"LastName": "Before", "Email": plantedEmail(n), "Title": "Planted"})
		s.planted = append(s.planted, id)
	}
	s.unused = slices.Clone(s.planted)
	for _, name := range plantedAccounts {
		salesforce.Insert("Account", map[string]any{"Name": name})
	}
	reject := func(value any) string {
		switch v := value.(type) {
		case float64:
			if v >= tooMuch {
				return rejectedCode
			}
		case string:
			if strings.HasSuffix(v, rejectedDomain) {
				return rejectedCode
			}
		}
		return ""
	}
	salesforce.Reject("Opportunity", "Amount", reject)
	salesforce.Reject("Lead", "Email", reject)
	salesforce.Reject("Contact", "Email", reject)
	return s
}

// apart is the minimum number of steps between two events of an item.
const apart = 3

// plantedAccounts exist in Salesforce beforehand: leads share the older of two.
var plantedAccounts = []string{"Northwind", "Contoso", "Contoso"}

func plantedEmail(n int) string { return fmt.Sprintf("planted-%d@example.org", n) }

// step causes one event.
func (s *script) step(n int) {
	s.now = n
	left := s.size.items - len(s.parts)
	if left > 0 && (left >= s.size.events-n || len(s.parts) <= 2*apart || s.rng.IntN(s.size.events) < 5*s.size.items/2) {
		s.create()
		return
	}
	for {
		p := s.parts[min(s.rng.IntN(len(s.parts)), s.rng.IntN(len(s.parts)))] // some get more than others
		// Two events of an item within a millisecond have no order, in Monday neither.
		if n-p.touched >= apart && s.act(p) {
			return
		}
	}
}

func (s *script) create() {
	n := len(s.parts)
	p := &part{number: n, board: oracle.Leads, alive: true, unruly: n%7 == 4 && !s.tame, rejected: map[string]time.Time{}}
	values := map[string]any{}
	switch n % 10 {
	case 0, 6:
		p.board = oracle.Accounts
		values["phone"] = s.phone()
	case 1, 3, 7:
		p.board = oracle.Contacts
		values["email"] = s.email(p)
		if on := s.account(); on != nil {
			values["connect_account"] = on
		}
	default:
		s.lead(p, values)
	}
	if n%10 > 6 && !p.unruly && len(s.unused) > 0 { // 7, 8, 9: contacts and leads
		p.adopts, s.unused = s.unused[0], s.unused[1:]
		if p.board == oracle.Contacts && s.rng.IntN(2) == 0 {
			values["text_sfid"], p.shown = p.adopts, true
		}
		values["email"] = mailbox(plantedEmail(slices.Index(s.planted, p.adopts)))
	}
	name := s.name(p)
	p.id = s.monday.CreateItem(p.board, name, values)
	s.parts = append(s.parts, p)
	s.tell(p, "created as %q with %v", name, values)
}

// lead sets the values of a lead that a form fills in.
func (s *script) lead(p *part, values map[string]any) {
	values["email"] = s.email(p)
	values["status"] = map[string]any{"label": "New"}
	if s.rng.IntN(4) == 0 {
		values["status"], p.held = map[string]any{"label": "Qualified"}, true
	}
	if company := s.company(); company != "" {
		values["company"] = company
	}
	if s.rng.IntN(2) == 0 {
		values["amount"] = s.amount()
	}
	if s.rng.IntN(2) == 0 {
		values["close_date"] = s.date()
	}
}

// act performs an action on an item, and reports whether it could.
func (s *script) act(p *part) bool {
	if !p.alive {
		if s.rng.IntN(6) > 0 {
			return false
		}
		s.monday.RestoreItem(p.id)
		p.alive = true
		s.tell(p, "restored")
		return true
	}
	switch dice := s.rng.IntN(100); {
	case dice < 4:
		return s.end(p)
	case dice < 14:
		name := s.name(p)
		if item, _ := s.monday.Item(p.id); item.Name == name {
			return false
		}
		s.monday.Rename(p.id, name)
		s.tell(p, "renamed %q", name)
		return true
	}
	switch {
	case p.board == oracle.Accounts:
		return s.set(p, s.pick("phone", "phone", "text_note"))
	case p.board == oracle.Leads && p.unruly:
		return s.set(p, s.pick("status", "amount", "email"))
	case p.board == oracle.Contacts:
		return s.set(p, s.pick("email", "connect_account", "connect_account", "phone"))
	}
	return s.set(p, s.pick("status", "status", "status", "status", "company", "company", "email", "amount", "amount", "close_date", "text_note"))
}

// end deletes or archives an item, but not an account that a contact shows.
func (s *script) end(p *part) bool {
	if p.board == oracle.Accounts {
		for _, other := range s.parts {
			if item, _ := s.monday.Item(other.id); slices.Contains(item.Linked["connect_account"], p.id) {
				return false
			}
		}
	}
	p.alive, p.ended = false, true
	if s.rng.IntN(2) == 0 {
		s.monday.ArchiveItem(p.id)
		s.tell(p, "archived")
	} else {
		s.monday.DeleteItem(p.id)
		s.tell(p, "deleted")
	}
	return true
}

// set changes a column, and reports whether that causes an event.
func (s *script) set(p *part, column string) bool {
	var value any
	switch cleared := s.rng.IntN(8) == 0; {
	case column == "status":
		label, ok := s.status(p)
		if !ok {
			return false
		}
		value = map[string]any{"label": label}
	case column == "email" && p.adopts != "":
		return false
	case cleared:
	case column == "email" && p.unruly && s.rng.IntN(2) == 0:
		s.count++
		value = mailbox(fmt.Sprintf("p%d%s", s.count, rejectedDomain))
	case column == "email":
		value = s.email(p)
	case column == "company":
		value = s.company()
	case column == "amount" && p.unruly && s.rng.IntN(2) == 0:
		s.count++
		value = fmt.Sprint(int(tooMuch) + s.count)
	case column == "amount":
		value = s.amount()
	case column == "close_date":
		value = s.date()
	case column == "phone":
		value = s.phone()
	case column == "connect_account":
		value = s.account()
	default:
		s.count++
		value = fmt.Sprintf("note %d", s.count)
	}
	at := time.Now()
	before, _ := s.monday.Item(p.id)
	s.monday.SetColumn(p.id, column, value)
	after, _ := s.monday.Item(p.id)
	if before.Text[column] == after.Text[column] && slices.Equal(before.Linked[column], after.Linked[column]) {
		return false
	}
	if s.rejects(value) { // an unchanged value causes no event
		p.rejected[column] = at
	}
	s.tell(p, "%s set to %v", column, value)
	return true
}

// rejects reports whether Salesforce rejects a value. A label without a stage is accepted as long as there is no
// Opportunity.
func (s *script) rejects(value any) bool {
	switch v := value.(type) {
	case string:
		amount, err := strconv.ParseFloat(v, 64)
		return err == nil && amount >= tooMuch
	case map[string]any:
		label, isStatus := v["label"].(string)
		address, _ := v["email"].(string)
		_, holds := oracle.Stage(label)
		return isStatus && !holds || strings.HasSuffix(address, rejectedDomain)
	}
	return false
}

// status returns a lead's next label. An unruly lead may return to one for which the Opportunity has no stage.
func (s *script) status(p *part) (label string, ok bool) {
	if p.unruly && s.rng.IntN(3) == 0 {
		return s.pick("New", "Lost"), true
	}
	if !p.held && s.rng.IntN(3) == 0 {
		return "Lost", true
	}
	p.held = true
	return s.pick("Qualified", "Follow-up", "Quote", "MOU"), true
}

// account returns a value for a column that connects to one account, or to two, the first of which counts.
func (s *script) account() any {
	var ids []int64
	for _, p := range s.parts {
		if p.board == oracle.Accounts && p.alive {
			ids = append(ids, p.id)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	s.rng.Shuffle(len(ids), func(a, b int) { ids[a], ids[b] = ids[b], ids[a] })
	return map[string]any{"item_ids": ids[:min(len(ids), 1+s.rng.IntN(2))]}
}

// Values are few, so that an item often returns to a former one.

func (s *script) name(p *part) string {
	if p.board == oracle.Accounts {
		return fmt.Sprintf("Office %d-%d", p.number, s.rng.IntN(3))
	}
	return s.pick("", "Ada ", "Grace Brewster ", "José ") + fmt.Sprintf("Person%d", p.number)
}

// company returns one of a few names, in one of several spellings that Salesforce does not distinguish, or "".
func (s *script) company() string {
	name := s.pick("Northwind", "Contoso", "Fabrikam", "Adventure Works", "O'Malley & Söhne", "Tailspin", "")
	if s.rng.IntN(4) == 0 {
		name = strings.ToUpper(name)
	}
	s.companies[strings.ToLower(name)] = true
	return name
}

// email returns one of the item's own addresses, or occasionally that of another item.
func (s *script) email(p *part) any {
	if len(s.parts) > 0 && s.rng.IntN(8) == 0 {
		other := s.parts[s.rng.IntN(len(s.parts))]
		item, _ := s.monday.Item(other.id)
		if text := item.Text["email"]; text != "" && !other.unruly && other.adopts == "" {
			return mailbox(text)
		}
	}
	return mailbox(fmt.Sprintf("p%d-%d@example.org", p.number, s.rng.IntN(3)))
}

func (s *script) amount() any { return fmt.Sprintf("%d.5", 1000*(1+s.rng.IntN(4))) }

func (s *script) date() any {
	return map[string]any{"date": time.Date(2027, 1, 1+s.rng.IntN(3), 0, 0, 0, 0, time.UTC).Format(time.DateOnly)}
}

func (s *script) phone() any {
	number := fmt.Sprintf("212555010%d", s.rng.IntN(4))
	if s.rng.IntN(2) == 0 {
		number = "+1 " + number
	}
	return map[string]any{"phone": number, "countryShortName": "US"}
}

func (s *script) pick(from ...string) string { return from[s.rng.IntN(len(from))] }

func (s *script) tell(p *part, format string, args ...any) {
	p.touched = s.now
	p.story = append(p.story, time.Now().UTC().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

func mailbox(address string) any { return map[string]any{"email": address, "text": address} }
