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

// Delivery is a webhook as it goes out.
type Delivery struct {
	Board         int64
	URL           string
	Authorization string         // the JWT, where the simulator signs
	Body          []byte         // {"event": {...}}
	Event         map[string]any // what Body says; ids are int64
}

// maxTries is how often a webhook is sent: once a minute for half an hour.
const maxTries = 30

// postman carries webhooks to their URLs.
type postman struct {
	cfg    Config
	chance *chance
	client *http.Client
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	mu         sync.Mutex
	queue      []*parcel
	carriers   int
	running    sync.WaitGroup // carriers
	closed     bool
	pending    int
	idle       chan struct{} // closed when nothing pends; nil while nobody waits
	events     int
	deliveries int
	givenUp    int
}

// maxCarriers bounds the requests in flight.
const maxCarriers = 64

// parcel is one delivery, with its tries.
type parcel struct {
	event *letter
	tries int
}

// letter is an event for one subscriber; a doubled one is in two parcels.
type letter struct {
	*webhookEvent
	answered bool
}

func (p *postman) start(cfg Config) {
	p.cfg = cfg
	p.chance = newChance(cfg.Seed)
	p.ctx, p.cancel = context.WithCancel(context.Background())
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = maxCarriers
	p.client = &http.Client{Transport: transport, Timeout: 30 * time.Second}
}

func (p *postman) setLost(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Lost = share
}

func (p *postman) close() {
	p.mu.Lock()
	p.closed = true
	p.queue = nil
	p.mu.Unlock()
	p.cancel()
	p.running.Wait()
	p.client.CloseIdleConnections()
}

// Delivered counts the webhooks that were answered with 200, each event of a subscription once, and the
// requests that were made for all of them, with doubles and retries.
func (s *Sim) Delivered() (events, deliveries int) {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.events, s.post.deliveries
}

// Pending counts the deliveries that are not yet answered with 200, nor given up.
func (s *Sim) Pending() int {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.pending
}

// GivenUp counts the deliveries that were tried 30 times in vain.
func (s *Sim) GivenUp() int {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	return s.post.givenUp
}

// Wait returns when no delivery pends, or with the context's error.
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

// send starts the delivery of an event: once, now and then twice, or not at all.
func (p *postman) send(e *webhookEvent) {
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
	l := &letter{webhookEvent: e}
	for range copies {
		delay := time.Duration(p.chance.upTo(int64(p.cfg.Shuffle)))
		switch {
		case delay > 0:
			time.AfterFunc(delay, func() { p.enqueue(&parcel{event: l}) })
		case p.cfg.Deliver != nil:
			p.carry(&parcel{event: l})
		default:
			p.enqueue(&parcel{event: l})
		}
	}
}

// enqueue hands a parcel to a carrier.
func (p *postman) enqueue(pc *parcel) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	p.queue = append(p.queue, pc)
	if p.carriers < maxCarriers {
		p.carriers++
		p.running.Go(p.carryAll)
	}
}

// carryAll carries until the queue is empty.
func (p *postman) carryAll() {
	for {
		p.mu.Lock()
		if len(p.queue) == 0 {
			p.carriers--
			p.mu.Unlock()
			return
		}
		pc := p.queue[0]
		p.queue = p.queue[1:]
		p.mu.Unlock()
		p.carry(pc)
	}
}

// carry makes one try, and plans the next one where it was not answered with 200.
func (p *postman) carry(pc *parcel) {
	pc.tries++
	answered := p.post(pc.delivery(p.cfg))
	p.mu.Lock()
	p.deliveries++
	if answered && !pc.event.answered {
		pc.event.answered = true
		p.events++
	}
	again := !answered && pc.tries < maxTries
	if !again {
		p.settle(answered)
	}
	p.mu.Unlock()
	if again {
		time.AfterFunc(p.cfg.RetryEvery, func() { p.enqueue(pc) })
	}
}

// settle ends a delivery.
func (p *postman) settle(answered bool) {
	if !answered {
		p.givenUp++
	}
	p.pending--
	if p.pending == 0 && p.idle != nil {
		close(p.idle)
		p.idle = nil
	}
}

// post makes the request and reports whether the answer was 200.
func (p *postman) post(d Delivery) bool {
	if p.cfg.Deliver != nil {
		p.cfg.Deliver(d)
		return true
	}
	status, _, err := p.request(p.ctx, d.URL, d.Authorization, d.Body)
	return err == nil && status == http.StatusOK
}

// request posts JSON and gives the start of the answer's body.
func (p *postman) request(ctx context.Context, url, authorization string, body []byte) (int, []byte, error) {
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

// delivery is the try's request. A retry says so, and stamps the trigger time anew.
func (pc *parcel) delivery(cfg Config) Delivery {
	event := pc.event.fields
	if pc.tries > 1 {
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
	return Delivery{Board: hook.board.ID, URL: hook.url, Authorization: signature(cfg, hook), Body: body, Event: maps.Clone(event)}
}

// signature is the JWT of a webhook.
//
// https://developer.monday.com/apps/docs/authorization-header
func signature(cfg Config, h *webhook) string {
	if cfg.SigningSecret == "" {
		return ""
	}
	now := cfg.Now().Unix()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"accountId": accountID, "userId": h.owner, "aud": h.url, "iat": now, "exp": now + 300, "shortLivedToken": "short-lived",
	})
	signed, err := token.SignedString([]byte(cfg.SigningSecret))
	if err != nil {
		panic("mondaysim: signing a webhook: " + err.Error())
	}
	return signed
}
