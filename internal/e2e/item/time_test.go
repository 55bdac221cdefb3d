package item_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"crmsync/internal/e2e"
)

// TestTie: of two values with the same time, the one that Monday holds counts, whichever arrives first and whichever
// text is greater.
func TestTie(t *testing.T) {
	t.Parallel()
	for name, order := range map[string][2]int{"in order": {0, 1}, "the last one first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.ByHand)
			up := w.Lead("Ada Lovelace", "Analytical Engines")
			down := w.Lead("Charles Babbage", "Difference Engines")
			w.Flush()
			tie := map[string]any{"triggerTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "changedAt": float64(time.Now().UnixMilli()) / 1000}
			send := func(item int64, first, second string) {
				w.Monday.Rename(item, "X "+first)
				w.Monday.Rename(item, "X "+second)
				w.Monday.SetColumn(item, "company", first)
				w.Monday.SetColumn(item, "company", second)
				events := w.Mail.Take()
				for _, n := range order {
					w.Send(events[n], tie)
					w.Quiet()
					w.Send(events[2+n], tie)
					w.Quiet()
				}
			}
			send(up, "Abel", "Zuse")
			send(down, "Zuse", "Abel")
			w.Holds(w.Record("Lead", up), map[string]any{"LastName": "Zuse", "Company": "Zuse"})
			w.Holds(w.Record("Lead", down), map[string]any{"LastName": "Abel", "Company": "Abel"})
			w.Healthy()
		})
	}
}

// TestTimesAhead: an event with a future time causes the item to be read, and does not hold back later values.
func TestTimesAhead(t *testing.T) {
	t.Parallel()
	for name, ahead := range map[string]time.Duration{"two days": 48 * time.Hour, "six minutes": 6 * time.Minute, "years": 8 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.ByHand)
			item := w.Lead("Ada Lovelace", "Analytical Engines")
			gone := w.Lead("Charles Babbage", "Difference Engines")
			w.Flush()
			future := time.Now().Add(ahead)
			late := map[string]any{"triggerTime": future.UTC().Format("2006-01-02T15:04:05.000Z"), "changedAt": float64(future.UnixMilli()) / 1000}
			w.Monday.SetColumn(item, "company", "Engines")
			w.Monday.Rename(item, "Ada King")
			events := w.Mail.Take()
			w.Send(events[0], late, map[string]any{"value": map[string]any{"value": "Forged Engines"}})
			w.Send(events[1], late, map[string]any{"value": map[string]any{"name": "Ada Forged"}})
			w.Flush()
			w.Holds(w.Record("Lead", item), map[string]any{"Company": "Engines", "LastName": "King"})
			w.Monday.SetColumn(item, "company", "More Engines")
			w.Monday.Rename(item, "Ada Byron")
			w.Flush()
			w.Holds(w.Record("Lead", item), map[string]any{"Company": "More Engines", "LastName": "Byron"})

			// Likewise for deletes and restores: a later event with a sane time counts.
			w.Monday.DeleteItem(gone)
			w.Send(w.Mail.Take()[0], late)
			w.Flush()
			if n := len(w.Records("Lead", e2e.Key, gone)); n != 0 {
				t.Errorf("%d leads of a deleted item, want none", n)
			}
			w.Monday.RestoreItem(gone)
			w.Flush()
			w.Holds(w.Record("Lead", gone), map[string]any{"LastName": "Babbage"})
			w.Monday.DeleteItem(gone)
			w.Monday.RestoreItem(gone)
			events = w.Mail.Take()
			w.Send(events[1], late)
			w.Send(events[0])
			w.Flush()
			w.Monday.SetColumn(gone, "company", "Mills")
			w.Flush()
			w.Holds(w.Record("Lead", gone), map[string]any{"LastName": "Babbage", "Company": "Mills"})
			w.Healthy()
		})
	}
}

