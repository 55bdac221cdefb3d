package demo

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"crmsync/internal/oracle"
	sfsim "crmsync/internal/sim/salesforce"
	"crmsync/internal/stage"
)

// action is something that a person does on a board. It causes one event.
type action struct {
	wait  time.Duration // since the thread's previous action
	until func() bool   // further condition that the person waits for; nil: none
	do    func()
}

// thread is what happens to one item, action by action.
type thread struct {
	starts  time.Duration // after the scenario begins
	actions []action
	due     time.Time // of the next action
	stuck   time.Time // since when that action has waited for its condition; zero: it is not waiting
}

// then adds an action.
func (t *thread) then(wait time.Duration, do func()) *thread {
	return t.when(nil, wait, do)
}

// when adds an action that waits for a condition.
func (t *thread) when(until func() bool, wait time.Duration, do func()) *thread {
	t.actions = append(t.actions, action{wait: wait, until: until, do: do})
	return t
}

// scenario is everything that people do, and what only they know.
type scenario struct {
	*stage.Stage
	size      size
	told      func() bool // the dead letter was alerted
	random    *rand.Rand  // the scenario is the same each time
	threads   []*thread
	actions   int          // total number
	performed atomic.Int64 // of the actions

	companies []string // by number; the first ones are on the board
	items     []int64  // of the companies that are on the board

	back back // edits in Salesforce

	// held maps items whose new amount Salesforce rejects to the amount it continues to hold.
	held map[int64]string
}

// patience is how long a person waits for a condition before giving up; the scoreboard then shows what is missing.
const patience = 45 * time.Second

// newScenario creates the scenario: companies first, people at them, then leads, a third of them from companies on the
// board.
func newScenario(on *stage.Stage, of size, told func() bool) *scenario {
	s := &scenario{
		Stage: on, size: of, told: told, random: rand.New(rand.NewPCG(1, 1)),
		held: map[int64]string{}, items: make([]int64, of.companies),
	}
	for n := range of.companies + of.leads/4 {
		s.companies = append(s.companies, companyName(n))
	}
	s.alreadyThere()
	for n := range of.companies {
		s.company(n)
	}
	for n := range of.people {
		s.person(n)
	}
	for n := range of.leads {
		s.lead(n)
	}
	for _, t := range s.threads {
		s.actions += len(t.actions)
	}
	return s
}

// alreadyThere creates records that exist in Salesforce beforehand: they must be adopted, not duplicated.
func (s *scenario) alreadyThere() {
	for n := s.size.companies; n < len(s.companies); n += 10 {
		s.Salesforce.Insert("Account", map[string]any{"Name": s.companies[n]})
	}
	for n := 0; n < s.size.people; n += 8 {
		s.Salesforce.Insert("Contact", map[string]any{"LastName": personName(n), "Title": "Volunteer",
			"Email": s.mailbox(n)["email"]})
	}
}

// company adds a company. Some get a new number later, some a new name; the last one is removed from the board but
// kept in Salesforce.
func (s *scenario) company(n int) {
	t := s.thread(0, s.size.span/8)
	t.then(0, func() {
		s.items[n] = s.Monday.CreateItem(oracle.Accounts, s.companies[n], map[string]any{
			"phone": phoneValue(n), "country": map[string]any{"countryCode": "US", "countryName": "United States"},
		})
	})
	switch {
	case n == s.size.companies-1:
		t.when(s.known(n), s.pause(), func() { s.Monday.DeleteItem(s.items[n]) })
	case n >= s.namesakes():
		t.then(s.pause(), func() { s.Monday.Rename(s.items[n], s.companies[n]+" Inc.") })
	case n%3 == 0:
		t.then(s.pause(), func() { s.Monday.SetColumn(s.items[n], "phone", phoneValue(n+500)) })
	}
}

// namesakes returns how many of the companies on the board have leads. These companies keep their names, by which
// leads find them.
func (s *scenario) namesakes() int { return s.size.companies * 3 / 4 }

// person adds a person connected to a company. Some change companies, some marry, some leave. The addresses of some are
// corrected in Salesforce, a few of them on both sides at once.
func (s *scenario) person(n int) {
	var item int64
	at := s.employer(n)
	t := s.thread(s.size.span/20, s.size.span/5)
	t.when(func() bool { return s.items[at] != 0 }, 0, func() {
		item = s.Monday.CreateItem(oracle.Contacts, personName(n), map[string]any{
			"email": s.mailbox(n), "phone": phoneValue(n + 100), "connect_account": s.connected(at),
		})
	})
	next := (at + 7) % s.namesakes()
	switch n % 8 {
	case 1:
		t.then(s.pause(), func() { s.Monday.Rename(item, personName(n)+"-"+lastNames[n%len(lastNames)]) })
	case 3:
		t.when(func() bool { return s.items[next] != 0 }, s.pause(),
			func() { s.Monday.SetColumn(item, "connect_account", s.connected(next)) })
	case 5:
		t.then(s.pause(), func() { s.Monday.DeleteItem(item) })
	case 2, 4, 6:
		t.when(lasting(s.isKnown(&item), s.size.late), s.pause(), func() { s.enter(n, item, n%8 == 6) })
	}
}

