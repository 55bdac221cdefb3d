package worker

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"crmsync/jobs"
	"crmsync/schema/mapping"
	"crmsync/schema/queue"
	"crmsync/schema/store"
	"crmsync/worker/engine"
)

// scraping limits how long Postgres may take to count the queue.
const scraping = 3 * time.Second

type metrics struct {
	mapping *mapping.Mapping
	jobs    *prometheus.CounterVec
	errors  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer, m *mapping.Mapping) metrics {
	with := promauto.With(reg)
	with.NewGaugeVec(prometheus.GaugeOpts{
		Name: "crmsync_mapping_info",
		Help: "Mapping of the running worker, always 1.",
	}, []string{"fingerprint"}).WithLabelValues(m.Fingerprint()).Set(1)
	counts := metrics{
		mapping: m,
		jobs: with.NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_jobs_total",
			Help: "Attempts of jobs, by how they ended.",
		}, []string{"kind", "outcome", "board"}),
		errors: with.NewCounterVec(prometheus.CounterOpts{
			Name: "crmsync_attempts_failed_total",
			Help: "Failed attempts of jobs, by the code of the error.",
		}, []string{"board", "code"}),
	}
	counts.begin()
	return counts
}

// begin exports zeros for expected events. A counter that first appears with its first event shows no increase, which
// would hide a board with one event an hour.
func (m metrics) begin() {
	kinds := []string{jobs.KindColumnUpdate, jobs.KindItemCreate, jobs.KindItemRename, jobs.KindItemDelete,
		jobs.KindItemRestore}
	outcomes := []engine.Outcome{engine.Success, engine.Unchanged, engine.Skipped, engine.Failed}
	for _, board := range m.mapping.Boards {
		for _, kind := range kinds {
			for _, outcome := range outcomes {
				m.jobs.WithLabelValues(kind, string(outcome), board.Name)
			}
		}
	}
}

// countEnd counts an attempt of a job.
func (m metrics) countEnd(kind, outcome string, board int64) {
	m.jobs.WithLabelValues(kind, outcome, m.board(board)).Inc()
}

// countFailure counts a failed attempt by the code of its error.
func (m metrics) countFailure(code string, board int64) {
	m.errors.WithLabelValues(m.board(board), code).Inc()
}

// board returns the board's name in the mapping, which limits the number of series, or "" if it is not mapped.
func (m metrics) board(id int64) string {
	if board := m.mapping.Board(id); board != nil {
		return board.Name
	}
	return ""
}

var (
	queueJobs = prometheus.NewDesc("crmsync_queue_jobs", "Jobs in the queue that are not done.",
		[]string{"queue", "state"}, nil)
	queueOldest = prometheus.NewDesc("crmsync_queue_oldest_seconds", "Age of the oldest job that is due.",
		[]string{"queue"}, nil)
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
	systemUp = prometheus.NewDesc("crmsync_system_up", "Whether the system is reachable, as far as is known: 1 "+
		"or 0.", []string{"system"}, nil)
	lastRun = prometheus.NewDesc("crmsync_last_run_timestamp_seconds", "When the last import or comparison of "+
		"the board ended.", []string{"run", "board"}, nil)
	lastRunOK = prometheus.NewDesc("crmsync_last_run_succeeded", "Whether the last import or comparison of the "+
		"board succeeded: 1 or 0.", []string{"run", "board"}, nil)
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
	for _, desc := range []*prometheus.Desc{queueJobs, queueOldest, queuePaused, deadLetters, heldItems, compared,
		differing, channelUp, systemUp, lastRun, lastRunOK} {
		descs <- desc
	}
}

// Collect collects the metrics.
func (c queueCollector) Collect(metrics chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scraping)
	defer cancel()
	for _, collect := range []func(context.Context, chan<- prometheus.Metric) error{c.depths, c.letters, c.comparisons,
		c.channels, c.systems, c.runs} {
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
	open, err := c.store.CountOpenDeadLetters(ctx)
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

// systems reports each system that no worker counts as away as up. A part that is away leaves the system up.
func (c queueCollector) systems(ctx context.Context, metrics chan<- prometheus.Metric) error {
	outages, err := c.store.OpenOutages(ctx)
	if err != nil {
		return err
	}
	up := map[string]float64{"salesforce": 1, "monday": 1}
	for _, outage := range outages {
		if outage.Part == "" {
			up[outage.System] = 0
		}
	}
	for system, is := range up {
		metrics <- gauge(systemUp, is, system)
	}
	return nil
}

func (c queueCollector) runs(ctx context.Context, metrics chan<- prometheus.Metric) error {
	runs, err := c.store.LastRuns(ctx)
	for _, run := range runs {
		succeeded := 0.0
		if run.Succeeded {
			succeeded = 1
		}
		metrics <- gauge(lastRun, float64(run.FinishedAt.Unix()), run.Run, run.Board)
		metrics <- gauge(lastRunOK, succeeded, run.Run, run.Board)
	}
	return err
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}
