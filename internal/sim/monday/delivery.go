package monday

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Delivery is one request that delivers a webhook.
type Delivery struct {
	Board         int64
	URL           string
	Authorization string         // the JWT, if the simulator signs webhooks
	Body          []byte         // {"event": {...}}
	Event         map[string]any // the content of Body; ids are int64
}

// maxAttempts is the maximum number of attempts for a webhook: one a minute for half an hour.
const maxAttempts = 30

// sender sends webhooks to their URLs.
type sender struct {
	cfg    Config
	chance *chance
	client *http.Client
	ctx    context.Context //nolint:containedctx // of all deliveries: ends with Close
	cancel context.CancelFunc

	mu         sync.Mutex
	queue      []*pendingDelivery
	senders    int
	running    sync.WaitGroup // of the senders
	closed     bool
	pending    int
	idle       chan struct{} // closed when nothing is pending; nil if nothing waits for that
	events     int
	deliveries int
	failed     int
}

// maxSenders limits the number of concurrent requests.
const maxSenders = 64

// pendingDelivery is a delivery that is not finished, with its number of attempts.
type pendingDelivery struct {
	event    *notification
	attempts int
}

// notification is an event for one subscriber; a doubled one has two deliveries.
type notification struct {
	*webhookEvent
	answered bool
}

func (p *sender) start(cfg Config) {
	p.cfg = cfg
	p.chance = newChance(cfg.Seed)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxSenders
	p.client = &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func (p *sender) setLost(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Lost = share
}

func (p *sender) close() {
	p.mu.Lock()
	p.closed = true
	p.queue = nil
	p.mu.Unlock()
	p.cancel()
	p.running.Wait()
	p.client.CloseIdleConnections()
}

// DeliveryCounts returns how many webhooks were answered with 200, counting each event of a subscription once, and the
// number of requests for all webhooks, including doubles and retries.
func (s *Sim) DeliveryCounts() (events, deliveries int) {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.events, s.post.deliveries
}

// Pending returns the number of deliveries that have neither succeeded nor failed for good.
func (s *Sim) Pending() int {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.pending
}

// FailedDeliveries returns the number of deliveries that failed 30 times.
func (s *Sim) FailedDeliveries() int {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.failed
}

// Wait returns when no delivery is pending, or with the context's error.
func (s *Sim) Wait(ctx context.Context) error {
	s.post.mu.Lock()
	if s.post.pending == 0 {
		s.post.mu.Unlock()
		return nil
	}
	if s.post.idle == nil {
		s.post.idle = make(chan struct{})
	}
	idle := s.post.idle
	s.post.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send starts the delivery of an event: usually once, sometimes twice or not at all.
func (p *sender) send(e *webhookEvent) {
	p.mu.Lock()
	lost := p.cfg.Lost
	p.mu.Unlock()
	if p.chance.below(lost) {
		return
	}
	copies := 1
	if p.chance.below(p.cfg.Doubled) {
		copies = 2
	}
	p.mu.Lock()
	p.pending += copies
	p.mu.Unlock()
	n := &notification{webhookEvent: e}
	for range copies {
		delay := time.Duration(p.chance.upTo(int64(p.cfg.Shuffle)))
		switch {
		case delay > 0:
			time.AfterFunc(delay, func() { p.enqueue(&pendingDelivery{event: n}) })
		case p.cfg.Deliver != nil:
			p.attempt(&pendingDelivery{event: n})
		default:
			p.enqueue(&pendingDelivery{event: n})
		}
	}
}

// enqueue queues a delivery, and starts a sender if the limit allows it.
func (p *sender) enqueue(pc *pendingDelivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.queue = append(p.queue, pc)
	if p.senders < maxSenders {
		p.senders++
		p.running.Go(p.work)
	}
}

// work sends deliveries until the queue is empty.
func (p *sender) work() {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.senders--
			p.mu.Unlock()
			return
		}
		pc := p.queue[0]
		p.queue = p.queue[1:]
		p.mu.Unlock()
		p.attempt(pc)
	}
}

// attempt sends a delivery once, and schedules the next attempt if the answer is not 200.
func (p *sender) attempt(pc *pendingDelivery) {
	pc.attempts++
	answered := p.post(pc.delivery(p.cfg))
	p.mu.Lock()
	p.deliveries++
	if answered && !pc.event.answered {
		pc.event.answered = true
		p.events++
	}
	retry := !answered && pc.attempts < maxAttempts
	if !retry {
		p.finish(answered)
	}
	p.mu.Unlock()
	if retry {
		time.AfterFunc(p.cfg.RetryEvery, func() { p.enqueue(pc) })
	}
}

// finish ends a delivery.
func (p *sender) finish(answered bool) {
	if !answered {
		p.failed++
	}
	p.pending--
	if p.pending == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// post sends the request and reports whether the answer was 200.
func (p *sender) post(d Delivery) bool {
	if p.cfg.Deliver != nil {
		p.cfg.Deliver(d)
		return true
	}
	status, _, err := p.request(p.ctx, d.URL, d.Authorization, d.Body)
	return err == nil && status == http.StatusOK
}

// request posts JSON and returns the start of the answer's body.
func (p *sender) request(ctx context.Context, url, authorization string, body []byte) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, answer, err
}

// delivery returns the request of this attempt. A retry is marked as one, and has a new trigger time.
func (pc *pendingDelivery) delivery(cfg Config) Delivery {
	event := pc.event.fields
	if pc.attempts > 1 {
		event = maps.Clone(event)
		event["isRetry"] = true
		event["triggerTime"] = isoTime(cfg.Now())
		if cfg.FreshTriggers {
			event["triggerUuid"] = newTrigger()
		}
	}
	body, err := json.Marshal(object{"event": event})
	if err != nil {
		panic("mondaysim: encoding a webhook: " + err.Error())
	}
	hook := pc.event.hook
	return Delivery{Board: hook.board.ID, URL: hook.url, Authorization: signature(cfg, hook), Body: body,
		Event: maps.Clone(event)}
}

// signature returns the JWT of a webhook.
//
// https://developer.monday.com/apps/docs/authorization-header
func signature(cfg Config, h *webhook) string {
	if cfg.SigningSecret == "" {
		return ""
	}
	now := cfg.Now().Unix()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"accountId": accountID, "userId": h.owner, "aud": h.url, "iat": now, "exp": now + 300,
		"shortLivedToken": "short-lived",
	})
	signed, err := token.SignedString([]byte(cfg.SigningSecret))
	if err != nil {
		panic("mondaysim: signing a webhook: " + err.Error())
	}
	return signed
}
