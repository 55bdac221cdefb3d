package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/schema/queue"
	"crmsync/schema/store"
)

// scraping limits how long Postgres may take to count the queue.
const scraping = 3 * time.Second

type metrics struct {
	jobs *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		jobs: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_jobs_total",
			Help: "Attempts of jobs, by how they ended.",
		}, []string{"kind", "outcome"}),
	}
}

var (
	queueJobs   = prometheus.NewDesc("crmsync_queue_jobs", "Jobs in the queue that are not done.", []string{"queue", "state"}, nil)
	queueOldest = prometheus.NewDesc("crmsync_queue_oldest_seconds", "Age of the oldest job that is due.", []string{"queue"}, nil)
	queuePaused = prometheus.NewDesc("crmsync_queue_paused", "Whether the queue is paused in the dashboard: 1 or "+
		"0.", []string{"queue"}, nil)
	deadLetters = prometheus.NewDesc("crmsync_dead_letters", "Open dead letters: not replayed, closed or "+
		"ignored.", nil, nil)
	heldItems = prometheus.NewDesc("crmsync_held_deletions", "Items whose deletion the brake holds until a "+
		"person decides.", nil, nil)
	compared = prometheus.NewDesc("crmsync_compared_fields", "Fields compared by the last comparison of each "+
		"board.", nil, nil)
	differing = prometheus.NewDesc("crmsync_differing_fields", "Fields that the last comparison of each board "+
		"left differing.", nil, nil)
	channelUp = prometheus.NewDesc("crmsync_alert_channel_up", "Whether the channel accepted its last message: 1 "+
		"or 0.", []string{"channel"}, nil)
	scrapeFailed = prometheus.NewDesc("crmsync_queue_error", "The queue could not be counted.", nil, nil)
)

// queueCollector counts the queue, and other state that all workers share, on each scrape.
type queueCollector struct {
	store *store.Store
	queue *queue.Queue
	log   *slog.Logger
}

// Describe describes the metrics.
func (queueCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{queueJobs, queueOldest, queuePaused, deadLetters, heldItems, compared, differing, channelUp} {
		descs <- desc
	}
}

// Collect collects the metrics.
func (c queueCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scraping)
	defer cancel()
	for _, collect := range []func(context.Context, chan<- prometheus.Metric) error{c.depths, c.letters, c.comparisons, c.channels} {
		if err := collect(ctx, metrics); err != nil {
			c.log.Warn("could not count the queue", "error", err)
			metrics <- prometheus.NewInvalidMetric(scrapeFailed, err)
			return
		}
	}
}

func (c queueCollector) depths(ctx context.Context, metrics chan<- prometheus.Metric) error {
	depths, err := c.queue.Depths(ctx)
	if err != nil {
		return err
	}
	pauses, err := c.queue.Pauses(ctx)
	if err != nil {
		return err
	}
	oldest, paused := map[string]time.Duration{}, map[string]float64{}
	for _, d := range depths {
		metrics <- gauge(queueJobs, float64(d.Jobs), d.Queue, d.State)
		oldest[d.Queue], paused[d.Queue] = max(oldest[d.Queue], d.Oldest), 0
	}
	for _, p := range pauses {
		paused[p.Queue] = 1
	}
	for name, age := range oldest {
		metrics <- gauge(queueOldest, age.Seconds(), name)
	}
	for name, is := range paused {
		metrics <- gauge(queuePaused, is, name)
	}
	return nil
}

func (c queueCollector) letters(ctx context.Context, metrics chan<- prometheus.Metric) error {
	open, err := c.store.CountOpenLetters(ctx)
	if err == nil {
		metrics <- gauge(deadLetters, float64(open))
	}
	return err
}

func (c queueCollector) comparisons(ctx context.Context, metrics chan<- prometheus.Metric) error {
	held, err := c.store.CountHeld(ctx)
	if err != nil {
		return err
	}
	agreement, err := c.store.Agreement(ctx)
	if err == nil {
		metrics <- gauge(heldItems, float64(held))
		metrics <- gauge(compared, float64(agreement.Compared))
		metrics <- gauge(differing, float64(agreement.Differing))
	}
	return err
}

func (c queueCollector) channels(ctx context.Context, metrics chan<- prometheus.Metric) error {
	channels, err := c.store.Channels(ctx)
	for _, channel := range channels {
		up := 1.0
		if channel.FailingSince != nil {
			up = 0
		}
		metrics <- gauge(channelUp, up, channel.Name)
	}
	return err
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
