package operate_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"crmsync/internal/e2e"
)

// hook is an endpoint that receives signed messages, or fails.
type hook struct {
	mu    sync.Mutex
	fails bool
	texts []string
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	h.mu.Lock()
	defer h.mu.Unlock()
	var message struct{ Data struct{ Text string } }
	if h.fails || err != nil || json.Unmarshal(body, &message) != nil || r.Header.Get("Webhook-Signature") == "" {
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprint(w, "hush")
		return
	}
	h.texts = append(h.texts, message.Data.Text)
}

func (h *hook) fail(fails bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fails = fails
}

func (h *hook) heard() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string{}, h.texts...)
}

// TestDeadChannel: one channel of two is dead. The other receives everything once, including that the first is dead;
// so do the status and the metrics, without its address. Once it works, it receives what is open.
func TestDeadChannel(t *testing.T) {
	t.Parallel()
	dead := &hook{fails: true}
	server := httptest.NewServer(dead)
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	w := e2e.Setup(t, e2e.With("ALERT_URLS", "webhook+http://hush-signing-secret-1@"+host+"/hush-path"))
	w.Start("serve")
	w.Start("worker") // all workers together send each alert once
	w.Deliver("not JSON")
	w.Quiet()
	w.Message("UNREADABLE")
	w.Message("Alerts have not reached Webhook", "answered 502")
	w.Alerted()
	status, scrape := w.Crmsync("status"), w.Scrape()
	for text, want := range map[string]string{
		status: "alerts by webhook", w.Crmsync("status", "--json"): `"answered 502 Bad Gateway"`, scrape: "\ncrmsync_alert_channel_up{channel=\"webhook\"} 0\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if n := len(w.Telegram.Texts()); n != 2 {
		t.Errorf("%d messages to Telegram, want 2: %q", n, w.Telegram.Texts())
	}
	dead.fail(false)
	w.Exec("UPDATE alert_channels SET failed_at = failing_since") // the pause before the next attempt is over
	w.Message("Alerts reach Webhook again")
	if heard := dead.heard(); len(heard) != 1 || !strings.Contains(heard[0], "UNREADABLE") {
		t.Errorf("then the channel received %q", heard)
	}
	w.Eventually("the metric shows it", func() bool {
		return strings.Contains(w.Scrape(), "\ncrmsync_alert_channel_up{channel=\"webhook\"} 1\n")
	})
	everything := strings.Join(append(w.Telegram.Texts(), status, w.Scrape(), w.Text("SELECT string_agg(c::text, ' ') FROM alert_channels c")), "\n")
	for _, log := range w.Logs {
		everything += log.String()
	}
	if strings.Contains(everything, "hush") {
		t.Error("the output contains the channel's secrets")
	}
}

// TestAlertURLs: faults of a channel's URL are reported at the start, by the URL's position and never with the URL.
func TestAlertURLs(t *testing.T) {
	t.Parallel()
	w := e2e.Setup(t, e2e.With("ALERT_URLS", "ntfy://ntfy.sh/topic  slack://hush/hush/hush webhook+https://hush@example.org/hush"),
		e2e.With("PUBLIC_URL", "https://user:hush@sync.example.org"), e2e.With("ALERT_PAUSES", "1m,long"))
	code, _, stderr := w.Command("worker")
	if code != 2 || strings.Contains(stderr, "hush") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
	for _, want := range []string{
		"ALERT_PAUSES: \"long\" is not a duration", "PUBLIC_URL: is not an address",
		"ALERT_URLS: URL 2: its scheme must be one of", "URL 3: webhook: the secret",
	} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in %s", want, stderr)
		}
	}
}
