package cli

import (
	"context"
	"fmt"
	"math"
	"time"

	"crmsync/internal/app"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker"
)

// asking limits the query for Salesforce's remaining calls.
const asking = 10 * time.Second

type statusCommand struct {
	JSON     bool `help:"Print JSON."`
	ExitCode bool `help:"Exit with 1 if something needs a person, and report what. For cron and monitoring."`
}

// Status is the state of the installation. Its JSON form is stable.
type Status struct {
	Processes []processStatus `json:"processes"` // running, or recently lost

	Queue       []queueStatus  `json:"queue"`
	LastHour    hourStatus     `json:"last_hour"`
	DeadLetters int            `json:"dead_letters"` // open ones
	OutOfSync   int            `json:"items_out_of_sync"`
	Held        int            `json:"held_deletions"`
	Compared    int            `json:"compared_fields"`  // by the last comparison of each board
	Differing   int            `json:"differing_fields"` // those left different
	Outages     []outageStatus `json:"outages"`
	Paused      []pauseStatus  `json:"paused_queues"`
	Channels    []chanStatus   `json:"alert_channels"`
	Feed        *feedStatus    `json:"salesforce_changes,omitempty"` // nil: nothing is synced to Monday
	Salesforce  *budgetStatus  `json:"salesforce_calls,omitempty"`   // nil: not configured here, or unavailable
	Monday      *mondayCalls   `json:"monday_calls,omitempty"`       // nil: the account reports no limit, or not today
	Comparisons []sweepStatus  `json:"last_comparisons"`             // of each board
	Migration   *runStatus     `json:"last_migration,omitempty"`     // nil: none yet
}

type sweepStatus struct {
	Board      string     `json:"board"`
	Kind       string     `json:"kind"`  // apply, reconcile, recent, backfill
	State      string     `json:"state"` // running, done, failed, stopped
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Items      int        `json:"items"`
	Differing  int        `json:"differing"` // fields and records
	Written    int        `json:"written"`
	Rejected   int        `json:"rejected"`               // sent and not accepted
	Changed    int        `json:"changed_since_the_plan"` // items

	NotWritten []notWritten `json:"not_written"` // the first ones of what was rejected, or has changed since the plan

	run sweepListed
}

type queueStatus struct {
	Queue         string  `json:"queue"`
	State         string  `json:"state"`
	Jobs          int64   `json:"jobs"`
	OldestSeconds float64 `json:"oldest_seconds"`
}

type hourStatus struct {
	Success   int64   `json:"success"`
	Unchanged int64   `json:"unchanged"`
	Skipped   int64   `json:"skipped"`
	Failed    int64   `json:"failed"`
	P50       float64 `json:"p50_seconds"` // from delivery to end
	P99       float64 `json:"p99_seconds"`
}

type outageStatus struct {
	System string    `json:"system"`
	Part   string    `json:"part,omitempty"` // such as "board 1001"; empty: the whole system
	Code   string    `json:"code"`
	Since  time.Time `json:"since"`
}

type pauseStatus struct {
	Queue string    `json:"queue"`
	Since time.Time `json:"since"`
}

type chanStatus struct {
	Channel      string     `json:"channel"`
	FailingSince *time.Time `json:"failing_since,omitempty"` // nil: the last message was accepted
	Error        string     `json:"error,omitempty"`
}

type budgetStatus struct {
	Remaining int `json:"remaining"`
	Limit     int `json:"limit"`
}

// mondayCalls are the account's calls of the day in UTC, as the workers measured them last.
type mondayCalls struct {
	Remaining int  `json:"remaining"`
	Limit     int  `json:"limit"`
	AtEnd     *int `json:"remaining_at_midnight,omitempty"` // at the current rate; nil: that is not known yet
}

// feedStatus describes how current our knowledge of changes in Salesforce is.
type feedStatus struct {
	Objects int     `json:"objects"`
	Oldest  string  `json:"oldest"`         // the object with the oldest knowledge
	Age     float64 `json:"oldest_seconds"` // since all its changes were read
}

type runStatus struct {
	Board      string     `json:"board"`
	State      string     `json:"state"` // running, done, failed
	StartedAt  time.Time  `json:"started_at"`
	FinishedAt *time.Time `json:"finished_at,omitempty"`
	Read       int        `json:"read"`
	Failed     int        `json:"failed"`
}

