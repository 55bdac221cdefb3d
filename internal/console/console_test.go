package console

import (
	"math"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"crmsync/internal/report"
	"crmsync/internal/words"
	"crmsync/schema/store"
)

var noon = time.Date(2026, 11, 10, 12, 30, 0, 0, time.UTC)

// TestParse: a text that people type or paste is looked for in each form that it may have.
func TestParse(t *testing.T) {
	t.Parallel()
	const id15, id18 = "00Q5f000001AbCd", "00Q5f000001AbCdEAK"
	tests := map[string]store.Search{
		"Ada Lovelace":    {Name: "Ada Lovelace"},
		"Ada@Example.org": {Emails: []string{"ada@example.org"}},
		id15:              {SalesforceIDs: []string{id18}, Name: id15},
		id18:              {SalesforceIDs: []string{id18}, Name: id18},
		"https://acme.lightning.force.com/lightning/r/Lead/" + id18 + "/view": {SalesforceIDs: []string{id18}},
		"https://acme.my.salesforce.com/" + id15:                              {SalesforceIDs: []string{id18}},
		"https://acme.monday.com/boards/1003/pulses/8400000001":               {Items: []int64{8400000001}},
		"https://acme.monday.com/boards/1003?pulseId=8400000001":              {Items: []int64{8400000001}},
		"12345": {Items: []int64{12345}}, // too short for a phone number
	}
	for text, want := range tests {
		if diff := cmp.Diff(want, parse(text, "US")); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
	}
	for _, text := range []string{"(212) 555-0100", "+1 212 555 0100", "0012125550100"} {
		if q := parse(text, "US"); !slices.Contains(q.Phones, "12125550100") {
			t.Errorf("%q is looked for as %+v", text, q)
		}
	}
	if q := parse("030 901820", "DE"); !slices.Contains(q.Phones, "4930901820") {
		t.Errorf("a German number is looked for as %+v", q)
	}
}

// TestMeters: the forecast extrapolates the pace of the last hours, for Monday until the end of the day in UTC.
func TestMeters(t *testing.T) {
	t.Parallel()
	var hours []store.Hour
	for n := -30; n <= 0; n++ {
		at := noon.Truncate(time.Hour).Add(time.Duration(n) * time.Hour)
		used, limit := 1000+100*(n+30), 5000
		ofDay, day := 10*at.Hour(), 200
		hours = append(hours, store.Hour{
			Start: at, SalesforceUsed: &used, SalesforceLimit: &limit, MondayUsed: &ofDay, MondayLimit: &day,
		})
	}
	got := meters(hours, noon)
	want := []meter{
		{System: "Salesforce", Calls: store.Calls{Used: 4000, Limit: 5000, Paced: true, Forecast: 6400}, Percent: 80, ForecastPct: 100, Level: "attention"},
		{System: "Monday", Calls: store.Calls{Used: 120, Limit: 200, Paced: true, Forecast: 235}, Percent: 60, ForecastPct: 100, Level: "attention"},
	}
	for n := range got {
		if got[n].Note == "" {
			t.Errorf("%s has no note", got[n].System)
		}
		got[n].Note, got[n].Until = "", ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("meters (-want +got):\n%s", diff)
	}
	if got := meters(hours[:2], noon); got != nil {
		t.Errorf("from numbers of yesterday: %+v", got)
	}
	midnight := noon.Truncate(24 * time.Hour)
	for now, paced := range map[time.Time]bool{
		midnight.Add(30 * time.Minute): false, midnight.Add(90 * time.Minute): false, midnight.Add(2 * time.Hour): true,
	} {
		var known []store.Hour
		for n := range hours {
			if !hours[n].Start.After(now) {
				known = append(known, hours[n])
			}
		}
		monday := meters(known, now)[1]
		if monday.Paced != paced || !paced && monday.ForecastPct != monday.Percent {
			t.Errorf("at %s: %+v", now.Format("15:04"), monday)
		}
	}
}

