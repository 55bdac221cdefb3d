package console

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"crmsync/internal/words"
	"crmsync/schema/store"
)

// counts are the numbers of things that wait for a person, as shown in the navigation.
type counts struct{ DeadLetters, Conflicts, Held int }

// counts reads the counts. A page without them is better than none, so what cannot be read is left out.
func (s *Console) counts(ctx context.Context) (c counts) {
	letters, err := s.Store.CountOpenDeadLetters(ctx)
	held, unread := s.Store.CountHeld(ctx)
	if err != nil || unread != nil {
		return counts{}
	}
	return counts{DeadLetters: letters, Held: held}
}

// homeData is what the first page shows.
type homeData struct {
	DeadLetters int // open ones
	Health      health
	Causes      []store.Cause // that have open dead letters
	MoreCauses  int
	Outages     []outage
	Held        int
	Meetings    store.FirstMeetings
	Rejected    int
	Conflicts   int             // of the last days, not decided by a person
	Channels    []store.Channel // that accept no messages
	Paused      []string
	Charts      []figure
	Calls       []meter
	Runs        []runRow
}

// outage is a system, or a part of it, that is away.
type outage struct {
	Name, Code string
	Since      time.Time
}

// figure is a number with its charts.
type figure struct {
	Name, Value, Note string
	Day, Month        chart
}

// home shows the state of the installation.
func (s *Console) home(r *http.Request) (view, error) {
	ctx := r.Context()
	var d homeData
	for _, read := range []func(context.Context, *homeData) error{s.readCauses, s.readOthers, s.readFigures, s.readRuns} {
		if err := read(ctx, &d); err != nil {
			return view{}, err
		}
	}
	d.Health = judge(d)
	return view{page: "home", title: "Overview", data: &d}, nil
}

// conflictsFor is how long the first page shows a conflict.
const conflictsFor = 7 * 24 * time.Hour

// causesShown is how many causes the first page names.
const causesShown = 5

func (s *Console) readCauses(ctx context.Context, d *homeData) error {
	causes, err := s.Store.Causes(ctx)
	if err != nil {
		return err
	}
	for _, c := range causes {
		d.DeadLetters += c.Open
		switch {
		case c.Open == 0:
		case len(d.Causes) == causesShown:
			d.MoreCauses++
		default:
			d.Causes = append(d.Causes, c)
		}
	}
	outages, err := s.Store.OpenOutages(ctx)
	for _, o := range outages {
		name := systemName(o.System)
		if o.Part != "" {
			name += ", " + o.Part
		}
		d.Outages = append(d.Outages, outage{name, o.Code, o.StartedAt.UTC()})
	}
	return err
}

func (s *Console) readOthers(ctx context.Context, d *homeData) (err error) {
	if d.Held, err = s.Store.CountHeld(ctx); err != nil {
		return err
	}
	if d.Meetings, err = s.Store.OpenFirstMeetings(ctx); err != nil {
		return err
	}
	if d.Rejected, err = s.Store.CountRejected(ctx); err != nil {
		return err
	}
	if d.Conflicts, err = s.Store.CountConflicts(ctx, s.Now().Add(-conflictsFor)); err != nil {
		return err
	}
	channels, err := s.Store.Channels(ctx)
	if err != nil {
		return err
	}
	for _, c := range channels {
		if c.FailingSince != nil {
			d.Channels = append(d.Channels, c)
		}
	}
	pauses, err := s.Queue.Pauses(ctx)
	for _, p := range pauses {
		d.Paused = append(d.Paused, p.Queue)
	}
	return err
}

// readFigures makes the charts, and the meters of both systems' calls.
func (s *Console) readFigures(ctx context.Context, d *homeData) error {
	now := s.Now()
	hours, err := s.Store.Hours(ctx, now.Add(-31*24*time.Hour))
	if err != nil {
		return err
	}
	depths, err := s.Queue.Depths(ctx)
	if err != nil {
		return err
	}
	var waiting int64
	for _, depth := range depths {
		if depth.State != "running" {
			waiting += depth.Jobs
		}
	}
	day, month := lastDay.group(hours, now), lastMonth.group(hours, now)
	var sum store.Hour
	for _, h := range day {
		addHour(&sum, h)
	}
	d.Charts = []figure{
		{
			"Events", words.Number(sum.Events()),
			"in 24 hours, " + words.Number(sum.Success) + " of them written, " + words.Number(sum.Failed) + " failed",
			eventChart(day, lastDay), eventChart(month, lastMonth),
		},
		{
			"Delay", span(lag(sum, 0.5)), "for half of the events from arrival to Salesforce; 99\u00a0% within " +
				span(lag(sum, 0.99)),
			lagChart(day, lastDay), lagChart(month, lastMonth),
		},
		{
			"Queue", words.Number(int(waiting)), "waiting now; most in 24 hours: " + words.Number(int(sum.Queued)),
			queueChart(day, lastDay), queueChart(month, lastMonth),
		},
	}
	d.Calls = meters(hours, now)
	return nil
}

func (p period) at(t time.Time) string {
	if p.step == time.Hour {
		return t.Format("15:04")
	}
	return t.Format("2 Jan")
}

func (p period) from() string { return p.name + " ago" }

func eventChart(steps []store.Hour, p period) chart {
	points := make([]point, len(steps))
	for n, h := range steps {
		points[n] = point{float64(h.Events() - h.Failed), float64(h.Failed),
			fmt.Sprintf("%s: %s events, %s failed", p.at(h.Start), words.Number(h.Events()), words.Number(h.Failed))}
	}
	return draw("Events in the last "+p.name, p.from(), points, func(f float64) string { return words.Number(int(f)) })
}

func lagChart(steps []store.Hour, p period) chart {
	points := make([]point, len(steps))
	for n, h := range steps {
		points[n] = point{main: lag(h, 0.99), title: fmt.Sprintf("%s: 99 %% within %s", p.at(h.Start), span(lag(h, 0.99)))}
	}
	return draw("Longest delay of 99 % of the events in the last "+p.name, p.from(), points, span)
}

func queueChart(steps []store.Hour, p period) chart {
	points := make([]point, len(steps))
	for n, h := range steps {
		waiting := words.Number(int(h.Queued))
		points[n] = point{main: float64(h.Queued), title: fmt.Sprintf("%s: %s waiting", p.at(h.Start), waiting)}
	}
	return draw("Most events waiting at once in the last "+p.name, p.from(), points,
		func(f float64) string { return words.Number(int(f)) })
}
