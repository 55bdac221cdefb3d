package app

import (
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

const (
	// guessDelay is how long the answer to a wrong password is delayed.
	guessDelay = time.Second

	// guessesAtOnce is how many answers are delayed at the same time; others are refused immediately.
	guessesAtOnce = 4
)

// guesses slows down password guessing to four attempts per second, whatever the number of connections.
type guesses struct {
	delay   time.Duration
	waiting chan struct{}
	count   prometheus.Counter
	log     *slog.Logger
}

func newGuesses(reg prometheus.Registerer, log *slog.Logger) *guesses {
	return &guesses{
		delay: guessDelay, waiting: make(chan struct{}, guessesAtOnce), log: log,
		count: promauto.With(reg).NewCounter(prometheus.CounterOpts{
			Name: "crmsync_admin_logins_refused_total",
			Help: "Logins to the internal listener with a wrong user or password.",
		}),
	}
}

// refuse counts and logs a wrong login, and delays its answer. It reports whether there are too many already.
func (g *guesses) refuse(r *http.Request) (tooMany bool) {
	g.count.Inc()
	address, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		address = r.RemoteAddr
	}
	g.log.Warn("login to the dashboard refused", "address", address)
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return true
	}
	select {
	case <-r.Context().Done():
	case <-time.After(g.delay):
	}
	return false
}