// TestGroup: hours are summed up by steps, and how long events took is read from their buckets.
func TestGroup(t *testing.T) {
	t.Parallel()
	hours := []store.Hour{
		{Start: noon.Add(-48 * time.Hour), Success: 100},
		{Start: noon.Truncate(time.Hour).Add(-2 * time.Hour), Success: 3, Failed: 1, Queued: 7, Lags: []int{0, 4}},
		{Start: noon.Truncate(time.Hour), Success: 5, Queued: 2, Lags: []int{0, 0, 4}},
	}
	day, month := lastDay.group(hours, noon), lastMonth.group(hours, noon)
	if len(day) != 24 || day[23].Success != 5 || day[21].Failed != 1 || day[22].Events() != 0 {
		t.Errorf("by hours: %+v", day[20:])
	}
	today := month[29]
	if len(month) != 30 || today.Success != 8 || today.Queued != 7 || month[27].Success != 100 {
		t.Errorf("by days: %+v", month[26:])
	}
	for share, want := range map[float64]float64{0.5: 0.05, 0.75: 0.075, 1: 0.1} {
		if got := lag(today, share); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v of the events took %v s, want %v", share, got, want)
		}
	}
	if lag(store.Hour{}, 0.5) != 0 {
		t.Error("no event took some time")
	}
}

// TestDraw: failures are visible however few they are, and an empty chart has no bars.
func TestDraw(t *testing.T) {
	t.Parallel()
	text := func(f float64) string { return words.Number(int(f)) }
	c := draw("Events", "", []point{{main: 999, top: 1}, {main: 500}, {}}, text)
	if c.Max != "1,000" || c.Bars[0].TopH < 2 || c.Bars[1].H != 32 || c.Bars[2].H != 0 || c.Empty {
		t.Errorf("%+v", c)
	}
	if c := draw("Events", "", []point{{}, {}}, text); !c.Empty || c.Bars[0].H != 0 {
		t.Errorf("%+v", c)
	}
}

// TestAgain: a page loads itself again after an act, a limited number of times, and only as long as something is under way.
func TestAgain(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/items/7":                        "",
		"/items/7?done=resync&n=1":        "/items/7?done=resync&look=1&n=1",
		"/items/7?done=resync&n=1&look=9": "/items/7?done=resync&look=10&n=1",
		"/items/7?done=resync&look=10":    "",
		"/items/7?done=resync&look=x":     "",
	} {
		if _, at := again(httptest.NewRequest("GET", path, nil), &report.Report{Pending: 1}); at != want {
			t.Errorf("%s goes on with %q, want %q", path, at, want)
		}
	}
	if _, at := again(httptest.NewRequest("GET", "/items/7?done=resync&look=2", nil), &report.Report{}); at != "" {
		t.Errorf("nothing is under way, and the page goes on with %s", at)
	}
}

// TestRule: a rule is shown in words, and a button offers the side that lost.
func TestRule(t *testing.T) {
	t.Parallel()
	for of, want := range map[store.Conflict]string{
		{Rule: "monday"}:                     "Monday wins, monday",
		{Rule: "salesforce"}:                 "Salesforce wins, salesforce",
		{Rule: "event"}:                      "just edited in Monday, monday",
		{Rule: "monday", Take: "salesforce"}: "Monday wins, salesforce",
	} {
		if got := rule(of.Rule) + ", " + of.Standing(); got != want {
			t.Errorf("%+v: %q, want %q", of, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		words.Number(0): "0", words.Number(1234567): "1,234,567", span(0): "–", span(0.25): "250 ms", span(75): "75 s", span(600): "10 min",
		plural(1, "event that failed"): "1 event that failed", plural(1200, "event that failed"): "1,200 events that failed",
		plural(2, "alert channel that accepts no messages"): "2 alert channels that accept no messages",
		moment(noon, noon): "12:30", moment(noon, noon.AddDate(0, 0, 1)): "10 Nov, 12:30",
		moment(noon, noon.AddDate(1, 0, 0)): "10 Nov 2026, 12:30", clip("äöü", 2): "äö…",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
