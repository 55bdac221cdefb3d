package monday

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

const testToken = "test-token"

// clock is a clock that tests advance.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 9, 23, 12, 0, 0, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// inbox collects the deliveries of Config.Deliver.
type inbox struct {
	mu  sync.Mutex
	all []Delivery
}

func (i *inbox) deliver(d Delivery) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, d)
}

// events decodes the bodies like a receiver.
func (i *inbox) events(t *testing.T) []map[string]any {
	t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	out := []map[string]any{}
	for _, d := range i.all {
		var body struct{ Event map[string]any }
		if err := json.Unmarshal(d.Body, &body); err != nil {
			t.Fatalf("body of a delivery: %v", err)
		}
		out = append(out, body.Event)
	}
	return out
}

// client calls a simulator over HTTP.
type client struct {
	*Sim
	t   *testing.T
	url string
}

func start(t *testing.T, cfg Config) *client {
	t.Helper()
	if cfg.Token == "" {
		cfg.Token = testToken
	}
	sim := New(cfg)
	server := httptest.NewServer(sim)
	t.Cleanup(func() {
		server.Close()
		sim.Close()
	})
	return &client{Sim: sim, t: t, url: server.URL + "/v2"}
}

// reply is an answer with its decoded body; numbers are kept as written.
type reply struct {
	status int
	header http.Header
	text   string
	body   map[string]any
}

// code returns the code of the first error.
func (r reply) code() string {
	errs, _ := r.body["errors"].([]any)
	if len(errs) == 0 {
		return ""
	}
	first, _ := errs[0].(map[string]any)
	extensions, _ := first["extensions"].(map[string]any)
	code, _ := extensions["code"].(string)
	return code
}

func (c *client) call(query string, vars map[string]any, header ...string) reply {
	c.t.Helper()
	r, err := c.try(query, vars, header...)
	if err != nil {
		c.t.Fatalf("calling: %v", err)
	}
	return r
}

func (c *client) try(query string, vars map[string]any, header ...string) (reply, error) {
	c.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": vars})
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", testToken)
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(resp.Body); err != nil {
		return reply{}, err
	}
	r := reply{status: resp.StatusCode, header: resp.Header, text: text.String()}
	d := json.NewDecoder(&text)
	d.UseNumber()
	_ = d.Decode(&r.body)
	return r, nil
}

// decoded decodes the wanted JSON like a reply's data member, for a comparison.
func decoded(t *testing.T, text string) any {
	t.Helper()
	var out any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&out); err != nil {
		t.Fatalf("decoding %s: %v", text, err)
	}
	return out
}
