package demo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"crmsync/deploy"
)

// pollEvery is how often the demo's program polls Salesforce for changes; the default would be every 15 s.
const pollEvery = time.Second

// bothWays returns the example mapping with e-mail addresses of contacts that also come back from Salesforce.
func bothWays() []byte {
	const oneWay, both = "          Email: email\n          AccountId: { from: connect", "          Email: { from: " +
		"email, sync: both }\n          AccountId: { from: connect"
	return []byte(strings.Replace(string(deploy.Mapping), oneWay, both, 1))
}

// back are the edits that people make in Salesforce.
type back struct {
	mu    sync.Mutex
	edits []*backEdit
}

// backEdit is an address that a person entered in Salesforce.
type backEdit struct {
	item     int64
	record   string // Id
	value    string
	contrary string    // the address that a person entered in Monday at the same time, and that wins; empty: none
	at       time.Time // of the edit
	shown    time.Time // when Monday showed it; zero: not yet
}

// enter enters a person's new address in Salesforce and, if contrary, another one in Monday at the same time.
func (s *scenario) enter(person int, item int64, contrary bool) {
	e := &backEdit{item: item, record: s.text(item, "text_sfid"), value: fmt.Sprintf("sf-%s", s.mailbox(person)["email"]),
		at: time.Now()}
	s.Salesforce.Update("Contact", e.record, map[string]any{"Email": e.value})
	if contrary {
		e.contrary = fmt.Sprintf("m-%s", s.mailbox(person)["email"])
		s.Monday.SetColumn(item, "email", map[string]any{"email": e.contrary, "text": e.contrary})
	}
	s.back.mu.Lock()
	defer s.back.mu.Unlock()
	s.back.edits = append(s.back.edits, e)
}

// look notes which edits have arrived.
func (s *scenario) look() {
	s.back.mu.Lock()
	defer s.back.mu.Unlock()
	for _, e := range s.back.edits {
		if e.shown.IsZero() && e.contrary == "" && s.text(e.item, "email") == e.value {
			e.shown = time.Now()
		}
	}
}

// watch looks until ctx ends.
func (s *scenario) watch(ctx context.Context) {
	for sleep(ctx, 20*time.Millisecond) {
		s.look()
	}
}

// open counts the edits that are not finished: not shown yet, or not overwritten yet.
func (s *scenario) open() (n int) {
	s.look()
	s.back.mu.Lock()
	defer s.back.mu.Unlock()
	for _, e := range s.back.edits {
		if e.contrary == "" && e.shown.IsZero() || e.contrary != "" &&
			s.Salesforce.Get("Contact", e.record)["Email"] != e.contrary {
			n++
		}
	}
	return n
}

// inSalesforceOnly counts the edits without an event of Monday.
func (s *scenario) inSalesforceOnly() (n int) {
	for _, e := range s.back.edits {
		if e.contrary == "" {
			n++
		}
	}
	return n
}

// wayBack is the result of the edits in Salesforce.
type wayBack struct {
	edits, shown    int // on that side alone; those shown in Monday
	contrary, ruled int // on both sides at once; those that Monday won, with the other value stored
	lag             lag // from the edit until Monday shows it
}

// scoreBack checks every edit that was made in Salesforce.
func (d *demo) scoreBack(ctx context.Context, b *scoreboard) error {
	d.scenario.look()
	var took []time.Duration
	for _, e := range d.scenario.back.edits {
		if e.contrary == "" {
			b.back.edits++
			if e.shown.IsZero() || d.scenario.text(e.item, "email") != e.value {
				b.fault("item %d does not show what was entered in Salesforce", e.item)
				continue
			}
			b.back.shown++
			took = append(took, e.shown.Sub(e.at))
			continue
		}
		b.back.contrary++
		var kept bool
		const query = "SELECT EXISTS (SELECT FROM conflicts WHERE item_id = $1 AND field = 'Email' AND salesforce = " +
			"to_jsonb($2::text) AND rule = 'monday')"
		if err := d.DB.QueryRow(ctx, query, e.item, e.value).Scan(&kept); err != nil {
			return fmt.Errorf("reading the conflicts: %w", err)
		}
		if !kept || d.Salesforce.Get("Contact", e.record)["Email"] != e.contrary ||
			d.scenario.text(e.item, "email") != e.contrary {
			b.fault("item %d was changed on both sides: Monday's value is not on both, or Salesforce's is not stored",
				e.item)
			continue
		}
		b.back.ruled++
	}
	slices.Sort(took)
	if n := len(took); n > 0 {
		b.back.lag = lag{took[n/2], took[min(n-1, n*99/100)]}
	}
	return nil
}

// isKnown returns a condition that holds once an item on the contacts board shows its record.
func (s *scenario) isKnown(item *int64) func() bool {
	return func() bool { return *item != 0 && s.text(*item, "text_sfid") != "" }
}
