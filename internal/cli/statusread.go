package cli

import (
	"context"
	"time"

	"crmsync/internal/app"
	"crmsync/schema/queue"
	"crmsync/schema/store"
)

// readStatus reads the state of the installation from the database.
func readStatus(ctx context.Context, s *store.Store, q *queue.Queue) (now Status, err error) {
	for _, read := range []func(context.Context, *store.Store, *queue.Queue) error{
		now.readQueue, now.readCounts, now.readChannels, now.readSystems, now.readRuns,
	} {
		if err := read(ctx, s, q); err != nil {
			return now, err
		}
	}
	return now, nil
}

// readQueue reads which processes run, what is queued, and how events ended lately.
func (now *Status) readQueue(ctx context.Context, s *store.Store, q *queue.Queue) (err error) {
	if now.Processes, err = readProcesses(ctx, s); err != nil {
		return err
	}
	depths, err := q.Depths(ctx)
	if err != nil {
		return err
	}
	for _, d := range depths {
		now.Queue = append(now.Queue, queueStatus{d.Queue, d.State, d.Jobs, d.Oldest.Seconds()})
	}
	ends, err := s.EndsSince(ctx, time.Now().Add(-time.Hour))
	now.LastHour = hourStatus{
		ends.Success, ends.Unchanged, ends.Skipped, ends.Failed, ends.P50.Seconds(), ends.P99.Seconds(),
	}
	return err
}

// readCounts counts what is not in sync, or waits for a person.
func (now *Status) readCounts(ctx context.Context, s *store.Store, _ *queue.Queue) (err error) {
	if now.DeadLetters, err = s.CountOpenDeadLetters(ctx); err != nil {
		return err
	}
	if now.OutOfSync, err = s.CountRejected(ctx); err != nil {
		return err
	}
	if now.Held, err = s.CountHeld(ctx); err != nil {
		return err
	}
	agreement, err := s.Agreement(ctx)
	now.Compared, now.Differing = agreement.Compared, agreement.Differing
	return err
}

// readSystems reads which systems are away, how current our knowledge of Salesforce is, and what is left of Monday's
// calls.
func (now *Status) readSystems(ctx context.Context, s *store.Store, _ *queue.Queue) error {
	outages, err := s.OpenOutages(ctx)
	if err != nil {
		return err
	}
	now.Outages = []outageStatus{}
	for _, o := range outages {
		now.Outages = append(now.Outages, outageStatus{o.System, o.Part, o.Code, o.StartedAt.UTC()})
	}
	if now.Feed, err = readFeeds(ctx, s); err != nil {
		return err
	}
	now.Monday, err = readMondayCalls(ctx, s)
	return err
}

// readRuns reads the last comparison of each board, the last import, and which runs wait.
func (now *Status) readRuns(ctx context.Context, s *store.Store, _ *queue.Queue) error {
	sweeps, err := s.Sweeps(ctx, nil)
	if err != nil {
		return err
	}
	listed, err := listSweeps(ctx, s, sweeps, mostShown+1)
	if err != nil {
		return err
	}
	now.Comparisons = []sweepStatus{}
	for n, w := range sweeps {
		now.Comparisons = append(now.Comparisons, sweepStatus{
			w.Board, w.Kind, w.State, w.StartedAt.UTC(), w.FinishedAt,
			w.Items, w.Differing, w.Written, w.Rejected, w.Skipped, listed[n].NotWritten, listed[n],
		})
	}
	runs, err := s.Runs(ctx, 1)
	for _, r := range runs {
		now.Migration = &runStatus{r.Board, r.State, r.StartedAt.UTC(), r.FinishedAt, r.Read, r.Failed}
	}
	if err != nil {
		return err
	}
	waits, err := s.RunWaits(ctx)
	now.Waiting = []waitStatus{}
	for _, w := range waits {
		now.Waiting = append(now.Waiting, waitStatus{w.Kind, w.Board, w.Reason, w.Until.UTC()})
	}
	return err
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

// asking limits the query for Salesforce's remaining calls.
const asking = 10 * time.Second
