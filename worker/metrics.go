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

// scraping is how long Postgres may take to count the queue.
const scraping = 3 * time.Second

type metrics struct {
	jobs *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) metrics {
	return metrics{
		jobs: promauto.With(reg).NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_jobs_total",
			Help: "Tries of jobs, by how they ended.",
		}, []string{"kind", "outcome"}),
	}
}

var (
	queueJobs    = prometheus.NewDesc("crmsync_queue_jobs", "Jobs in the queue that are not done.", []string{"queue", "state"}, nil)
	queueOldest  = prometheus.NewDesc("crmsync_queue_oldest_seconds", "Age of the oldest job that is due.", []string{"queue"}, nil)
	deadLetters  = prometheus.NewDesc("crmsync_dead_letters", "Dead letters that were not put back.", nil, nil)
	scrapeFailed = prometheus.NewDesc("crmsync_queue_error", "The queue cannot be counted.", nil, nil)
)

// queueCollector counts the queue when somebody looks.
type queueCollector struct {
	store *store.Store
	queue *queue.Queue
	log   *slog.Logger
}

// Describe names what is counted.
func (queueCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- queueJobs
	descs <- queueOldest
	descs <- deadLetters
}

// Collect counts.
func (c queueCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scraping)
	defer cancel()
	depths, err := c.queue.Depths(ctx)
	if err != nil {
		c.log.Warn("queue not counted", "error", err)
		metrics <- prometheus.NewInvalidMetric(scrapeFailed, err)
		return
	}
	oldest := map[string]time.Duration{}
	for _, d := range depths {
		metrics <- prometheus.MustNewConstMetric(queueJobs, prometheus.GaugeValue, float64(d.Jobs), d.Queue, d.State)
		oldest[d.Queue] = max(oldest[d.Queue], d.Oldest)
	}
	for queue, age := range oldest {
		metrics <- prometheus.MustNewConstMetric(queueOldest, prometheus.GaugeValue, age.Seconds(), queue)
	}
	letters, err := c.store.CountOpenLetters(ctx)
	if err != nil {
		metrics <- prometheus.NewInvalidMetric(scrapeFailed, err)
		return
	}
	metrics <- prometheus.MustNewConstMetric(deadLetters, prometheus.GaugeValue, float64(letters))
}