// employer returns the company of a person: any except the one that is removed from the board.
func (s *scenario) employer(person int) int { return person % (s.size.companies - 1) }

func (s *scenario) mailbox(person int) map[string]any {
	return mailboxValue(personName(person), s.companies[s.employer(person)])
}

func (s *scenario) connected(company int) map[string]any {
	return map[string]any{"item_ids": []int64{s.items[company]}}
}

// way is the sequence of labels of a lead.
var way = []string{"Qualified", "Follow-up", "Quote", "MOU"}

// lead adds a lead from the form. One in five remains unchanged; the others progress partly or completely.
func (s *scenario) lead(n int) {
	var item int64
	company, person := s.companyOf(n), personName(s.size.people+n)
	t := s.thread(s.size.span/10, s.size.span*9/10)
	t.when(s.known(company), 0, func() {
		item = s.Monday.CreateItem(oracle.Leads, person,
			s.form(n, person, s.companies[company]))
	})
	steps := []int{0, 1, 2, 3, 4, 1, 4, 2, 3, 0}[n%10]
	if n == s.size.leads/2 {
		steps = 1
	}
	for _, label := range way[:steps] {
		t.then(s.pause(), func() { s.Monday.SetColumn(item, "status", labelValue(label)) })
	}
	hasAll := func() bool { return s.holds("Lead", item) && s.holds("Contact", item) && s.holds("Opportunity", item) }
	switch {
	case n == s.size.leads/2:
		shown := func() bool { return s.text(item, "text_oppid") != "" && hasAll() }
		t.when(lasting(shown, s.size.late+s.pause()), 0, func() {
			s.held[item] = s.text(item, "amount")
			s.Monday.SetColumn(item, "amount", "45000000")
		})
		t.when(s.told, s.pause(), func() { s.Monday.SetColumn(item, "status", labelValue("Quote")) })
	case n%30 == 9: // unchanged
		t.then(s.pause(), func() { s.Monday.DeleteItem(item) })
	case n%30 == 5: // qualified
		t.when(hasAll, s.pause(), func() { s.Monday.DeleteItem(item) })
	case n%15 == 3:
		t.then(s.pause(), func() { s.Monday.Rename(item, person+"-"+lastNames[n%len(lastNames)]) })
	case n%15 == 7:
		t.then(s.pause(), func() { s.Monday.SetColumn(item, "amount", fmt.Sprint(1500+10*n)) })
	}
}

// form returns the columns that the website's form fills. Some people leave some of them empty.
func (s *scenario) form(n int, person, company string) map[string]any {
	form := map[string]any{
		"status": labelValue("New"), "company": company, "email": mailboxValue(person, company), "phone": phoneValue(n + 200),
		"country":   map[string]any{"countryCode": "US", "countryName": "United States"},
		"source":    map[string]any{"labels": []string{"Website"}},
		"text_note": notes[n%len(notes)],
	}
	if n%4 > 0 {
		form["amount"] = fmt.Sprint(500 + 250*(n%37))
	}
	if n%3 == 0 {
		form["close_date"] = map[string]any{"date": time.Now().UTC().AddDate(0, 1, n%60).Format(time.DateOnly)}
	}
	return form
}

// companyOf assigns a company on the board to every third lead; most companies have several leads.
func (s *scenario) companyOf(n int) int {
	if n%3 == 0 {
		return n % s.namesakes()
	}
	return s.size.companies + n%(len(s.companies)-s.size.companies)
}

// known returns a condition that holds once a company on the board shows its Salesforce Id: the sender of the form is
// already a customer.
func (s *scenario) known(company int) func() bool {
	if company >= s.size.companies {
		return nil
	}
	return func() bool { return s.items[company] != 0 && s.text(s.items[company], "text_sfid") != "" }
}

// lasting returns a condition that holds once ok has held for a while.
func lasting(ok func() bool, while time.Duration) func() bool {
	var since time.Time
	return func() bool {
		switch {
		case !ok():
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
		}
		return !since.IsZero() && time.Since(since) >= while
	}
}

// holds reports whether Salesforce has the item's record.
func (s *scenario) holds(object string, item int64) bool {
	key := fmt.Sprint(item)
	return slices.ContainsFunc(s.Salesforce.Records(object),
		func(r map[string]any) bool { return r[sfsim.KeyField] == key })
}

func (s *scenario) text(item int64, column string) string {
	it, _ := s.Monday.Item(item)
	return it.Text[column]
}

// thread begins a thread within a part of the time.
func (s *scenario) thread(from, to time.Duration) *thread {
	t := &thread{starts: from + time.Duration(s.random.Int64N(int64(to-from)))}
	s.threads = append(s.threads, t)
	return t
}

// pause returns the time between two actions of people on an item.
func (s *scenario) pause() time.Duration {
	return s.size.span/20 + time.Duration(s.random.Int64N(int64(s.size.span/8)))
}
