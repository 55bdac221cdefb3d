package mapping

import (
	"strings"
	"time"
	_ "time/tzdata" // time zones, in case the system has none

	"github.com/goccy/go-yaml/ast"
	"github.com/robfig/cron/v3"
)

// Brake limits deletions: if more records than Deletes, and more than Percent of a board's items, would be deleted
// within Within, a person decides.
type Brake struct {
	Deletes int
	Percent int
	Within  time.Duration
}

// DefaultBrake is the brake of a mapping without one.
var DefaultBrake = Brake{Deletes: 20, Percent: 5, Within: time.Hour}

func (d *decoder) defaults(m *Mapping, n ast.Node) {
	d.object(placeOf(n), n, keys{
		"key":           func(n ast.Node) { m.Key = d.apiName(n) },
		"phone_country": func(n ast.Node) { m.PhoneCountry = d.region(n) },
		"owner":         func(n ast.Node) { m.Owner, m.ownerAt = d.user(n), placeOf(n) },
		"time_zone":     func(n ast.Node) { m.TimeZone = d.timeZone(n) },
		"reconcile":     func(n ast.Node) { m.Reconcile, m.reconcile = d.reconcile(n) },
		"brake":         func(n ast.Node) { m.Brake = d.brake(n) },
		"adopt_shown":   func(n ast.Node) { m.AdoptShown = d.onOff(n, "adopt_shown") },
	})
}

// timeZone reads the name of a time zone.
func (d *decoder) timeZone(n ast.Node) *time.Location {
	w, ok := d.text(n)
	if !ok {
		return nil
	}
	zone, err := time.LoadLocation(w.text)
	if err != nil || w.text == "" || w.text == "Local" {
		d.fault(w.place, "%q is not a time zone of the IANA database, such as America/New_York%s",
			w.text, zoneSuggestion(w.text))
		return nil
	}
	return zone
}

// zoneSuggestion suggests the time zone of a place that is written without its region, in lower case, or with spaces.
func zoneSuggestion(got string) string {
	city := strings.ReplaceAll(strings.ToLower(got[strings.LastIndex(got, "/")+1:]), " ", "_")
	words := strings.Split(city, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	if city == "" || city == "local" {
		return ""
	}
	for _, region := range []string{"America", "Europe", "Asia", "Africa", "Australia", "Pacific", "Atlantic", "Indian"} {
		name := region + "/" + strings.Join(words, "_")
		if _, err := time.LoadLocation(name); err == nil {
			return `, did you mean "` + name + `"?`
		}
	}
	return ""
}

// reconcile reads a cron expression, or "off".
func (d *decoder) reconcile(n ast.Node) (string, cron.Schedule) {
	if w, ok := n.(*ast.StringNode); ok && w.Value == off {
		return "", nil
	}
	return d.schedule(n, `; "off" for none`)
}

// DefaultReconcile is when the two systems are compared unless the mapping says otherwise.
const DefaultReconcile = "0 3 * * *"

// defaultReconcile is DefaultReconcile as a schedule.
var defaultReconcile = func() cron.Schedule {
	when, err := cron.ParseStandard(DefaultReconcile)
	if err != nil {
		panic(err) // it is a constant
	}
	return when
}()

// NextReconcile returns the next time after the given one at which the two systems are compared; zero: never.
func (m *Mapping) NextReconcile(after time.Time) time.Time { return next(m.reconcile, after) }

// brake reads the brake. Missing keys have their defaults.
func (d *decoder) brake(n ast.Node) Brake {
	b := DefaultBrake
	d.object(placeOf(n), n, keys{
		"deletes": func(n ast.Node) { b.Deletes = d.within(n, 0, 1_000_000) },
		"percent": func(n ast.Node) { b.Percent = d.within(n, 0, 100) },
		"within":  func(n ast.Node) { b.Within = d.duration(n) },
	})
	return b
}

// within reads a whole number within limits.
func (d *decoder) within(n ast.Node, least, most int) int {
	v, ok := d.integer(n)
	if ok && (v < int64(least) || v > int64(most)) {
		d.fault(placeOf(n), "%d is not between %d and %d", v, least, most)
		return least
	}
	return int(v)
}

// duration reads a duration such as 1h30m, from a minute to a week.
func (d *decoder) duration(n ast.Node) time.Duration {
	w, ok := d.text(n)
	if !ok {
		return 0
	}
	v, err := time.ParseDuration(w.text)
	switch {
	case err != nil:
		d.fault(w.place, "%q is not a duration, such as 90m or 1h30m", w.text)
	case v < time.Minute || v > 7*24*time.Hour:
		d.fault(w.place, "%s is not between 1m and 168h", w.text)
	}
	return v
}