// Run shows the state of the installation.
func (c statusCommand) Run(ctx context.Context, p *program) error {
	db, err := p.openDatabase(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	now, err := readStatus(ctx, store.New(db), worker.Queue(db))
	if err != nil {
		return err
	}
	now.Salesforce = p.budget(ctx)
	if c.JSON {
		err = p.printJSON(now)
	} else {
		err = p.printStatus(now)
	}
	if c.ExitCode && err == nil {
		err = now.attention()
	}
	return err
}

func readStatus(ctx context.Context, s *store.Store, q *queue.Queue) (now Status, err error) {
	if now.Processes, err = readProcesses(ctx, s); err != nil {
		return now, err
	}
	depths, err := q.Depths(ctx)
	if err != nil {
		return now, err
	}
	for _, d := range depths {
		now.Queue = append(now.Queue, queueStatus{d.Queue, d.State, d.Jobs, d.Oldest.Seconds()})
	}
	ends, err := s.EndsSince(ctx, time.Now().Add(-time.Hour))
	if err != nil {
		return now, err
	}
	now.LastHour = hourStatus{ends.Success, ends.Unchanged, ends.Skipped, ends.Failed, ends.P50.Seconds(),
		ends.P99.Seconds()}
	if now.DeadLetters, err = s.CountOpenDeadLetters(ctx); err != nil {
		return now, err
	}
	if now.OutOfSync, err = s.CountRejected(ctx); err != nil {
		return now, err
	}
	if now.Held, err = s.CountHeld(ctx); err != nil {
		return now, err
	}
	agreement, err := s.Agreement(ctx)
	if err != nil {
		return now, err
	}
	now.Compared, now.Differing = agreement.Compared, agreement.Differing
	outages, err := s.OpenOutages(ctx)
	now.Outages = []outageStatus{}
	for _, o := range outages {
		now.Outages = append(now.Outages, outageStatus{o.System, o.Part, o.Code, o.StartedAt.UTC()})
	}
	if err != nil {
		return now, err
	}
	if err := now.readChannels(ctx, s, q); err != nil {
		return now, err
	}
	if now.Feed, err = readFeeds(ctx, s); err != nil {
		return now, err
	}
	if now.Monday, err = readMondayCalls(ctx, s); err != nil {
		return now, err
	}
	sweeps, err := s.Sweeps(ctx, nil)
	if err != nil {
		return now, err
	}
	listed, err := listSweeps(ctx, s, sweeps, mostShown+1)
	if err != nil {
		return now, err
	}
	now.Comparisons = []sweepStatus{}
	for n, w := range sweeps {
		now.Comparisons = append(now.Comparisons, sweepStatus{w.Board, w.Kind, w.State, w.StartedAt.UTC(), w.FinishedAt,
			w.Items, w.Differing, w.Written, w.Rejected, w.Skipped, listed[n].NotWritten, listed[n]})
	}
	runs, err := s.Runs(ctx, 1)
	for _, r := range runs {
		now.Migration = &runStatus{r.Board, r.State, r.StartedAt.UTC(), r.FinishedAt, r.Read, r.Failed}
	}
	return now, err
}

// readMondayCalls reads how many of Monday's calls are left, and how many will be left at the end of the day.
func readMondayCalls(ctx context.Context, s *store.Store) (*mondayCalls, error) {
	now := time.Now()
	hours, err := s.Hours(ctx, now.Add(-24*time.Hour))
	calls, ok := store.MondayCalls(hours, now)
	if err != nil || !ok {
		return nil, err
	}
	left := &mondayCalls{Remaining: max(calls.Limit-calls.Used, 0), Limit: calls.Limit}
	if calls.Paced {
		end := max(calls.Limit-calls.Forecast, 0)
		left.AtEnd = &end
	}
	return left, nil
}

// readFeeds reads how current our knowledge of changes in Salesforce is.
func readFeeds(ctx context.Context, s *store.Store) (*feedStatus, error) {
	feeds, err := s.Feeds(ctx, nil)
	if err != nil || len(feeds.Feeds) == 0 {
		return nil, err
	}
	f := &feedStatus{}
	for _, one := range feeds.Feeds {
		if one.Tier != store.FollowTier {
			continue
		}
		f.Objects++
		if age := feeds.Now.Sub(one.CompleteAt).Seconds(); f.Oldest == "" || age > f.Age {
			f.Oldest, f.Age = one.Object, age
		}
	}
	return f, nil
}

// readChannels reads what blocks jobs or alerts.
func (now *Status) readChannels(ctx context.Context, s *store.Store, q *queue.Queue) error {
	pauses, err := q.Pauses(ctx)
	if err != nil {
		return err
	}
	now.Paused, now.Channels = []pauseStatus{}, []chanStatus{}
	for _, p := range pauses {
		now.Paused = append(now.Paused, pauseStatus{p.Queue, p.Since.UTC()})
	}
	channels, err := s.Channels(ctx)
	for _, c := range channels {
		now.Channels = append(now.Channels, chanStatus{c.Name, c.FailingSince, c.Error})
	}
	return err
}

// budget reads Salesforce's remaining calls, if it is configured. It costs one call.
func (p *program) budget(ctx context.Context) *budgetStatus {
	c, err := app.ReadConfig(p.getenv, app.Role{Worker: true})
	if err != nil {
		return nil
	}
	l, err := app.NewLive(c)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	limits, err := l.Salesforce.Limits(ctx)
	if err != nil {
		return nil
	}
	calls := limits["DailyApiRequests"]
	return &budgetStatus{Remaining: calls.Remaining, Limit: calls.Max}
}

func (p *program) printStatus(now Status) error {
	if err := p.printProcesses(now.Processes); err != nil {
		return err
	}
	table := newTable(p.stdout)
	fmt.Fprintln(table, "QUEUE\tSTATE\tJOBS\tOLDEST")
	for _, q := range now.Queue {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\n", q.Queue, q.State, q.Jobs, seconds(q.OldestSeconds))
	}
	for _, p := range now.Paused {
		fmt.Fprintf(table, "%s\tPAUSED since %s; resume it in the dashboard\n", p.Queue, moment(p.Since))
	}
	fmt.Fprintln(table)
	h := now.LastHour
	fmt.Fprintf(table, "last hour\t%d synced\t%d unchanged\t%d skipped\t%d failed\n", h.Success, h.Unchanged, h.Skipped,
		h.Failed)
	fmt.Fprintf(table, "delivery to end\tp50 %s\tp99 %s\n", seconds(h.P50), seconds(h.P99))
	fmt.Fprintf(table, "dead letters\t%d%s\n", now.DeadLetters,
		map[bool]string{true: ": crmsync errors"}[now.DeadLetters > 0])
	fmt.Fprintf(table, "out of sync\t%s with a rejected value\n", plural(now.OutOfSync, "item"))
	if now.Held > 0 {
		fmt.Fprintf(table, "delete brake\t%s held: crmsync held\n", plural(now.Held, "item"))
	}
	if now.Compared > 0 {
		fmt.Fprintf(table, "last comparison\t%s\n", agreeing(now.Compared, now.Differing))
	}
	for _, system := range []string{"salesforce", "monday"} {
		fmt.Fprintf(table, "%s\t%s\n", system, standing(now.Outages, system))
	}
	for _, o := range now.Outages {
		if o.Part != "" {
			fmt.Fprintf(table, "%s, %s\taway since %s (%s)\n", o.System, o.Part, moment(o.Since), o.Code)
		}
	}
	for _, c := range now.Channels {
		if c.FailingSince != nil {
			fmt.Fprintf(table, "alerts by %s\tfailing since %s (%s)\n", c.Channel, moment(*c.FailingSince), c.Error)
		}
	}
	if f := now.Feed; f != nil {
		fmt.Fprintf(table, "way back\tup to date as of %s ago\n", seconds(f.Age))
	}
	if now.Salesforce != nil {
		fmt.Fprintf(table, "salesforce calls\t%d of %d left\n", now.Salesforce.Remaining, now.Salesforce.Limit)
	}
	if m := now.Monday; m != nil {
		end := ""
		if m.AtEnd != nil {
			end = fmt.Sprintf("; %d at midnight UTC, at the current rate", *m.AtEnd)
		}
		fmt.Fprintf(table, "monday calls\t%d of %d left today%s\n", m.Remaining, m.Limit, end)
	}
	for _, c := range now.Comparisons {
		if c.State != "done" || c.Kind == "backfill" || c.Rejected+c.Changed > 0 {
			fmt.Fprintf(table, "%s of %s\t%s\t%s\t%d differing\t%d written\t%d rejected\t%d changed since the plan\tfrom %s\n",
				c.Kind, c.Board, c.State, plural(c.Items, "item"), c.Differing, c.Written, c.Rejected, c.Changed,
				moment(c.StartedAt))
		}
	}
	if m := now.Migration; m != nil {
		fmt.Fprintf(table, "last import\t%s\t%s\t%d read\t%d failed\tfrom %s\n", m.Board, m.State, m.Read, m.Failed,
			moment(m.StartedAt))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, c := range now.Comparisons {
		if err := c.run.printNotWritten(p.stdout); err != nil {
			return err
		}
	}
	return nil
}

// agreeing returns the share of fields that agree, rounded down: if a field differs, it is never 100 %.
func agreeing(compared, differing int) string {
	share := math.Floor(10_000*float64(compared-differing)/float64(compared)) / 100
	text := fmt.Sprintf("%.2f %% of %s agree", share, plural(compared, "field"))
	if differing > 0 {
		text += fmt.Sprintf("; %d differ: crmsync plan", differing)
	}
	return text
}

func standing(outages []outageStatus, system string) string {
	for _, o := range outages {
		if o.System == system && o.Part == "" {
			return fmt.Sprintf("away since %s (%s)", moment(o.Since), o.Code)
		}
	}
	return "no known outage"
}

func moment(t time.Time) string { return t.UTC().Format(time.DateTime + " UTC") }

// seconds returns a duration, no more precise than people need it.
func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	}
	return d.Round(time.Second).String()
}
