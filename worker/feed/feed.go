// Package feed follows changes in Salesforce to records whose values are written to Monday. It only reports them: if a
// record does not hold what both sides last agreed on, its item is compared, and the comparison reads the record
// again. The values that the feed reads are never applied, since one of our own writes may be newer.
package feed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/internal/retry"
	"crmsync/schema/ledger"
	"crmsync/schema/mapping"
	"crmsync/schema/store"
	"crmsync/sfclient"
	"crmsync/worker/reserve"
)

// Salesforce is the part of Salesforce's API that the feed needs.
type Salesforce interface {
	QueryAllEach(ctx context.Context, soqls []string) ([]sfclient.QueryResult, error) // up to 5 queries in one call
	Describe(ctx context.Context, object string) (*sfclient.Object, error)
}

// Config configures a Feed.
type Config struct {
	Mapping    *mapping.Mapping
	Store      *store.Store
	Salesforce Salesforce
	Reserve    *reserve.Reserve

	// Poll is the time between polls; 0: as often as activity and the day's calls suggest.
	Poll time.Duration

	// Ring queues a resync of each item in the transaction, behind live events.
	Ring func(ctx context.Context, tx pgx.Tx, items []ledger.Ref) error

	// Backlog returns how many of these resyncs still wait, up to a number.
	Backlog func(ctx context.Context, most int) (int, error)

	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Feed polls Salesforce. Of the feeds of all processes, one polls at a time.
type Feed struct {
	Config
	sources map[string]*source // by object
	hidden  map[string]hiddenFields
	added   bool
	waits   string // the reason that was logged last
	lag     *prometheus.GaugeVec
	late    prometheus.Counter
	records *prometheus.CounterVec
}

// hiddenFields are fields of an object that the integration user could not see when they were last requested.
type hiddenFields struct {
	fields map[string]bool
	until  time.Time
}

// New returns a feed, which does nothing until it runs.
func New(c Config) *Feed {
	f := &Feed{Config: c, sources: map[string]*source{}, hidden: map[string]hiddenFields{}}
	for _, s := range sourcesOf(c.Mapping) {
		f.sources[s.object] = s
	}
	metrics := promauto.With(c.Registerer)
	f.lag = metrics.NewGaugeVec(prometheus.GaugeOpts{
		Name: "crmsync_feed_lag_seconds",
		Help: "Time since all changes of an object in Salesforce were last known.",
	}, []string{"object"})
	f.late = metrics.NewCounter(prometheus.CounterOpts{
		Name: "crmsync_feed_late_total",
		Help: "Changes that became visible in Salesforce so late that only a later tier found them.",
	})
	f.records = metrics.NewCounterVec(prometheus.CounterOpts{
		Name: "crmsync_feed_records_total",
		Help: "Changed records that the feed has read, by outcome: rung (the item is compared) or dropped.",
	}, []string{"outcome"})
	return f
}

const (
	lease      = "feed"
	leaseLasts = 2 * time.Minute

	// pollLasts limits how long one worker polls before another may take over.
	pollLasts = time.Minute

	// look is the maximum time between two checks for a due reading.
	look = 5 * time.Second

	// mostWaiting is how many resyncs may wait before the feed stops reading: further ones would only grow old in the
	// queue.
	mostWaiting = 5000

	// backlogWait is how often the feed checks whether fewer resyncs wait.
	backlogWait = 500 * time.Millisecond

	// atOnce is how many queries one call carries.
	atOnce = 5
)

// Run polls until ctx ends.
func (f *Feed) Run(ctx context.Context) {
	for {
		wait, err := f.Step(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			wait = cmp.Or(min(retry.After(err), look), look)
		}
		f.notice(err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// notice logs why the feed waits, once for each reason.
func (f *Feed) notice(err error) {
	reason := ""
	if err != nil {
		reason = err.Error()
	}
	if reason == f.waits {
		return
	}
	if f.waits = reason; reason != "" {
		f.Log.Warn("the feed of changes from salesforce waits", "reason", reason)
	} else {
		f.Log.Info("the feed of changes from salesforce continues")
	}
}

// Step reads everything that is due, unless another worker does. It returns how long to wait before the next step.
func (f *Feed) Step(ctx context.Context) (wait time.Duration, err error) {
	feeds, err := f.read(ctx)
	if err != nil {
		return 0, err
	}
	if f.added && !due(&feeds) {
		return untilDue(&feeds), nil
	}
	holder, keys := uuid.New(), []string{lease}
	held, err := f.Store.Lease(ctx, holder, keys, leaseLasts)
	if err != nil || len(held) == 0 {
		return time.Second, err
	}
	defer func() {
		freeing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err = errors.Join(err, f.Store.Free(freeing, holder, keys))
	}()
	for end := time.Now().Add(pollLasts); ; {
		if feeds, err = f.read(ctx); err != nil {
			return 0, err
		}
		if err := f.add(ctx, &feeds); err != nil {
			return 0, err
		}
		if !due(&feeds) || !time.Now().Before(end) {
			return untilDue(&feeds), nil
		}
		if err := f.poll(ctx, &feeds); err != nil {
			return 0, err
		}
	}
}

// read loads the progress of the readings, and exports how old the knowledge of each object is.
func (f *Feed) read(ctx context.Context) (store.Feeds, error) {
	feeds, err := f.Store.Feeds(ctx, objectsOf(f.sources))
	for _, one := range feeds.Feeds {
		if t, ok := tierOf(one); ok && t.isFirst() && !one.CompleteAt.IsZero() {
			f.lag.WithLabelValues(one.Object).Set(feeds.Now.Sub(one.CompleteAt).Seconds())
		}
	}
	return feeds, err
}

// due reports whether a reading is due.
func due(feeds *store.Feeds) bool {
	for _, one := range feeds.Feeds {
		if _, ok := tierOf(one); ok && one.Due {
			return true
		}
	}
	return false
}

// untilDue returns how long to wait for the next reading.
func untilDue(feeds *store.Feeds) time.Duration {
	wait := look
	for _, one := range feeds.Feeds {
		if _, ok := tierOf(one); ok {
			wait = min(wait, one.Wait)
		}
	}
	return max(wait, 10*time.Millisecond)
}

// add adds the readings of objects that are new in the mapping. They start with changes from now on: a comparison of
// the board finds what differs already.
func (f *Feed) add(ctx context.Context, feeds *store.Feeds) error {
	var missing []*source
	for _, object := range objectsOf(f.sources) {
		if len(missing) < atOnce && feeds.Feed(object, store.FollowTier) == nil {
			missing = append(missing, f.sources[object])
		}
	}
	f.added = true
	if len(missing) == 0 {
		return nil
	}
	f.added = false
	if err := f.Reserve.Check(); err != nil {
		return err
	}
	soqls := make([]string, len(missing))
	for n, s := range missing {
		soqls[n] = s.selectNewest()
	}
	results, err := f.Salesforce.QueryAllEach(ctx, soqls)
	if err != nil {
		return fmt.Errorf("looking for the newest records: %w", err)
	}
	var fresh []store.Feed
	for n, s := range missing {
		fresh = append(fresh, newFeeds(s.object, results[n].Records)...) // poll reports an object that cannot be read
	}
	if err := f.Store.AddFeeds(ctx, objectsOf(f.sources), fresh); err != nil {
		return err
	}
	all, err := f.Store.Feeds(ctx, objectsOf(f.sources))
	if err == nil {
		*feeds = all
	}
	return err
}

// newFeeds returns readings of an object that start after its newest record.
func newFeeds(object string, newest []sfclient.Record) (feeds []store.Feed) {
	for _, t := range tiers {
		one := store.Feed{Object: object, Tier: t.name, Wait: t.every}
		if len(newest) > 0 {
			if p, ok := positionOf(newest[0]); ok {
				one.Covered = p.At
				if t.isFirst() {
					one.Newest = p
				}
			}
		}
		feeds = append(feeds, one)
	}
	return feeds
}