// TestCreatedAhead: an item whose first event has a future time is synced with its current values.
func TestCreatedAhead(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.ByHand)
	item := w.Lead("Ada Lovelace", "Analytical Engines")
	w.Send(w.Mail.Take()[0], map[string]any{"triggerTime": "2099-01-01T00:00:00.000Z"})
	w.Flush()
	w.Holds(w.Record("Lead", item), map[string]any{"LastName": "Lovelace"})
	w.Monday.Rename(item, "Ada King")
	w.Monday.SetColumn(item, "company", "Engines")
	w.Flush()
	w.Holds(w.Record("Lead", item), map[string]any{"LastName": "King", "Company": "Engines"})
	w.Healthy()
}

// evenings maps a date with a time to a day and to an instant.
func evenings(zone string) string {
	return fmt.Sprintf(`
version: 1
%s
boards:
  leads:
    board: 1003
    records:
      project:
        object: Monday_Project__c
        fields:
          Name: name
          Start_Date__c: close_date
          Kickoff__c: { from: close_date, as: datetime }
          Phone__c: { from: company, as: phone }
`, zone)
}

// TestEvening: a date with a time becomes the day in the mapping's time zone, a date without one stays, and the check
// reports where a time zone is missing.
func TestEvening(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ zone, day, winter string }{
		"New York": {"defaults: { time_zone: America/New_York }", "2026-06-30", "2026-01-01"},
		"Tokyo":    {"defaults: { time_zone: Asia/Tokyo }", "2026-07-01", "2026-01-01"},
		"none":     {"", "2026-07-01", "2026-01-01"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := e2e.Serving(t, e2e.Mapped(evenings(tt.zone)))
			code, out, errs := w.Command("check", "--live")
			if warns := strings.Contains(out+errs, "time_zone"); warns != (tt.zone == "") {
				t.Errorf("check exited with %d and warns of a time zone: %t\n%s%s", code, warns, out, errs)
			}
			at := func(date, clock string) map[string]any { return map[string]any{"date": date, "time": clock} }
			read := w.Monday.CreateItem(e2e.Leads, "Read", map[string]any{"close_date": at("2026-07-01", "01:00:00")})
			told := w.Monday.CreateItem(e2e.Leads, "Told", nil)
			w.Quiet()
			w.Monday.SetColumn(told, "close_date", at("2026-07-01", "01:00:00"))
			w.Quiet()
			for _, item := range []int64{read, told} {
				w.Holds(w.Record("Monday_Project__c", item), map[string]any{"Start_Date__c": tt.day, "Kickoff__c": "2026-07-01T01:00:00.000+0000"})
			}
			w.Monday.SetColumn(told, "close_date", at("2026-01-01", "05:30:00")) // 00:30 in a New York winter
			w.Monday.SetColumn(read, "close_date", map[string]any{"date": "2026-07-01"})
			w.Quiet()
			w.Holds(w.Record("Monday_Project__c", told), map[string]any{"Start_Date__c": tt.winter})
			w.Holds(w.Record("Monday_Project__c", read), map[string]any{"Start_Date__c": "2026-07-01"})
			w.Healthy()
		})
	}
}

// TestPhoneExtension: an extension stays with its number, in every usual spelling.
func TestPhoneExtension(t *testing.T) {
	t.Parallel()
	w := e2e.Serving(t, e2e.Mapped(evenings("defaults: { phone_country: US }")))
	for number, want := range map[string]string{
		"+1 212 555 0100 ext. 12": "+12125550100 ext. 12",
		"(212) 555-0100 x7":       "+12125550100 ext. 7",
		"+12125550100;ext=12":     "+12125550100 ext. 12",
		"+49 30 123456":           "+4930123456",
		"212 555 0100":            "+12125550100",
	} {
		item := w.Monday.CreateItem(e2e.Leads, number, map[string]any{"company": number})
		w.Quiet()
		w.Holds(w.Record("Monday_Project__c", item), map[string]any{"Phone__c": want})
	}
	w.Healthy()
}
