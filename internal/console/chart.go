package console

import (
	"math"
	"time"

	"crmsync/schema/store"
)

// Charts have their own coordinate system, which the style sheet fits into the page.
const (
	chartWidth  = 300.0
	chartHeight = 64.0
)

// chart is a bar chart of a period. Each bar may have a part of another color at its top.
type chart struct {
	Label string // what it shows, for people who cannot see it
	Bars  []bar
	Max   string // the value of the highest bar
	From  string // of the time below its left end
	Empty bool   // there is nothing to show
}

// bar is one bar: its place, and its parts.
type bar struct {
	X, W       float64
	Y, H       float64 // of the main part
	TopY, TopH float64 // of the part above it
	Title      string
}

// point is a value of a chart.
type point struct {
	main, top float64
	title     string
}

// draw creates a chart of points.
func draw(label, from string, points []point, text func(float64) string) chart {
	highest := 0.0
	for _, p := range points {
		highest = max(highest, p.main+p.top)
	}
	c := chart{Label: label, From: from, Empty: highest == 0, Max: text(highest)}
	width := chartWidth / float64(len(points))
	for n, p := range points {
		b := bar{X: round(float64(n) * width), W: round(width * 0.72), Title: p.title}
		if highest > 0 {
			b.H, b.TopH = round(chartHeight*p.main/highest), round(chartHeight*p.top/highest)
			if p.top > 0 {
				b.TopH = max(b.TopH, 2) // a failure is always visible
			}
			if p.main > 0 {
				b.H = max(b.H, 1)
			}
		}
		b.Y = round(chartHeight - b.H)
		b.TopY = round(max(b.Y-b.TopH, 0))
		c.Bars = append(c.Bars, b)
	}
	return c
}

func round(f float64) float64 { return math.Round(f*10) / 10 }

// period is hours, or days of hours, up to now.
type period struct {
	step  time.Duration
	count int
	name  string
}

var (
	lastDay   = period{time.Hour, 24, "24 hours"}
	lastMonth = period{24 * time.Hour, 30, "30 days"}
)

// group sums up hours by the steps of a period; the last step is the current one.
func (p period) group(hours []store.Hour, now time.Time) []store.Hour {
	steps := make([]store.Hour, p.count)
	first := now.UTC().Truncate(p.step).Add(-time.Duration(p.count-1) * p.step)
	for n := range steps {
		steps[n].Start = first.Add(time.Duration(n) * p.step)
	}
	for _, h := range hours {
		if n := int(h.Start.Sub(first) / p.step); !h.Start.Before(first) && n < len(steps) {
			addHour(&steps[n], h)
		}
	}
	return steps
}

func addHour(sum *store.Hour, h store.Hour) {
	sum.Success, sum.Unchanged, sum.Skipped, sum.Failed = sum.Success+h.Success, sum.Unchanged+h.Unchanged,
		sum.Skipped+h.Skipped, sum.Failed+h.Failed
	sum.Queued, sum.Oldest = max(sum.Queued, h.Queued), max(sum.Oldest, h.Oldest)
	if sum.Lags == nil {
		sum.Lags = make([]int, len(store.LagBounds())+1)
	}
	for n, count := range h.Lags {
		if n < len(sum.Lags) {
			sum.Lags[n] += count
		}
	}
}

// lag returns the maximum time of a share of the synced events, in seconds, to the precision of the buckets.
func lag(h store.Hour, share float64) float64 {
	total := 0
	for _, n := range h.Lags {
		total += n
	}
	if total == 0 {
		return 0
	}
	bounds := store.LagBounds()
	wanted, seen := share*float64(total), 0.0
	for n, count := range h.Lags {
		if seen+float64(count) < wanted {
			seen += float64(count)
			continue
		}
		from, to := 0.0, bounds[len(bounds)-1]*2
		if n > 0 {
			from = bounds[n-1]
		}
		if n < len(bounds) {
			to = bounds[n]
		}
		return from + (to-from)*(wanted-seen)/float64(count)
	}
	return 0
}
